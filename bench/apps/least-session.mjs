// The least code that keeps the session of `data.mjs` in koa-session's two cookies: no options, no
// events, no checks beyond the signature, and wrong for any other data. What it costs is the limit
// for the format in Node; what the engine costs beyond it is the price of being a session library.
import { hash, timingSafeEqual } from 'node:crypto';
import { KEYS } from '../data.mjs';

const DAY = 86_400_000;
const BLOCK = 64;
const block = Buffer.alloc(BLOCK);
block.write(KEYS[0]);
const inner = Buffer.from(block.map((byte) => byte ^ 0x36)).toString('latin1');
const outer = Buffer.concat([block.map((byte) => byte ^ 0x5c), Buffer.alloc(20)]);

function sign(text) {
  outer.write(hash('sha1', inner + text, 'binary'), BLOCK, 'latin1');
  return hash('sha1', outer, 'base64url');
}

const ours = Buffer.alloc(27);
const theirs = Buffer.alloc(27);
let known = '';
let knownSignature = '';

function isSigned(text, signature) {
  if (text !== known) {
    known = text;
    knownSignature = sign(text);
  }
  ours.write(knownSignature, 'latin1');
  theirs.write(signature, 'latin1');
  return timingSafeEqual(ours, theirs);
}

const STORED = Symbol('stored');
const SESSION = Symbol('session');

function load(ctx) {
  const session = {};
  const stored = {};
  ctx[STORED] = stored;
  ctx[SESSION] = session;
  const { cookie } = ctx.req.headers;
  if (cookie === undefined) return session;
  const end = cookie.indexOf(';');
  const text = cookie.slice(0, end);
  if (!isSigned(text, cookie.slice(cookie.lastIndexOf('=') + 1))) throw new Error('not signed');
  const record = JSON.parse(atob(text.slice('koa.sess='.length)));
  if (record._expire < Date.now()) throw new Error('expired');
  for (const name in record) {
    if (name.startsWith('_')) continue;
    const value = record[name];
    session[name] = value;
    stored[name] = Array.isArray(value) ? [...value] : value;
  }
  return session;
}

function isSame(session, stored) {
  for (const name in session) {
    const value = session[name];
    const isEqual = Array.isArray(value)
      ? value.length === stored[name].length && value.every((item, i) => item === stored[name][i])
      : value === stored[name];
    if (!isEqual) return false;
  }
  return true;
}

function commit(ctx) {
  const session = ctx[SESSION];
  if (session === undefined) return;
  const { res } = ctx;
  res.setHeader('Vary', 'Cookie');
  if (isSame(session, ctx[STORED])) return;
  const end = Date.now() + DAY;
  const json = JSON.stringify(session).slice(0, -1);
  const text = `koa.sess=${btoa(`${json},"_expire":${end},"_maxAge":${DAY}}`)}`;
  const tail = `; path=/; expires=${dateOf(end)}; httponly`;
  res.setHeader('Set-Cookie', [text + tail, `koa.sess.sig=${sign(text)}${tail}`]);
  res.setHeader('Cache-Control', 'no-store');
}

let second = 0;
let date = '';

function dateOf(time) {
  if (Math.trunc(time / 1000) !== second) {
    second = Math.trunc(time / 1000);
    date = new Date(time).toUTCString();
  }
  return date;
}

export function leastSession(app) {
  Object.defineProperty(app.context, 'session', {
    get() {
      return this[SESSION] ?? load(this);
    },
  });
  return async (ctx, next) => {
    await next();
    commit(ctx);
  };
}
