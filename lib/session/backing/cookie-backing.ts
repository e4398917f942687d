import { type Backing, type Loaded, WRITTEN, type WriteOutcome } from './backing.js';
import { after, type Awaitable, isThenable, type Step } from '../awaitable.js';
import type { CarrierHost } from '../http/carrier.js';
import {
  readSessionCookie,
  readSessionCookies,
  removeSessionCookie,
  removeSignature,
  writeSessionCookie,
} from '../http/carrier.js';
import type { SessionCodec } from '../codec.js';
import { decode, encode, encodeJson } from '../codec.js';
import type { Draft } from './draft.js';
import { emitFor } from '../events.js';
import type { ResolvedSessionOptions } from '../options.js';
import { KnownRecord } from './known-record.js';
import { recordJson } from './record.js';
import type { SessionRecord } from '../store.js';

/**
 * Keeps a session in its cookie. Everything is synchronous unless a hook is not.
 *
 * @internal
 */
export class CookieBacking implements Backing {
  readonly id = undefined;
  readonly offered = undefined;
  readonly storeKey = undefined;
  readonly owesId = false;
  readonly #host: CarrierHost;
  #announced: string | undefined;
  /** The session came with a signature cookie that a seal makes useless. */
  #hasSignature = false;

  constructor(host: CarrierHost) {
    this.#host = host;
  }

