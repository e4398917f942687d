import type { Context } from 'koa';
import type {
  SessionRequirement,
  SessionRule,
  SessionRuleFailure,
} from '../interfaces/session-requirement.interface.js';
import type { SessionKey } from '../interfaces/session-selection.interface.js';
import type { FoundSession } from '../session.context.js';

/** `_maxAge` of a record when `maxAge` is not set: one day, as in koa-session. */
const UNSET_MAX_AGE = 24 * 60 * 60 * 1000;

/**
 * The first rule that a session fails.
 *
 * @internal
 */
export async function failedRule(
  requirement: SessionRequirement,
  session: FoundSession,
  ctx: Context,
): Promise<SessionRuleFailure | undefined> {
  const { isNew = false, has, maxAge, externalKey, name } = requirement;
  const fail = (rule: SessionRule, statusCode: 401 | 403, message: string): SessionRuleFailure => ({
    rule,
    statusCode,
    message,
    name,
    requirement,
  });
  if ((session?.isNew ?? true) !== isNew) {
    return isNew
      ? fail('isNew', 403, 'only without a session')
      : fail('isNew', 401, 'a session is required');
  }
  if (externalKey !== undefined && !(await accepts(externalKey, session?.externalKey, ctx))) {
    return fail('externalKey', 403, 'the session has no acceptable external key');
  }
  if (has !== undefined && !holds(session, has)) {
    return fail('has', 403, 'the session lacks something this route needs');
  }
  if (maxAge !== undefined && lifetime(session) < maxAge.atLeast) {
    return fail('maxAge', 403, 'the session does not live long enough');
  }
  return undefined;
}

function holds(session: FoundSession, has: SessionKey | readonly SessionKey[]): boolean {
  const data = (session ?? {}) as Record<string, unknown>;
  return [has].flat().every((key) => Object.hasOwn(data, key) && data[key] != null);
}

function lifetime(session: FoundSession): number {
  const maxAge = session?.maxAge ?? UNSET_MAX_AGE;
  return maxAge === 'session' ? Number.POSITIVE_INFINITY : maxAge;
}

async function accepts(
  rule: NonNullable<SessionRequirement['externalKey']>,
  key: string | undefined,
  ctx: Context,
): Promise<boolean> {
  if (key === undefined || key === '') return false;
  if (rule === true) return true;
  if (typeof rule === 'function') return rule(key, ctx);
  // A global or sticky pattern remembers where it stopped, which would make every other test fail.
  return new RegExp(rule.source, rule.flags.replaceAll(/[gy]/g, '')).test(key);
}
