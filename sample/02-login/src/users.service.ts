import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';

export interface User {
  id: string;
  name: string;
}

const salt = randomBytes(16);
const hash = (password: string) => scryptSync(password, salt, 32);

/** In a real application: a database. */
@Injectable()
export class UsersService {
  private readonly users = [{ id: '1', name: 'ann', password: hash('correct horse') }];

  find(id: string): User | undefined {
    return this.users.find((user) => user.id === id);
  }

  check(name: string, password: string): User | undefined {
    const user = this.users.find((each) => each.name === name);
    const right = timingSafeEqual(hash(password), user?.password ?? Buffer.alloc(32));
    return right ? user : undefined;
  }
}
