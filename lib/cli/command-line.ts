import { createRequire } from 'node:module';
import { convert } from './convert.js';
import { inspect } from './inspect.js';
import { keygen } from './keygen.js';
import { prune } from './prune.js';
import { EXIT, type ExitCode, HELP, type Terminal, UsageError } from './usage.js';

const COMMANDS: Readonly<
  Record<string, (args: string[], terminal: Terminal) => ExitCode | Promise<ExitCode>>
> = { keygen, inspect, convert, prune };

/**
 * Runs one command of the tool.
 *
 * @param args what stands behind the tool's name.
 * @param complain writes a line about what went wrong. It never holds a key.
 */
export async function runCommandLine(
  args: readonly string[],
  terminal: Terminal,
  complain: (line: string) => void,
): Promise<ExitCode> {
  const [given = '', ...rest] = args;
  // `help inspect` is what other tools call `inspect --help`.
  const asksForHelp = given === 'help' || args.some((arg) => arg === '--help' || arg === '-h');
  const name = given === 'help' ? (rest[0] ?? '') : given;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (asksForHelp) {
    terminal.print(HELP[command === undefined ? '' : name] ?? '');
    return EXIT.ok;
  }
  if (name === '--version' || name === '-v') {
    terminal.print(version());
    return EXIT.ok;
  }
  if (command === undefined) {
    complain(
      name === ''
        ? (HELP[''] ?? '')
        : `there is no command "${name}": there are ${Object.keys(COMMANDS).join(', ')}\nSee: nestjs-koa-session --help`,
    );
    return EXIT.usage;
  }
  try {
    return await command(rest, terminal);
  } catch (error) {
    complain(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    if (!isUsageError(error)) return EXIT.refused;
    complain(`See: nestjs-koa-session ${name} --help`);
    return EXIT.usage;
  }
}

function isUsageError(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  const isParseError = typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS');
  // Keys that are too short are named by the options of sealed(): the caller gave them.
  const isKeyError = code === 'ERR_SESSION_KEYS_MISSING';
  return error instanceof UsageError || isParseError || isKeyError;
}

function version(): string {
  const manifest = createRequire(import.meta.url)('nestjs-koa-session/package.json') as {
    version: string;
  };
  return manifest.version;
}
