import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { EXIT, type ExitCode, type Terminal, UsageError } from './usage.js';

const ENCODINGS = ['base64url', 'base64', 'hex'] as const;
type Encoding = (typeof ENCODINGS)[number];

/** Prints random keys. */
export function keygen(args: string[], { print }: Terminal): ExitCode {
  const { values } = parseArgs({
    args,
    options: {
      bytes: { type: 'string', default: '32' },
      count: { type: 'string', default: '1' },
      encoding: { type: 'string', default: 'base64url' },
    },
  });
  const bytes = wholeNumber('bytes', values.bytes, 32, 1_024);
  const count = wholeNumber('count', values.count, 1, 1_000);
  if (!isEncoding(values.encoding)) {
    throw new UsageError(`--encoding must be one of ${ENCODINGS.join(', ')}`);
  }
  for (let i = 0; i < count; i++) print(randomBytes(bytes).toString(values.encoding));
  return EXIT.ok;
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new UsageError(`--${option} must be a whole number from ${least} to ${most}`);
}

function isEncoding(text: string): text is Encoding {
  return (ENCODINGS as readonly string[]).includes(text);
}
