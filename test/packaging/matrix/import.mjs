import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import probe from './probe.cjs';

await probe((name) => import(name));

const required = createRequire(import.meta.url)('nestjs-koa-session/session');
const imported = await import('nestjs-koa-session/session');
assert.equal(required.Session, imported.Session, 'import and require() give two copies');
