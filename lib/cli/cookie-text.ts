import { type Terminal, UsageError } from './usage.js';

/** A session's cookies as a client sends them. */
export interface CookieText {
  name: string;
  value: string;
  /** The value of `<name>.sig`, if it was sent. */
  signature: string | undefined;
}

/**
 * The session's cookies in the one argument of a command.
 *
 * @throws UsageError when there is no such argument, or no such cookie in it.
 */
export async function cookieFrom(
  positionals: readonly string[],
  name: string,
  terminal: Terminal,
): Promise<CookieText> {
  const [given, ...more] = positionals;
  if (given === undefined || more.length > 0) {
    throw new UsageError('give one argument, the value of a Cookie header in quotes, or "-"');
  }
  const text = given === '-' ? await terminal.read() : given;
  const cookies = new Map<string, string>();
  for (const pair of text.replace(/^\s*cookie:/i, '').split(';')) {
    const at = pair.indexOf('=');
    // As in a header, the first cookie of a name counts.
    const key = pair.slice(0, at).trim();
    if (at > 0 && !cookies.has(key)) cookies.set(key, pair.slice(at + 1).trim());
  }
  const value = cookies.get(name);
  if (value === undefined) {
    throw new UsageError(
      `there is no cookie "${name}" in it: write "${name}=<value>; ${name}.sig=<signature>", or name another cookie with --name`,
    );
  }
  return { name, value, signature: cookies.get(`${name}.sig`) };
}
