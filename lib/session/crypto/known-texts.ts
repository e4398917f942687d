import { timingSafeEqual } from 'node:crypto';

/** How long what proves a text is: a SHA-1 in base64url, or the end of a seal with its tag. @internal */
export const PROOF_CHARS = 27;

/** How many texts are remembered at most; a power of two. @internal */
export const REMEMBERED = 2_048;

/** The longest text that is remembered. */
const MAX_CHARS = 1_024;

/**
 * A text that was made here, or found genuine, not long ago. Whoever reads it may note here what
 * came of it, for the next request that brings the same.
 *
 * @internal
 */
export class KnownText {
  content: unknown;
  /** How often somebody had to read the text itself, for want of the content. */
  reads = 0;
  readonly #text: string;
  readonly #proof: string;

  constructor(text: string, proof: string, content: unknown) {
    this.#text = text;
    this.#proof = proof;
    this.content = content;
  }

  get place(): number {
    return placeOf(this.#proof);
  }

  is(text: string, proof: string): boolean {
    // What a client sends meets another's text here, and only who knows its proof learns more.
    return isSameProof(this.#proof, proof) && this.#text === text;
  }
}

/**
 * Texts that are genuine under one key, by what proves them: a user's requests come in bursts, each
 * with the same cookie. That a text is genuine follows from key and text alone, so what is remembered
 * can never be wrong; the same must hold for what is noted with it. What a client makes up is never
 * remembered.
 *
 * A table with two places for a text, in which the newest takes the first and the one before goes
 * to the second: a `Map` would hash the whole text, which costs half of what signing does, and grow.
 *
 * @internal
 */
export class KnownTexts {
  readonly #known = new Array<KnownText | undefined>(REMEMBERED).fill(undefined);

  find(text: string, proof: string): KnownText | undefined {
    const place = placeOf(proof);
    const first = this.#known[place];
    if (first === undefined) return undefined;
    if (first.is(text, proof)) return first;
    const second = this.#known[place ^ 1];
    return second?.is(text, proof) ? second : undefined;
  }

  /**
   * @param proof of `text`, which the caller has checked, or made.
   * @param content what came of the text, where that is known.
   */
  add(text: string, proof: string, content?: unknown): KnownText | undefined {
    if (text.length > MAX_CHARS) return undefined;
    const known = new KnownText(text, proof, content);
    const place = placeOf(proof);
    const before = this.#known[place];
    if (before !== undefined && before.place === place) this.#known[place ^ 1] = before;
    this.#known[place] = known;
    return known;
  }
}

/**
 * The same text on its own. What is cut out of a client's header keeps all of the header in memory.
 *
 * @internal
 */
export function copyOf(text: string): string {
  const copy = Buffer.from(text, 'latin1').toString('latin1');
  return copy === text ? copy : text;
}

/** A place in a table of {@link REMEMBERED}, by the last characters, in which proofs and ids differ. @internal */
export function placeOf(text: string): number {
  const end = text.length;
  let hash = 0;
  for (let at = end > 4 ? end - 4 : 0; at < end; at++) hash = hash * 31 + text.charCodeAt(at);
  return hash & (REMEMBERED - 1);
}

const expectedBytes = Buffer.alloc(PROOF_CHARS);
const receivedBytes = Buffer.alloc(PROOF_CHARS);

/** Compares in a time that tells nothing about how much of a forged proof was right. @internal */
export function isSameProof(expected: string, received: string): boolean {
  if (received.length !== PROOF_CHARS) return false;
  expectedBytes.write(expected, 'latin1');
  receivedBytes.write(received, 'latin1');
  // The bytes of other characters may be the same in Latin-1.
  return timingSafeEqual(expectedBytes, receivedBytes) && expected === received;
}
