import type { Context } from 'koa';

/** What a handler does with the session, as data, so that it can be generated and printed. */
export type Op =
  | { do: 'set'; key: string; value: unknown }
  | { do: 'delete'; key: string }
  | { do: 'read' }
  | { do: 'replace'; value: unknown }
  | { do: 'maxAge'; value: number | 'session' }
  | { do: 'sessionOptions.maxAge'; value: number }
  | { do: 'save' | 'regenerate' | 'manuallyCommit' | 'commit' }
  | { do: 'save with callback' }
  | { do: 'hold' }
  | { do: 'held.save' | 'held.manuallyCommit' }
  | { do: 'pause' }
  | { do: 'throw'; status: number };

/** Which cookies the client sends. */
export type CookieTrick =
  | 'its own'
  | 'none'
  | 'its first'
  | 'other value'
  | 'other signature'
  | 'no signature'
  | 'no value'
  | 'garbage';

/** What happens next to the one client, the server's clock, its store or its keys. */
export type Step =
  | { step: 'request'; before?: Op[]; ops: Op[]; after?: Op[]; cookies?: CookieTrick }
  | { step: 'wait'; ms: number }
  | { step: 'rotate keys' }
  | { step: 'lose records' }
  | { step: 'put record'; record: unknown }
  | { step: 'forge cookie'; payload: unknown }
  | { step: 'set option'; name: string; value: unknown };

type AnySession = Record<string, unknown> & {
  isNew: boolean;
  length: number;
  populated: boolean;
  maxAge: unknown;
  externalKey: unknown;
  save(callback?: (error?: Error) => void): Promise<void>;
  regenerate(): Promise<void>;
  manuallyCommit(): Promise<void>;
  commit(options?: object): Promise<void>;
  toJSON(): unknown;
};

/**
 * Carries out `ops` on a context, one after the other, as a handler would.
 *
 * @returns what the handler could see.
 */
export async function perform(
  ops: readonly Op[],
  context: Context,
  seen: unknown[],
): Promise<void> {
  const ctx = context as unknown as {
    session: AnySession;
    sessionOptions: Record<string, unknown>;
    throw(status: number): never;
    state: { held?: AnySession };
  };
  for (const op of ops) {
    switch (op.do) {
      case 'set':
        ctx.session[op.key] = structuredClone(op.value);
        break;
      case 'delete':
        delete ctx.session[op.key];
        break;
      case 'read':
        seen.push(look(ctx.session));
        break;
      case 'replace':
        ctx.session = structuredClone(op.value) as AnySession;
        break;
      case 'maxAge':
        ctx.session.maxAge = op.value;
        break;
      case 'sessionOptions.maxAge':
        ctx.sessionOptions.maxAge = op.value;
        break;
      case 'save':
      case 'regenerate':
      case 'manuallyCommit':
      case 'commit':
        seen.push(await ctx.session[op.do]());
        break;
      case 'save with callback': {
        const { session } = ctx;
        await new Promise<void>((resolve, reject) => {
          const returned: unknown = session.save((error) => (error ? reject(error) : resolve()));
          seen.push(returned === undefined ? 'returns nothing' : 'returns something');
        });
        break;
      }
      case 'hold':
        ctx.state.held = ctx.session;
        break;
      case 'held.save':
        await ctx.state.held?.save();
        break;
      case 'held.manuallyCommit':
        await ctx.state.held?.manuallyCommit();
        break;
      case 'pause':
        await new Promise((resolve) => setImmediate(resolve));
        break;
      case 'throw':
        ctx.throw(op.status);
    }
  }
}

function look(session: AnySession | null): unknown {
  if (session === null) return null;
  const { isNew, length, populated, maxAge, externalKey } = session;
  return { isNew, length, populated, maxAge, externalKey, data: session.toJSON() };
}
