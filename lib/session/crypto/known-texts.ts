import { timingSafeEqual } from 'node:crypto';

/** How long what proves a text is: a SHA-1 in base64url, or the end of a seal with its tag. @internal */
export const PROOF_CHARS = 27;

/** How many texts are remembered of those that clients sent; a power of two. @internal */
export const REMEMBERED = 2_048;

/** How many are remembered of those that were made here, until they come back: a power of two. */
const REMEMBERED_MADE = 128;

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
  reads: number;
  /** It was made here, and has come back once. */
  isBack = false;
  readonly #text: string;
  readonly #proof: string;

  constructor(text: string, proof: string, content: unknown, reads: number) {
    this.#text = text;
    this.#proof = proof;
    this.content = content;
    this.reads = reads;
  }

  is(text: string, proof: string): boolean {
    // What a client sends meets another's text here, and only who knows its proof learns more.
    return isSameProof(this.#proof, proof) && this.#text === text;
  }
}

/** How many places a text may take. */
const WAYS = 4;

/**
 * Four places for each text, the newest in the first. A `Map` would hash the whole text, which costs
 * half of what signing does, and grow.
 */
class Table {
  readonly #known: (KnownText | undefined)[];
  /** The {@link hashOf} each proof, so that no other text is fetched from memory to be asked. */
  readonly #hashes: Int32Array;
  readonly #mask: number;

  /** @param size a power of two. */
  constructor(size: number) {
    this.#known = new Array<KnownText | undefined>(size).fill(undefined);
    this.#hashes = new Int32Array(size);
    this.#mask = size - WAYS;
  }

  find(hash: number, text: string, proof: string): KnownText | undefined {
    const first = hash & this.#mask;
    for (let place = first; place < first + WAYS; place++) {
      if (this.#hashes[place] !== hash) continue;
      const known = this.#known[place];
      if (known?.is(text, proof)) return known;
    }
    return undefined;
  }

  /** Takes the place of one that is back, or else of the oldest. */
  add(hash: number, known: KnownText): void {
    const first = hash & this.#mask;
    let place = first;
    while (place < first + WAYS - 1 && this.#known[place]?.isBack === false) place++;
    for (; place > first; place--) {
      this.#known[place] = this.#known[place - 1];
      this.#hashes[place] = this.#hashes[place - 1] as number;
    }
    this.#known[first] = known;
    this.#hashes[first] = hash;
  }

  remove(hash: number, known: KnownText): void {
    const place = this.#known.indexOf(known, hash & this.#mask);
    this.#known[place] = undefined;
    this.#hashes[place] = 0;
  }
}

/**
 * Texts that are genuine under one key, by what proves them: a user's requests come in bursts, each
 * with the same cookie. That a text is genuine follows from key and text alone, so what is remembered
 * can never be wrong; the same must hold for what is noted with it. What a client makes up is never
 * remembered.
 *
 * A session that every request changes makes a text each time that comes back once. Thousands of
 * those would outlive the garbage collector's young generation and push everything else out of the
 * processor's caches, which costs more than it saves. So of what was made here few are remembered,
 * those that have not come back before those that have; and what a client sent is remembered when
 * it comes the second time.
 *
 * @internal
 */
export class KnownTexts {
  readonly #made = new Table(REMEMBERED_MADE);
  readonly #sent = new Table(REMEMBERED);
  /** The {@link hashOf} each proof that was sent once. */
  readonly #sentOnce = new Int32Array(REMEMBERED);

  find(text: string, proof: string): KnownText | undefined {
    const hash = hashOf(proof);
    const made = this.#made.find(hash, text, proof);
    if (made === undefined) return this.#sent.find(hash, text, proof);
    if (made.isBack) {
      this.#made.remove(hash, made);
      this.#sent.add(hash, made);
    }
    made.isBack = !made.isBack;
    return made;
  }

  /**
   * Remembers a text that was made here.
   *
   * @param content what it was made from, where somebody may ask for that.
   */
  addMade(text: string, proof: string, content?: unknown): void {
    if (text.length > MAX_CHARS) return;
    this.#made.add(hashOf(proof), new KnownText(text, proof, content, 0));
  }

  /**
   * Remembers a text that a client sent, when it is sent again.
   *
   * @param proof of `text`, which the caller has checked.
   * @param content what came of the text, where that is known.
   */
  addSent(text: string, proof: string, content?: unknown): KnownText | undefined {
    if (text.length > MAX_CHARS) return undefined;
    const hash = hashOf(proof);
    const place = hash & (REMEMBERED - 1);
    if (this.#sentOnce[place] !== hash) {
      this.#sentOnce[place] = hash;
      return undefined;
    }
    const known = new KnownText(copyOf(text), copyOf(proof), content, 1);
    this.#sent.add(hash, known);
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

/** By the last characters, in which proofs and ids differ. Its lowest bits are a place in a table. @internal */
export function hashOf(text: string): number {
  const end = text.length;
  let hash = 0;
  for (let at = end > 4 ? end - 4 : 0; at < end; at++) {
    hash = (hash * 31 + text.charCodeAt(at)) | 0;
  }
  return hash;
}

const PROOF_BYTES = 2 * PROOF_CHARS;
const bothProofs = Buffer.alloc(2 * PROOF_BYTES);
const expectedBytes = bothProofs.subarray(0, PROOF_BYTES);
const receivedBytes = bothProofs.subarray(PROOF_BYTES);

/** Compares in a time that tells nothing about how much of a forged proof was right. @internal */
export function isSameProof(expected: string, received: string): boolean {
  if (expected.length !== PROOF_CHARS || received.length !== PROOF_CHARS) return false;
  // All bits of every character, and both texts at once: each call of Node's costs as much as all else.
  bothProofs.write(expected + received, 'utf16le');
  return timingSafeEqual(expectedBytes, receivedBytes);
}
