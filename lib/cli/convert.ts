import { parseArgs } from 'node:util';
import { encode, sealed, type SessionRecord } from '../session/index.js';
import { signerOf } from '../session/crypto/signature.js';
import { cookieFrom } from './cookie-text.js';
import { KEY_OPTIONS, secretsFrom } from './secrets.js';
import { EXIT, type ExitCode, type Terminal, UsageError } from './usage.js';
import { verify } from './verdict.js';

const OPTIONS = {
  ...KEY_OPTIONS,
  to: { type: 'string' },
  name: { type: 'string', default: 'koa.sess' },
  purpose: { type: 'string', default: 'session' },
} as const;

/** Prints a cookie in the other format, if it is one of ours. */
export async function convert(args: string[], terminal: Terminal): Promise<ExitCode> {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  const { to, name, purpose } = values;
  if (to !== 'sealed' && to !== 'signed') {
    throw new UsageError('say what to convert to: --to sealed, or --to signed');
  }
  const cookie = await cookieFrom(positionals, name, terminal);
  const secrets = secretsFrom(values, terminal);
  const { content, refusal } = verify(cookie, {
    secrets,
    purpose,
    notBefore: undefined,
    isSigned: true,
  });
  if (refusal !== undefined || content === undefined) {
    terminal.print(`refused: ${refusal ?? 'it holds nothing'}`);
    return EXIT.refused;
  }
  if ('id' in content) {
    terminal.print('refused: it holds the id of a record in a store, which has one format');
    return EXIT.refused;
  }
  terminal.print(
    to === 'sealed'
      ? `${name}=${sealed({ keys: secrets.sealing(), purpose }).encode(content.record, { name })}`
      : signedCookies(name, content.record, secrets.signing()),
  );
  return EXIT.ok;
}

function signedCookies(name: string, record: SessionRecord, keys: string[]): string {
  const signer = signerOf(keys);
  if (signer === undefined || signer === 'unusual') throw new UsageError('there are no keys');
  const pair = `${name}=${encode(record)}`;
  return `${pair}; ${name}.sig=${signer.sign(pair)}`;
}
