import { Logger } from '@nestjs/common';
import { match, parse, pathToRegexp } from 'path-to-regexp';
import type { Token } from 'path-to-regexp';
import { AdapterError } from '../errors.js';
import { NO_PARAMS, decodeParameter } from './path-match.js';
import type { MatchingRules, PathMatch, PathMatcher } from './path-match.js';
import { segmentMatcher } from './segment-matcher.js';

/** A path as an application may write it. @internal */
export type RoutePath = string | RegExp | readonly (string | RegExp)[];

const EVERY_PATH: PathMatch = { path: '', params: NO_PARAMS };
const logger = new Logger('KoaRouter');

/**
 * Brings the wildcards of earlier Nest versions (`*`, `(.*)`, `+`) into today's syntax, with a
 * warning for all but the bare "everything" wildcard.
 *
 * @internal
 */
export function modernPath(path: string): string {
  const slashed = path.startsWith('/') ? path : `/${path}`;
  const closed = slashed.endsWith('/') ? slashed : `${slashed}/`;
  let modern = path;
  if (closed.endsWith('/(.*)/')) modern = path.replace('(.*)', '{*path}');
  else if (closed.endsWith('/*/')) modern = path.replace('*', '{*path}');
  else if (closed.endsWith('/+/')) modern = path.replace('/+', '/*path');
  else if (closed.includes('/*/')) {
    modern = path.replaceAll(/\/\*(?=\/)/g, (_text, at: number) => `/*path${at}`);
  }
  if (modern !== path && closed !== '/*/' && closed !== '/(.*)/') {
    logger.warn(
      `The route path "${path}" uses a wildcard without a name; it is read as "${modern}"`,
    );
  }
  return modern;
}

/**
 * The path in today's syntax, checked.
 *
 * @throws AdapterError `ERR_ADAPTER` at start-up, naming the path, when path-to-regexp refuses it.
 * @internal
 */
export function checkedPath(path: string): string {
  const modern = modernPath(path);
  try {
    pathToRegexp(modern);
  } catch (cause) {
    throw invalidPath(path, cause);
  }
  return modern;
}

/**
 * Compiles a path. `mount` matches a path and all below it, otherwise the whole path must match.
 *
 * @throws AdapterError `ERR_ADAPTER` when the path is invalid.
 * @internal
 */
export function pathMatcher(path: RoutePath, rules: MatchingRules, mount: boolean): PathMatcher {
  if (mount && path === '/') return () => EVERY_PATH;
  if (typeof path !== 'string') return listMatcher(path, rules, mount);
  try {
    const loose = rules.strict && !mount ? path : withoutEndSlash(path);
    const simple = mount || loose === '/' ? undefined : segmentMatcher(loose, rules);
    if (simple !== undefined) return simple;
    return match(loose, {
      sensitive: rules.caseSensitive,
      trailing: mount || !rules.strict,
      end: !mount,
      decode: decodeParameter,
    }) as PathMatcher;
  } catch (cause) {
    throw invalidPath(path, cause);
  }
}

function listMatcher(
  path: Exclude<RoutePath, string>,
  rules: MatchingRules,
  mount: boolean,
): PathMatcher {
  if (path instanceof RegExp) return expressionMatcher(path, mount);
  const matchers = path.map((one) => pathMatcher(one, rules, mount));
  return (requested) => {
    for (const matcher of matchers) {
      const matched = matcher(requested);
      if (matched) return matched;
    }
    return false;
  };
}

/** Groups are parameters by their name, or counted where they have none. */
function expressionMatcher(expression: RegExp, mount: boolean): PathMatcher {
  let unnamed = 0;
  const names = [...expression.source.matchAll(/\((?:\?<(.*?)>)?(?!\?)/g)].map(
    ([, name]) => name ?? String(unnamed++),
  );
  return (requested) => {
    const found = expression.exec(requested);
    expression.lastIndex = 0;
    if (found === null || (mount && !isAtStart(found))) return false;
    const params: Record<string, string> = {};
    found.slice(1).forEach((value: string | undefined, at) => {
      if (value !== undefined) params[names[at] ?? at] = decodeParameter(value);
    });
    return { path: found[0], params };
  };
}

/** What middleware is mounted at begins the path, and ends where a segment does. */
function isAtStart({ index, input, 0: { length } }: RegExpExecArray): boolean {
  return index === 0 && ['/', undefined].includes(input[length]);
}

/**
 * Where a route may be found: under its whole path when it has no parameters, else under the
 * literal segments it begins with.
 *
 * @internal
 */
export function pathIndex(
  path: RoutePath,
  mount: boolean,
): { readonly literal: string; readonly isWhole: boolean } {
  if (typeof path !== 'string') return { literal: '', isWhole: false };
  const { tokens } = parse(path);
  const [first, second] = tokens;
  if (first?.type !== 'text') return { literal: '', isWhole: false };
  if (second === undefined) {
    const literal = mount ? withoutEndSlash(first.value) : first.value;
    return literal === '/' ? { literal: '', isWhole: false } : { literal, isWhole: !mount };
  }
  // "/users{/:id}": whatever follows begins a new segment, so all of "/users" is certain.
  const endsAtSegment = tokens.slice(1).every(startsSegment) && !first.value.endsWith('/');
  const end = endsAtSegment ? first.value.length : first.value.lastIndexOf('/');
  return { literal: first.value.slice(0, Math.max(end, 0)), isWhole: false };
}

function startsSegment(token: Token): boolean {
  if (token.type !== 'group') return false;
  const [first] = token.tokens;
  return first?.type === 'text' && first.value.startsWith('/');
}

/** The path without the slashes it ends with; `/` stays. @internal */
export function withoutEndSlash(path: string): string {
  return path === '/' ? path : path.replace(/\/+$/, '');
}

/** The path with one slash in front. @internal */
export function withLeadingSlash(path: string | undefined): string {
  if (path === undefined || path === '') return '';
  return path.startsWith('/') ? path : `/${path}`;
}

function invalidPath(path: string, cause: unknown): AdapterError {
  const reason = cause instanceof Error ? cause.message : 'invalid syntax';
  return new AdapterError(
    `the route path "${path}" is not valid: ${reason}. Wildcards need a name ("/files/*path"), ` +
      'optional parts stand in braces ("/files{/:name}")',
    { cause },
  );
}
