import {
  decode,
  type SealRefusal,
  sealed,
  type SessionRecord,
  type Instant,
} from '../session/index.js';
import { isWellFormedId } from '../session/crypto/id.js';
import { signerOf } from '../session/crypto/signature.js';
import type { CookieText } from './cookie-text.js';
import type { Secrets } from './secrets.js';
import { UsageError } from './usage.js';

/** How an application reads the cookie, as far as the verdict depends on it. */
export interface Reading {
  secrets: Secrets;
  purpose: string;
  notBefore: Instant | undefined;
  /** Whether a signature is asked for where the cookie is not sealed. */
  isSigned: boolean;
}

/** What a cookie turned out to be. */
export interface Verdict {
  format: 'signed' | 'unsigned' | 'sealed';
  /** What the cookie holds: the session, or the id of a record in a store. */
  content: { record: SessionRecord } | { id: string } | undefined;
  /** Why it is refused, in a sentence; `undefined` when it is accepted. */
  refusal: string | undefined;
  /** What is worth knowing although it is accepted. */
  notes: string[];
}

const SEAL_REFUSALS: Record<SealRefusal, string> = {
  malformed: 'it is not a seal of this package',
  'unknown-kid': 'it was sealed with a key that is not among the given ones',
  'bad-tag': 'it was changed, or sealed for another cookie name, purpose or key',
  expired: 'its time is over',
  revoked: 'it was sealed before --not-before',
};

/** A seal begins with the byte 1 and has at least 54 bytes; JSON in base64 begins with "e". */
export function isSeal(value: string): boolean {
  return /^A[Q-Za-f][\w-]{70,}$/.test(value);
}

/** Verifies a cookie's authenticity and decodes it; its times are not looked at. */
export function verify(cookie: CookieText, reading: Reading): Verdict {
  return isSeal(cookie.value) ? openSeal(cookie, reading) : readSigned(cookie, reading);
}

function openSeal({ name, value }: CookieText, reading: Reading): Verdict {
  let reason: SealRefusal = 'malformed';
  const record = sealed({
    keys: reading.secrets.sealing(),
    purpose: reading.purpose,
    ...(reading.notBefore === undefined ? {} : { notBefore: reading.notBefore }),
    onRefused: (refusal) => {
      reason = refusal;
    },
  }).decode(value, { name });
  return {
    format: 'sealed',
    content: record === undefined ? undefined : { record },
    refusal: record === undefined ? SEAL_REFUSALS[reason] : undefined,
    notes: [],
  };
}

function readSigned(cookie: CookieText, { secrets, isSigned }: Reading): Verdict {
  const content = contentOf(cookie.value);
  const verdict: Verdict = {
    format: isSigned ? 'signed' : 'unsigned',
    content,
    refusal: undefined,
    notes: [],
  };
  if (content === undefined) verdict.refusal = 'it is neither base64 of JSON nor an id';
  if (!isSigned) return verdict;
  if (!cookie.signature) {
    verdict.refusal = `the client sent no signature, no cookie "${cookie.name}.sig"`;
    return verdict;
  }
  const signer = signerOf(secrets.signing());
  if (signer === undefined || signer === 'unusual') throw new UsageError('there are no keys');
  const index = signer.index(`${cookie.name}=${cookie.value}`, cookie.signature);
  if (index < 0) verdict.refusal = 'its signature was not made with any of the given keys';
  if (index > 0) {
    verdict.notes.push(`signed with key ${index + 1} of the list; the next answer signs it anew`);
  }
  return verdict;
}

function contentOf(value: string): Verdict['content'] {
  try {
    const record: unknown = decode(value);
    if (typeof record === 'object' && record !== null && !Array.isArray(record)) {
      return { record: record as SessionRecord };
    }
  } catch {
    // Not JSON, so it may be an id.
  }
  return isWellFormedId(value) ? { id: value } : undefined;
}
