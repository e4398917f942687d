/**
 * Turns a record into a cookie's value and back, in cookie mode.
 *
 * @publicApi
 */
export interface SessionCodec {
  /**
   * Whether the value carries its own authentication, as a sealed cookie does. `true`: no `.sig`
   * cookie is sent or asked for. `false`: the option `signed` decides.
   */
  readonly authenticates: boolean;

  /**
   * The cookie's value for `record`. `context.name` is the cookie's name.
   */
  encode(record: Record<string, unknown>, context: CodecContext): string | Promise<string>;

  /**
   * The record in `text`, or `undefined` when `text` is none of ours: malformed, forged, made for
   * another purpose, too old. A codec never throws for what a client sent.
   */
  decode(
    text: string,
    context: CodecContext,
  ): Record<string, unknown> | undefined | Promise<Record<string, unknown> | undefined>;

  /**
   * Whether `encode` gives a value that must be signed all the same, for the way back from a codec
   * that authenticates. Default: `false`.
   */
  readonly writesSigned?: boolean;

  /**
   * Whether a cookie that this codec cannot read may still be one of koa-session's signed
   * cookies, for the time of a migration. Default: never.
   */
  acceptsSigned?(now: number): boolean;
}

/** What a codec is told of the cookie it works on. @publicApi */
export interface CodecContext {
  /** The cookie's name (the option `key`). */
  name: string;
}

/**
 * koa-session's cookie value: standard base64 of the record's JSON in UTF-8.
 *
 * @internal
 */
export function encodeJson(json: string): string {
  return isAscii(json) ? btoa(json) : Buffer.from(json).toString('base64');
}

/**
 * The JSON text in koa-session's cookie value. Anything that is not base64 gives text that is not
 * JSON, so the caller's `JSON.parse` is the check.
 *
 * @internal
 */
export function decodeJson(text: string): string {
  try {
    const bytes = atob(text);
    if (isAscii(bytes)) return bytes;
  } catch {
    // Buffer takes also what is no base64 in the letter of the standard.
  }
  return Buffer.from(text, 'base64').toString('utf8');
}

/** Whether characters and bytes are the same: then `atob` and `btoa` do it in a third of the time. */
function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

/**
 * koa-session's default `encode`: base64 of JSON.
 *
 * @example encode({ views: 1 }) // 'eyJ2aWV3cyI6MX0='
 * @publicApi
 */
export function encode(record: Record<string, unknown>): string {
  return encodeJson(JSON.stringify(record));
}

/**
 * koa-session's default `decode`.
 * @throws SyntaxError when the text is not base64 of JSON.
 * @publicApi
 */
export function decode(text: string): Record<string, unknown> {
  return JSON.parse(decodeJson(text)) as Record<string, unknown>;
}
