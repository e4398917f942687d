import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SessionRecord, SessionStore } from 'nestjs-koa-session';
import { FolderService } from './folder.service.js';

/**
 * Keeps each session in a file. The three methods of koa-session's contract are all a store needs;
 * missing and unreadable is `undefined`, and only a failing disk is an error.
 */
@Injectable()
export class FilesStore implements SessionStore {
  constructor(private readonly folder: FolderService) {}

  async get(key: string): Promise<SessionRecord | undefined> {
    const text = await this.folder.read(nameOf(key));
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as SessionRecord;
    } catch {
      return undefined;
    }
  }

  async set(key: string, record: SessionRecord): Promise<void> {
    await this.folder.write(nameOf(key), JSON.stringify(record));
  }

  async destroy(key: string): Promise<void> {
    await this.folder.remove(nameOf(key));
  }
}

/** A client chooses the key: as a hash it can name no other file, and reading names gives no id. */
function nameOf(key: string): string {
  return `${createHash('sha256').update(key).digest('hex')}.json`;
}
