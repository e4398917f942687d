// The session that every contestant keeps: a counter, a user id, a name and two roles.

export const SEED = {
  views: 1,
  userId: '5f0c6f0e-3c1b-4f57-9d39-2c1d4d6f7a10',
  name: 'Ada Lovelace',
  roles: ['admin', 'editor'],
};

let users = 0;

/**
 * What a login puts into the session: each user has an id of its own. Users who share one have the
 * same cookie whenever they change their sessions in the same millisecond.
 */
export function nextUser() {
  const number = String(++users).padStart(12, '0');
  return { ...SEED, userId: SEED.userId.slice(0, -12) + number };
}

/** What a handler that only reads answers: it looks at every field. */
export function describe(session) {
  return `${session.views} ${session.userId} ${session.name} ${session.roles.length}`;
}

/** What a handler without a session answers: as long a text. */
export const GREETING = describe(SEED);

/** Whether an answer tells of a session that holds what a login put there, changed or not. */
export function tellsOf(answer, isChanged) {
  return answer.includes(` ${SEED.name} `) && answer.startsWith(`${SEED.views} `) !== isChanged;
}

/** One key signs, as in most applications. */
export const KEYS = ['a key for benchmarks only, 32 bytes'];

/** The store of koa-session's own documentation: three methods over a Map. */
export function plainStore() {
  const records = new Map();
  return {
    async get(key) {
      const json = records.get(key);
      return json === undefined ? undefined : JSON.parse(json);
    },
    async set(key, record) {
      records.set(key, JSON.stringify(record));
    },
    async destroy(key) {
      records.delete(key);
    },
  };
}
