import Koa from 'koa';
import type { Session, SessionOptions } from '../../lib/session/index.js';
import { createSession } from '../../lib/session/index.js';
import { MemoryStore } from '../../lib/stores/memory.js';
import { cookieHeader, inProcess, type InProcessAnswer } from '../support/in-process.js';

/** A session whose data nobody described. */
export type Data = Session & Record<string, unknown>;

/** An application with a session, and requests to it that never leave this process. */
export function application(options: SessionOptions = {}, store = new MemoryStore()) {
  const app = new Koa();
  app.keys = ['a key for tests'];
  app.silent = true;
  app.use(createSession({ store, ...options }, app));
  const request = async (act: (session: Data) => unknown, from?: InProcessAnswer | string) => {
    const cookie = typeof from === 'object' ? cookieHeader(from) : (from ?? '');
    const answer = await inProcess(app, (ctx) => act(ctx.session as Data), cookie);
    if (answer.error !== undefined) throw answer.error;
    return answer;
  };
  const dataOf = async (from: InProcessAnswer | string) => {
    let data: Record<string, unknown> = {};
    await request((session) => void (data = { ...session }), from);
    return data;
  };
  return { app, store, request, dataOf };
}

/** The events of an application, by name and reason, as they come. */
export function eventsOf(app: Koa, ...names: string[]): string[] {
  const seen: string[] = [];
  for (const name of names) {
    app.on(name, ({ reason }: { reason?: string }) => {
      seen.push(reason === undefined ? name : `${name} ${reason}`);
    });
  }
  return seen;
}

/** Until events that wait for the current step of their request have been told. */
export function told(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A store that, before the next call of a method, lets another request do something first. */
export function overtaken() {
  const before: Partial<Record<'create' | 'update' | 'destroy', () => Promise<unknown>>> = {};
  const store = new Proxy(new MemoryStore(), {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]): Promise<unknown> => {
        const act = before[name as keyof typeof before];
        delete before[name as keyof typeof before];
        await act?.();
        return (await Reflect.apply(member, target, args)) as unknown;
      };
    },
  });
  return { store, before };
}
