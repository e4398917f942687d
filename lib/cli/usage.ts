/** The command was not called as it can be. Exit code 2. */
export class UsageError extends Error {}

/** What the command's exit code tells. */
export const EXIT = { ok: 0, refused: 1, usage: 2 } as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What a command of the tool is given. */
export interface Terminal {
  env: Readonly<Record<string, string | undefined>>;
  /** Writes a line of the result. */
  print(line: string): void;
  /** All that comes in by standard input. */
  read(): Promise<string>;
  /** Epoch milliseconds. */
  now(): number;
}

const EXIT_CODES = `Exit codes: 0 done, or the cookie is accepted; 1 refused, or it failed; 2 wrong usage.`;

const KEYS = `Keys are never printed. They come from a file (one a line, the newest first), or from an
environment variable that holds one key, or a JSON array of keys, the newest first:
  --keys-file <path>        keys of signed cookies (app.keys, the option "keys")
  --keys-env <name>         default: SESSION_KEY
  --seal-keys-file <path>   keys of sealed cookies (sealed({ keys }))
  --seal-keys-env <name>    default: SESSION_SEAL_KEY`;

const COOKIE = `<cookie> is the value of a Cookie header ("koa.sess=...; koa.sess.sig=..."), or "-" for the same
from standard input, which keeps it out of the shell's history.`;

/** The help texts, by command; '' is that of the tool. */
export const HELP: Readonly<Record<string, string>> = {
  '': `Usage: nestjs-koa-session <command> [options]

Commands:
  keygen             make keys for signed and sealed cookies
  inspect <cookie>   say what is in a session's cookie, and when and why it would be refused
  convert <cookie>   turn a signed cookie into a sealed one, or back
  prune <module>     remove a store's expired records

Options:
  --help, -h         this, or with a command its own help
  --version, -v      the version

${EXIT_CODES}`,
  keygen: `Usage: nestjs-koa-session keygen [options]

Prints random keys, one a line, good for app.keys, sealed(), hashIds and CSRF tokens.

Options:
  --bytes <n>        random bytes of each key, 32 to 1024; default: 32
  --count <n>        how many keys; default: 1
  --encoding <name>  base64url, base64 or hex; default: base64url

${EXIT_CODES}`,
  inspect: `Usage: nestjs-koa-session inspect <cookie> [options]

Verifies and decodes a session's cookie, and says when and why it would be refused.
${COOKIE}

Options:
  --name <name>             the cookie's name (the option "key"); default: koa.sess
  --unsigned                the application has signed: false
  --purpose <text>          the option "purpose" of sealed(); default: session
  --not-before <date>       the option "notBefore" of sealed()
  --absolute-max-age <ms>   the option "absoluteMaxAge"
  --at <date>               judge as of then; default: now
  --store <module>          look the record up: a module as "prune" takes it
  --json                    print one JSON object

${KEYS}

${EXIT_CODES}`,
  convert: `Usage: nestjs-koa-session convert <cookie> --to sealed|signed [options]

Verifies a session's cookie and prints it in the other format, as the value of a Cookie header.
${COOKIE}

Options:
  --to <format>      sealed or signed
  --name <name>      the cookie's name (the option "key"); default: koa.sess
  --purpose <text>   the option "purpose" of sealed(); default: session

${KEYS}

${EXIT_CODES}`,
  prune: `Usage: nestjs-koa-session prune <module> [options]

Removes expired records from a store, and prints how many. <module> is the path of a JavaScript
module that exports the store, or a function that makes it, as its default export.

Options:
  --export <name>    the export to take; default: default

${EXIT_CODES}`,
};