  load<R>(use: Step<Loaded, R>): R | Promise<R> {
    return after(this.#read(), use);
  }

  #read(): Awaitable<Loaded> {
    const { codec, key } = this.#host.options;
    if (codec === undefined) return this.#loadSigned();
    if (!codec.authenticates) {
      const { value: text } = readSessionCookie(this.#host);
      return text === undefined ? { status: 'none' } : found(codec.decode(text, { name: key }));
    }
    return this.#loadSealed(codec, readSessionCookies(this.#host));
  }

  /** Of several cookies with the session's name, the first that opens is it. */
  #loadSealed(codec: SessionCodec, [text, ...others]: readonly string[]): Awaitable<Loaded> {
    if (text === undefined) return this.#loadUnsealed(codec);
    return after(codec.decode(text, { name: this.#host.options.key }), (record) =>
      record === undefined ? this.#loadSealed(codec, others) : { status: 'found', record },
    );
  }

  /** While a migration runs, a cookie that is no seal may be one that koa-session signed. */
  #loadUnsealed(codec: SessionCodec): Awaitable<Loaded> {
    if (codec.acceptsSigned?.(Date.now())) {
      this.#hasSignature = true;
      return this.#loadSigned(true);
    }
    if (readSessionCookies(this.#host).length === 0) return { status: 'none' };
    this.#refuse();
    return { status: 'unreadable' };
  }

  /** @param signed whether a signature is required whatever the option `signed` says. */
  #loadSigned(signed?: true): Awaitable<Loaded> {
    const { options } = this.#host;
    const { value: text, known: place } = readSessionCookie(this.#host, signed);
    if (!text) return { status: 'none' };
    const isOwn = place === undefined || hasReader(options);
    if (!isOwn && place.content instanceof KnownRecord) return place.content;
    try {
      const record = options.decode(text);
      // A session that every request changes would leave its records to the garbage collector only
      // after it has copied them: what comes of a text is kept when that is read again.
      if (!isOwn && place.reads++ > 0) {
        const known = KnownRecord.of(record);
        place.content = known;
        if (known !== undefined) return known;
      }
      if (!isThenable(record)) return { status: 'found', record: record as SessionRecord };
      return Promise.resolve(record).then(
        (value): Loaded => ({ status: 'found', record: value as SessionRecord }),
        (error: unknown) => this.#undecodable(error),
      );
    } catch (error) {
      return this.#undecodable(error);
    }
  }

  /**
   * A `SyntaxError` (or something that is no error) means that the cookie is none of ours. Any
   * other error is the decoder's own: it is thrown, with the cookie cleared so that the next
   * request does not meet it again.
   *
   * @see koa-session 7.0.2, `initFromCookie`
   */
  #undecodable(error: unknown): Loaded {
    const { ctx } = this.#host;
    if (error instanceof Error && !(error instanceof SyntaxError)) {
      removeUndecodable(this.#host);
      Reflect.set(error, 'headers', { 'set-cookie': ctx.response.get('set-cookie') });
      throw error;
    }
    this.#refuse();
    return { status: 'unreadable' };
  }

  #refuse(): void {
    emitFor(this.#host, 'session:refused', { reason: 'undecodable' });
  }

  adopt(): void {
    // The cookie is the session: there is no id to take over,
  }

  reset(): void {
    // and none to renew.
  }

  write<R>(draft: Draft, use: Step<WriteOutcome, R>): R | Promise<R> {
    return after(this.#value(draft), (value) => use(this.#send(draft, value)));
  }

  #value(draft: Draft): Awaitable<string> {
    const { codec, encode: encoder, key } = this.#host.options;
    if (codec !== undefined) return codec.encode(draft.record(), { name: key });
    if (encoder === encode) return encodeJson(recordJson(draft.data.json, draft.fields));
    return encoder(draft.record());
  }

  #send(draft: Draft, value: string): WriteOutcome {
    const { ctx, options } = this.#host;
    if (ctx.res.headersSent) {
      // The headers left with this very data: nothing is lost. With other data, it is, and is told.
      if (this.#announced !== draft.data.json) {
        emitFor(this.#host, 'session:failed', { reason: 'headers-sent' });
      }
    } else {
      // With `overwrite: false` koa-session shows the removal that a regeneration begins with.
      if (draft.regenerate !== undefined) removeSessionCookie(this.#host, this.#signed);
      const isOurs = options.codec === undefined && options.encode === encode;
      const known = isOurs ? { content: contentOf(draft, options) } : undefined;
      writeSessionCookie(this.#host, value, draft.lifetime.cookie, this.#signed, known);
      if (this.#hasSignature && this.#signed === false) removeSignature(this.#host);
      this.#announced = draft.data.json;
    }
    return WRITTEN;
  }

  remove(): void {
    if (!this.#host.ctx.res.headersSent) {
      removeSessionCookie(this.#host, this.#signed);
      this.#announced = '';
    } else if (this.#announced !== '') {
      emitFor(this.#host, 'session:failed', { reason: 'headers-sent' });
    }
  }

  announce(draft: Draft | undefined): void {
    if (draft === undefined) {
      this.remove();
      return;
    }
    const value = this.#value(draft);
    if (!isThenable(value)) this.#send(draft, value);
  }

  /** A codec that authenticates needs no signature; otherwise the option decides. */
  get #signed(): boolean | undefined {
    const { codec } = this.#host.options;
    return codec?.authenticates ? codec.writesSigned === true : undefined;
  }
}

/** A hook of the application is given a record of its own, and makes of the text what it likes. */
function hasReader(options: ResolvedSessionOptions): boolean {
  return options.decode !== decode || options.valid !== undefined;
}

/** What reading the cookie of `draft` gives, where that is known: marks may hold what JSON changes. */
function contentOf(draft: Draft, options: ResolvedSessionOptions): KnownRecord | undefined {
  if (draft.isMarked || hasReader(options)) return undefined;
  return KnownRecord.made(draft.data, draft.fields);
}

/** koa-session clears the cookie with the session's own attributes, `maxAge` among them. */
function removeUndecodable(host: CarrierHost): void {
  writeSessionCookie(host, '', typeof host.maxAge === 'number' ? host.maxAge : undefined);
}

function found(record: Awaitable<SessionRecord | undefined>): Awaitable<Loaded> {
  return after(record, (each) =>
    each === undefined ? { status: 'unreadable' } : { status: 'found', record: each },
  );
}
