import { STATUS_CODES } from 'node:http';
import { Stream } from 'node:stream';
import encodeUrl from 'encodeurl';
import { setStatus, setStatusText, statusText } from './context.js';
import type { KoaContext } from './context.js';
import type { KoaResponse } from './exchange.js';

/**
 * An answer without a body that keeps its status. Koa alone takes a null body for 204.
 *
 * @internal
 */
export function emptyBody(ctx: KoaContext): void {
  const { response } = ctx;
  const { status } = response;
  const text = statusText(ctx);
  // With a JSON type, Koa would send the text "null".
  response.remove('Content-Type');
  response.body = null;
  response.status = status;
  setStatusText(ctx, text);
}

/** Text, as HTML unless a content type was chosen; the charset is UTF-8, as the bytes are. @internal */
export function textBody(response: KoaResponse, text: string): void {
  const type = response.getHeader('Content-Type');
  response.setHeader(
    'Content-Type',
    typeof type === 'string' ? withUtf8(type) : 'text/html; charset=utf-8',
  );
  response.ctx.response.body = text;
}

/**
 * A JSON answer. A plain value stays what it is on `ctx.body`, for middleware on the way out, and
 * becomes text last; a chosen content type stays too.
 *
 * @internal
 */
export function jsonBody(response: KoaResponse, value: unknown): void {
  const chosen = response.getHeader('Content-Type');
  const type = typeof chosen === 'string' ? withUtf8(chosen) : 'application/json; charset=utf-8';
  // Set first, so that Koa need not look the type up; and again where it overrides another one.
  response.setHeader('Content-Type', type);
  response.ctx.response.body = isJsonBody(value) ? value : (JSON.stringify(value) ?? '');
  if (chosen !== undefined) response.setHeader('Content-Type', type);
}

/** Whether Koa would send this body as JSON. @internal */
export function isJsonBody(body: unknown): body is object {
  if (typeof body !== 'object' || body === null) return false;
  const prototype: unknown = Object.getPrototypeOf(body);
  if (prototype === Object.prototype || prototype === Array.prototype) {
    return typeof (body as { pipe?: unknown }).pipe !== 'function';
  }
  return !(
    Buffer.isBuffer(body) ||
    body instanceof Stream ||
    typeof (body as { pipe?: unknown }).pipe === 'function' ||
    body instanceof Blob ||
    body instanceof ReadableStream ||
    body instanceof Response
  );
}

/** A redirect with the short text that browsers show when they do not follow it. @internal */
export function redirectBody(response: KoaResponse, status: number, url: string): void {
  const { ctx } = response;
  const address = setLocation(response, url);
  const title = STATUS_CODES[status] ?? String(status);
  setStatus(ctx, status);
  ctx.vary('Accept');
  const kind = ctx.accepts('text', 'html');
  if (kind === 'html') {
    const text = `${title}. Redirecting to ${escapeHtml(address)}`;
    ctx.type = 'text/html; charset=utf-8';
    ctx.body = `<!DOCTYPE html><head><title>${title}</title></head><body><p>${text}</p></body>`;
  } else if (kind === 'text') {
    ctx.type = 'text/plain; charset=utf-8';
    ctx.body = `${title}. Redirecting to ${address}`;
  } else {
    emptyBody(ctx);
  }
}

/** Sets `Location`, escaped as browsers need it, and returns it. @internal */
export function setLocation(response: KoaResponse, url: string): string {
  const address = encodeUrl(url);
  response.setHeader('Location', address);
  return address;
}

/** The media type with the charset that the text is sent in. @internal */
export function withUtf8(type: string): string {
  const [media = '', ...parameters] = type.split(';').map((part) => part.trim());
  const others = parameters.filter((part) => part !== '' && !/^charset=/i.test(part));
  return [media, ...others, 'charset=utf-8'].join('; ');
}

const HTML_ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => HTML_ESCAPES[character] ?? character);
}
