import type { SessionData } from '../../lib/session/index.js';

/** Which session a decorator is about: `@IsNewSession({ name: 'admin' })`. @publicApi */
export interface NamedSession {
  /** The session's `name` in `SessionModule.forRoot()`. Default: the default session. */
  name?: string | undefined;
}

/**
 * The data keys of sessions: those that the application has merged into `SessionData`; any string
 * where it has merged none.
 *
 * @publicApi
 */
export type SessionKey = [keyof SessionData] extends [never] ? string : keyof SessionData & string;

/** Which session, and which of its data. @publicApi */
export interface SessionSelection extends NamedSession {
  /** The data key. Default: the whole session. */
  key?: SessionKey | undefined;
}
