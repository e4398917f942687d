import type { ResolvedSessionOptions } from './options.js';
import type { Session } from './session.js';
import type { SessionData } from './session-data.js';

/** What a handler may assign to `ctx.session`. @publicApi */
export type NewSession = (Partial<SessionData> & { maxAge?: number | 'session' }) | Session | null;

declare module 'koa' {
  interface ExtendableContext {
    /**
     * The request's session. `null` once it was removed in this request.
     * Assigning `null` ends it; assigning an object replaces its data.
     */
    get session(): Session;
    set session(session: NewSession);
    /** The session options of this request; a change counts for this request alone. */
    readonly sessionOptions: ResolvedSessionOptions;
    /** Every session of the application, by its option `key`. */
    readonly sessions: Record<string, Session | null>;
  }
}
