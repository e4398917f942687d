import { jest } from '@jest/globals';
import Koa from 'koa';
import { createSession as koaSession } from 'koa-session';
import type { Session, SessionOptions } from '../../../lib/session/index.js';
import { createSession, sealed } from '../../../lib/session/index.js';
import { inProcess, type InProcessAnswer } from '../../support/in-process.js';

type Data = Session & Record<string, unknown>;
type Make = (options: SessionOptions, app: Koa) => Koa.Middleware;

const KEY = 'a secret of at least 32 bytes, for tests';
const SOON = () => Date.now() + 60_000;

/** A browser: it keeps and drops cookies as it is told. */
function browser() {
  const jar = new Map<string, string>();
  return {
    jar,
    header: () => [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
    take({ setCookie }: InProcessAnswer) {
      for (const cookie of setCookie) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
        if (value === '') jar.delete(name);
        else jar.set(name, value);
      }
    },
  };
}

function application(options: SessionOptions, make: Make = createSession as Make): Koa {
  const app = new Koa();
  app.keys = ['signing key'];
  app.silent = true;
  app.use(make(options, app));
  return app;
}

async function visit(app: Koa, user: ReturnType<typeof browser>): Promise<number> {
  let views = 0;
  const answer = await inProcess(
    app,
    (ctx) => {
      const session = ctx.session as Data;
      views = session.views = ((session.views as number | undefined) ?? 0) + 1;
    },
    user.header(),
  );
  if (answer.error !== undefined) throw answer.error;
  user.take(answer);
  return views;
}

const plain = () => application({}, koaSession as unknown as Make);

describe('a session with a sealed cookie', () => {
  it('keeps its data without a signature cookie and without app.keys', async () => {
    const app = new Koa();
    app.use(createSession({ codec: sealed({ keys: KEY }) }, app));
    const user = browser();
    expect([await visit(app, user), await visit(app, user)]).toEqual([1, 2]);
    expect([...user.jar.keys()]).toEqual(['koa.sess']);
  });

  it('takes over from koa-session and hands back to it without logging anybody out', async () => {
    const user = browser();
    expect(await visit(plain(), user)).toBe(1);
    const moving = application({ codec: sealed({ keys: KEY, acceptSigned: SOON() }) });
    expect(await visit(moving, user)).toBe(2);
    expect([...user.jar.keys()]).toEqual(['koa.sess']);
    expect(await visit(moving, user)).toBe(3);
    const back = application({ codec: sealed({ keys: KEY, write: 'signed' }) });
    expect(await visit(back, user)).toBe(4);
    expect([...user.jar.keys()]).toEqual(['koa.sess', 'koa.sess.sig']);
    expect(await visit(plain(), user)).toBe(5);
  });

  it('takes no cookie of koa-session’s after the time for moving, nor a forged one during it', async () => {
    const late = browser();
    await visit(plain(), late);
    expect(await visit(application({ codec: sealed({ keys: KEY }) }), late)).toBe(1);

    const forger = browser();
    await visit(plain(), forger);
    forger.jar.set('koa.sess', Buffer.from('{"views":99}').toString('base64'));
    const moving = { codec: sealed({ keys: KEY, acceptSigned: SOON() }) };
    expect(await visit(application(moving), forger)).toBe(1);
    forger.jar.set('koa.sess', Buffer.from('{"views":99}').toString('base64'));
    forger.jar.delete('koa.sess.sig');
    expect(await visit(application({ ...moving, signed: false }), forger)).toBe(1);
  });

  it('stops taking signed cookies at that very time, without a restart', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      const [early, late] = [browser(), browser()];
      await visit(plain(), early);
      await visit(plain(), late);
      const until = Date.now() + 60_000;
      const moving = application({ codec: sealed({ keys: KEY, acceptSigned: until }) });
      jest.setSystemTime(until - 1);
      expect(await visit(moving, early)).toBe(2);
      jest.setSystemTime(until);
      expect(await visit(moving, early)).toBe(3);
      expect(await visit(moving, late)).toBe(1);
    } finally {
      jest.useRealTimers();
    }
  });

  it('is found signed behind a planted seal while the move lasts', async () => {
    const user = browser();
    await visit(plain(), user);
    const theirs = sealed({ keys: `${KEY}, and another` }).encode(
      { views: 99 },
      { name: 'koa.sess' },
    );
    const moving = application({ codec: sealed({ keys: KEY, acceptSigned: SOON() }) });
    let views: unknown;
    const cookies = `koa.sess=${theirs}; ${user.header()}`;
    await inProcess(moving, (ctx) => void (views = (ctx.session as Data).views), cookies);
    expect(views).toBe(1);
  });

  it('is worth nothing as another session of the same application', async () => {
    const codec = sealed({ keys: KEY });
    const user = browser();
    await visit(application({ key: 'visitor', codec }), user);
    const admin = application({ key: 'admin', codec });
    user.jar.set('admin', user.jar.get('visitor') as string);
    expect(await visit(admin, user)).toBe(1);
  });

  it('is found behind a planted cookie of the same name, which is told', async () => {
    const app = application({ codec: sealed({ keys: KEY }) });
    const reasons: unknown[] = [];
    app.on('session:refused', ({ reason }: { reason: unknown }) => reasons.push(reason));
    const user = browser();
    await visit(app, user);
    let views: unknown;
    await inProcess(
      app,
      (ctx) => void (views = (ctx.session as Data).views),
      `koa.sess=planted; ${user.header()}`,
    );
    expect(views).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(reasons).toContain('duplicate-cookie');
  });
});
