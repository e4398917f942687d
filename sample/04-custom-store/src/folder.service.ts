import { mkdirSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';

/** Text files in one folder. The store below knows nothing of paths. */
@Injectable()
export class FolderService {
  private readonly path = process.env.SESSION_FOLDER ?? join(tmpdir(), 'nestjs-koa-session');

  constructor() {
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
  }

  /** The text, or `undefined` when there is no such file. */
  async read(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.path, name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Replaces the file at once: no reader ever sees half of it. */
  async write(name: string, text: string): Promise<void> {
    const draft = join(this.path, `${name}.${process.pid}.${Math.random()}`);
    await writeFile(draft, text, { mode: 0o600 });
    await rename(draft, join(this.path, name));
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.path, name), { force: true });
  }
}
