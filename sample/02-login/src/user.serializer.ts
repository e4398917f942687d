import { Injectable } from '@nestjs/common';
import { PassportSerializer } from '@nestjs/passport';
import { type User, UsersService } from './users.service.js';

/** The session holds the user's id; each request finds the user by it. */
@Injectable()
export class UserSerializer extends PassportSerializer {
  constructor(private readonly users: UsersService) {
    super();
  }

  serializeUser(user: User, done: (error: null, id: string) => void): void {
    done(null, user.id);
  }

  deserializeUser(id: string, done: (error: null, user: User | false) => void): void {
    done(null, this.users.find(id) ?? false);
  }
}
