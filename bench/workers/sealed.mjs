// The sealed cookie's codec against the one of @fastify/secure-session, which is libsodium's.
import Fastify from 'fastify';
import fastifySecureSession from '@fastify/secure-session';
import { sealed } from 'nestjs-koa-session/session';
import { KEYS, SEED } from '../data.mjs';
import { pairedCalls } from '../in-process.mjs';

export default async function sealedCodec(settings, progress) {
  const fastify = Fastify();
  const key = Buffer.alloc(32, KEYS[0]);
  await fastify.register(fastifySecureSession, { key });
  await fastify.ready();
  const theirs = fastify.createSecureSession({ ...SEED });
  const theirText = fastify.encodeSecureSession(theirs);

  const codec = sealed({ keys: key });
  const context = { name: 'koa.sess' };
  const record = { ...SEED, _expire: Date.now() + 86_400_000, _maxAge: 86_400_000 };
  const ourText = codec.encode(record, context);
  if (codec.decode(ourText, context).name !== SEED.name) throw new Error('the seal was not opened');
  if (fastify.decodeSecureSession(theirText).name !== SEED.name) throw new Error('theirs was not');

  return pairedCalls(
    {
      'secure-session': () => {
        fastify.encodeSecureSession(theirs);
        fastify.decodeSecureSession(theirText);
      },
      ours: () => {
        codec.encode(record, context);
        codec.decode(ourText, context);
      },
    },
    settings,
    progress,
  );
}
