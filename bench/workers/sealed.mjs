// The sealed cookie's codec against the one of @fastify/secure-session, which is libsodium's.
import Fastify from 'fastify';
import fastifySecureSession from '@fastify/secure-session';
import { sealed } from 'nestjs-koa-session/session';
import { KEYS, SEED } from '../data.mjs';
import { pairedCalls } from '../in-process.mjs';

/** As many as the connections of the other rows. */
const USERS = 32;

export default async function sealedCodec(settings, progress) {
  const fastify = Fastify();
  const key = Buffer.alloc(32, KEYS[0]);
  await fastify.register(fastifySecureSession, { key });
  await fastify.ready();
  const theirs = fastify.createSecureSession({ ...SEED });

  const codec = sealed({ keys: key });
  const context = { name: 'koa.sess' };
  const record = { ...SEED, _expire: Date.now() + 86_400_000, _maxAge: 86_400_000 };

  // Each user's cookie comes back when the others' have.
  const ourTexts = Array.from({ length: USERS }, () => codec.encode(record, context));
  const theirTexts = ourTexts.map(() => fastify.encodeSecureSession(theirs));
  if (codec.decode(ourTexts[0], context).name !== SEED.name) throw new Error('ours was not opened');
  const opened = fastify.decodeSecureSession(theirTexts[0]);
  if (opened.name !== SEED.name) throw new Error('theirs was not opened');

  // What another process has sealed: each is opened here once.
  const elsewhere = sealed({ keys: key });
  const foreign = [];
  let at = 0;
  return pairedCalls(
    {
      'secure-session': () => {
        const user = at++ % USERS;
        fastify.decodeSecureSession(theirTexts[user]);
        theirTexts[user] = fastify.encodeSecureSession(theirs);
      },
      ours: () => {
        const user = at++ % USERS;
        codec.decode(ourTexts[user], context);
        ourTexts[user] = codec.encode(record, context);
      },
      'ours, sealed elsewhere': {
        prepare: (count) => {
          foreign.length = 0;
          while (foreign.length < count) foreign.push(elsewhere.encode(record, context));
        },
        call: () => {
          codec.decode(foreign.pop(), context);
          codec.encode(record, context);
        },
      },
    },
    settings,
    progress,
  );
}
