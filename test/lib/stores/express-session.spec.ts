import { randomUUID } from 'node:crypto';
import connectPgSimple from 'connect-pg-simple';
import { RedisStore as ConnectRedisStore } from 'connect-redis';
import session from 'express-session';
import { Pool } from 'pg';
import { createClient } from 'redis';
import { SessionOptionsError } from '../../../lib/errors.js';
import { ExpressSessionStore } from '../../../lib/stores/express-session.js';
import type { ExpressSessionStoreOptions } from '../../../lib/stores/express-session.js';
import { storeContract } from '../../../lib/testing/index.js';
import { describeWith, service } from '../../support/services.js';

const redis = await service('Redis');
const postgres = await service('PostgreSQL');

const HOUR = 3_600_000;

describe('ExpressSessionStore on MemoryStore', () => {
  storeContract<ExpressSessionStore>({
    name: 'ExpressSessionStore',
    create: () => new ExpressSessionStore({ store: new session.MemoryStore() }),
    capabilities: [],
  });
});

describeWith('ExpressSessionStore on connect-redis', redis, 'Redis', ({ url, stop }) => {
  const client = createClient({ url }).on('error', () => undefined);
  beforeAll(async () => void (await client.connect()));
  afterAll(async () => {
    client.destroy();
    await stop();
  });

  storeContract<ExpressSessionStore>({
    name: 'ExpressSessionStore',
    create: () => {
      const prefix = `express-${randomUUID()}:`;
      return new ExpressSessionStore({ store: new ConnectRedisStore({ client, prefix }) });
    },
    dispose: async () => {
      for await (const keys of client.scanIterator({ MATCH: 'express-*-*-*-*-*:contract-*' })) {
        if (keys.length > 0) await client.del(keys);
      }
    },
    capabilities: [],
    ttlGranularity: 1_000,
  });
});

describeWith(
  'ExpressSessionStore on connect-pg-simple',
  postgres,
  'PostgreSQL',
  ({ url, stop }) => {
    const pool = new Pool({ connectionString: url });
    const tableName = `express_${randomUUID().replaceAll('-', '')}`;
    const PgStore = connectPgSimple(session);
    const store = new PgStore({
      pool,
      tableName,
      createTableIfMissing: true,
      pruneSessionInterval: false,
    });
    afterAll(async () => {
      store.close();
      await pool.query(`DROP TABLE IF EXISTS ${tableName}`);
      await pool.end();
      await stop();
    });

    storeContract<ExpressSessionStore>({
      name: 'ExpressSessionStore',
      create: () => new ExpressSessionStore({ store }),
      capabilities: [],
      ttlGranularity: 1_000,
    });
  },
);

describe('ExpressSessionStore', () => {
  const over = (get: ExpressSessionStoreOptions['store']['get']) =>
    new ExpressSessionStore({
      store: {
        get,
        set: (_id: string, _session: never, done?: (error?: unknown) => void) =>
          done?.(new Error('read-only')),
        destroy: () => Promise.reject(new Error('socket closed')),
      },
    });

  it('fails when the store calls back with an error, throws or rejects', async () => {
    const throwing = over(() => {
      throw new Error('not connected');
    });
    await expect(throwing.get('a')).rejects.toMatchObject({
      kind: 'unavailable',
      outcome: 'not-applied',
    });
    await expect(throwing.set('a', {}, HOUR)).rejects.toMatchObject({ outcome: 'unknown' });
    await expect(throwing.destroy('a')).rejects.toMatchObject({ outcome: 'unknown' });
  });

  it('takes a missing file for a missing session', async () => {
    const files = over((_id, done) =>
      done(Object.assign(new Error('no file'), { code: 'ENOENT' })),
    );
    expect(await files.get('a')).toBeUndefined();
  });

  it('takes a session of an Express application for no record', async () => {
    const express = over((_id, done) => done(null, { cookie: {}, user: 1 }));
    expect(await express.get('a')).toBeUndefined();
  });

  it('refuses what is no store', () => {
    const build = () => new ExpressSessionStore({} as ExpressSessionStoreOptions);
    expect(build).toThrow(SessionOptionsError);
    expect(build).toThrow(/must be a store made for express-session, got undefined/);
  });
});
