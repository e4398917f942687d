/** What a path matched: the values of its parameters, and the part of the path it took. @internal */
export interface PathMatch {
  readonly path: string;
  readonly params: Record<string, string | string[] | undefined>;
}

/** The parameters of middleware without a path, which all requests share. @internal */
export const NO_PARAMS: PathMatch['params'] = Object.freeze({});

/** Tells whether a request's path is a route's, and with which parameters. @internal */
export type PathMatcher = (path: string) => PathMatch | false;

/** How the paths of routes are compared with those of requests. @internal */
export interface MatchingRules {
  readonly caseSensitive: boolean;
  readonly strict: boolean;
}

/** A malformed escape is the client's mistake: 400, as Express answers it. @internal */
export function decodeParameter(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch (cause) {
    const error = new URIError(`Failed to decode param '${value}'`, { cause });
    throw Object.assign(error, { status: 400, statusCode: 400 });
  }
}
