import { readFileSync } from 'node:fs';
import { type Terminal, UsageError } from './usage.js';

/** Where one kind of keys comes from. */
interface Source {
  file: string | undefined;
  variable: string;
  /** The option that names a file, for messages. */
  option: string;
}

/** The options that name keys, for `parseArgs`. */
export const KEY_OPTIONS = {
  'keys-file': { type: 'string' },
  'keys-env': { type: 'string' },
  'seal-keys-file': { type: 'string' },
  'seal-keys-env': { type: 'string' },
} as const;

type KeyValues = { [Name in keyof typeof KEY_OPTIONS]?: string | undefined };

/** The keys that the options name, each read when it is asked for. */
export interface Secrets {
  signing(): string[];
  sealing(): string[];
}

/** @throws UsageError where keys are asked for that nobody gave; it never holds a key. */
export function secretsFrom(values: KeyValues, terminal: Terminal): Secrets {
  const signing: Source = {
    file: values['keys-file'],
    variable: values['keys-env'] ?? 'SESSION_KEY',
    option: 'keys-file',
  };
  const sealing: Source = {
    file: values['seal-keys-file'],
    variable: values['seal-keys-env'] ?? 'SESSION_SEAL_KEY',
    option: 'seal-keys-file',
  };
  return {
    signing: () => readKeys(signing, terminal),
    sealing: () => readKeys(sealing, terminal),
  };
}

function readKeys({ file, variable, option }: Source, { env }: Terminal): string[] {
  const keys = file === undefined ? keysInVariable(variable, env[variable]) : keysInFile(file);
  if (keys.length > 0) return keys;
  const where = file === undefined ? `the environment variable ${variable}` : file;
  throw new UsageError(`there are no keys in ${where}: set it, or name a file with --${option}`);
}

function keysInFile(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new UsageError(`cannot read the keys in ${file}`, { cause });
  }
  return text.split(/\r?\n/).filter((line) => line !== '');
}

function keysInVariable(variable: string, text: string | undefined): string[] {
  if (text === undefined || text === '') return [];
  if (!text.startsWith('[')) return [text];
  const malformed = new UsageError(`${variable} begins like a JSON array of keys, but is none`);
  let keys: unknown;
  try {
    keys = JSON.parse(text);
  } catch {
    throw malformed;
  }
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) throw malformed;
  return keys;
}
