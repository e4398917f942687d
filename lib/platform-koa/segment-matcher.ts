import { parse } from 'path-to-regexp';
import { decodeParameter } from './path-match.js';
import type { MatchingRules, PathMatcher } from './path-match.js';

/** A segment that must be there as it stands, or a parameter's name. */
type Segment =
  | { readonly text: string; readonly folded: string }
  | { readonly text: undefined; readonly name: string };

const SLASH = 47;

/** Holds nothing but parameters, and unlike `Object.create(null)` it is as fast as an object. */
class Params {
  [name: string]: string;
}
Object.setPrototypeOf(Params.prototype, null);
Reflect.deleteProperty(Params.prototype, 'constructor');

/**
 * A matcher for the paths that most routes have, whose segments are each a literal or one
 * parameter (`/users/:id/posts`); `undefined` for any other.
 *
 * It finds what path-to-regexp finds, without a regular expression of its own for every route:
 * hundreds of those are never all in the processor's cache, which would cost more than the search.
 *
 * @internal
 */
export function segmentMatcher(path: string, rules: MatchingRules): PathMatcher | undefined {
  const segments = segmentsOf(path);
  if (segments === undefined) return undefined;
  const { caseSensitive, strict } = rules;
  return (requested) => {
    let at = 0;
    const params = new Params();
    for (const segment of segments) {
      if (requested.charCodeAt(at) !== SLASH) return false;
      const start = at + 1;
      const slash = requested.indexOf('/', start);
      at = slash === -1 ? requested.length : slash;
      if (segment.text === undefined) {
        if (at === start) return false;
        params[segment.name] = requested.slice(start, at);
      } else if (!isSame(segment, requested, start, at, caseSensitive)) {
        return false;
      }
    }
    const isOver = at === requested.length || (!strict && at === requested.length - 1);
    if (!isOver) return false;
    if (requested.includes('%')) {
      for (const name in params) params[name] = decodeParameter(params[name] as string);
    }
    return { path: requested, params };
  };
}

function isSame(
  segment: { readonly text: string; readonly folded: string },
  requested: string,
  start: number,
  end: number,
  caseSensitive: boolean,
): boolean {
  if (end - start !== segment.text.length) return false;
  if (requested.startsWith(segment.text, start)) return true;
  return !caseSensitive && requested.slice(start, end).toUpperCase() === segment.folded;
}

function segmentsOf(path: string): Segment[] | undefined {
  const { tokens } = parse(path);
  const segments: Segment[] = [];
  // Whether the last token was a parameter, which only a new segment may follow.
  let isAfterParameter = false;
  for (const token of tokens) {
    if (token.type === 'text') {
      // Beyond ASCII, case is more than one letter for another.
      if (!token.value.startsWith('/') || !/^[\x21-\x7e]*$/.test(token.value)) return undefined;
      for (const text of token.value.slice(1).split('/')) {
        segments.push({ text, folded: text.toUpperCase() });
      }
      isAfterParameter = false;
    } else {
      const last = segments.pop();
      if (token.type !== 'param' || isAfterParameter || last?.text !== '') return undefined;
      segments.push({ text: undefined, name: token.name });
      isAfterParameter = true;
    }
  }
  return segments.length === 0 ? undefined : segments;
}
