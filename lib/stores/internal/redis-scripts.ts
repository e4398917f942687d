import { createHash } from 'node:crypto';

/** A Lua script and the name under which the server remembers it. @internal */
export interface RedisScript {
  readonly source: string;
  readonly sha: string;
}

function script(source: string): RedisScript {
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

// Every script touches one key, so it runs in any slot of a cluster. A value is either
// "<version> <expires> <owner> <grace>\n<json>" or, from other libraries, the JSON alone, whose
// version is its hash. A key of another type than string is corrupt.
const VERSION_OF = `
local function version_of(value)
  if string.sub(value, 1, 1) == '{' then return redis.sha1hex(value) end
  return string.match(value, '^(%S+) %d+ %S* %d+\\n')
end
`;

/** How much longer than its `_expire` a record lives that koa-session wrote, milliseconds. */
const FOREIGN_GRACE = 10_000;

/**
 * KEYS: record. ARGV: the least lifetime it is to have, or '' for that which it has. Returns the
 * value and its lifetime. What is over by its `_expire` is not renewed.
 */
export const READ = script(`
local value = redis.pcall('GET', KEYS[1])
if type(value) ~= 'string' then return false end
local life = redis.call('PTTL', KEYS[1])
local least = tonumber(ARGV[1])
if not least or life >= least then return { value, life } end
local grace = string.match(value, '^%S+ %d+ %S* (%d+)\\n') or ${FOREIGN_GRACE}
if life >= 0 and life <= tonumber(grace) then return { value, life } end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return { value, least }
`);

/** KEYS: record. ARGV: version, value, lifetime. Returns whether the record is this one. */
export const CREATE = script(`${VERSION_OF}
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'string' then return version_of(value) == ARGV[1] and 1 or 0 end
if value then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`);

/**
 * KEYS: record. ARGV: expected version, new version, value, lifetime. Returns 1 when written, 0
 * when there is no record, else the value that is there and its lifetime.
 */
export const UPDATE = script(`${VERSION_OF}
local value = redis.pcall('GET', KEYS[1])
if type(value) ~= 'string' then return 0 end
local version = version_of(value)
if not version then return 0 end
if version == ARGV[2] then return 1 end
if version ~= ARGV[1] then return { value, redis.call('PTTL', KEYS[1]) } end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
return 1
`);

/**
 * KEYS: record. ARGV: lifetime. Returns the head of the value; nothing when there is none, or when
 * it is over by its `_expire`.
 */
export const TOUCH = script(`
local value = redis.pcall('GET', KEYS[1])
if type(value) ~= 'string' then return false end
local grace = string.match(value, '^%S+ %d+ %S* (%d+)\\n') or 0
local life = redis.call('PTTL', KEYS[1])
if life >= 0 and life <= tonumber(grace) then return false end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return string.match(value, '^[^{\\n]*\\n') or ''
`);

/**
 * KEYS: record. Returns the head of the value that was there. Begins with no write that a server
 * out of memory refuses.
 */
export const DESTROY = script(`
local value = redis.pcall('GET', KEYS[1])
redis.call('DEL', KEYS[1])
if type(value) ~= 'string' then return false end
return string.match(value, '^[^{\\n]*\\n') or ''
`);

/** KEYS: record. ARGV: owner as in the head. Ends the record if it is the owner's. */
export const DESTROY_OWNED = script(`
local value = redis.pcall('GET', KEYS[1])
if type(value) ~= 'string' then return 0 end
if string.match(value, '^%S+ %d+ (%S*) %d+\\n') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);

/**
 * KEYS: the owner's index. ARGV: key of a record, now, until when the entry counts. Drops the
 * entries whose time is over, and keeps the index as long as its longest entry.
 */
export const INDEX = script(`
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
local life = ARGV[3] - ARGV[2]
if redis.call('PTTL', KEYS[1]) < life then redis.call('PEXPIRE', KEYS[1], life) end
return 1
`);
