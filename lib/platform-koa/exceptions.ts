import { STATUS_CODES } from 'node:http';
import { BadRequestException, HttpException } from '@nestjs/common';
import type { ServerResponse } from 'node:http';

/** An error as http-errors, and so Koa's `ctx.throw()`, makes them. */
interface HttpErrorLike extends Error {
  readonly status: number;
  readonly statusCode: number;
  readonly expose: boolean;
}

/**
 * What the exception filters get to see of an error that came from outside of Nest: a client's
 * mistake becomes an `HttpException`, with the message only where it may be shown. Server errors
 * stay what they are, so that Nest logs them.
 *
 * @internal
 */
export function mapException(error: unknown): unknown {
  const isParseError = error instanceof SyntaxError || error instanceof URIError;
  if (isParseError && (error as { status?: unknown }).status === 400) {
    return new BadRequestException(error.message, { cause: error });
  }
  const known = asHttpError(error);
  if (known === undefined) return error;
  if (known.statusCode >= 500) return known;
  return new HttpException(
    known.expose ? known.message : (STATUS_CODES[known.statusCode] ?? 'Error'),
    known.statusCode,
    { cause: error },
  );
}

/**
 * An error that names its status, in the form that Nest's own filter understands. Beside
 * http-errors these are Koa's: a status and the headers to send with it.
 *
 * @internal
 */
export function asHttpError(error: unknown): HttpErrorLike | undefined {
  if (!(error instanceof Error) || error instanceof HttpException) return undefined;
  const { status, statusCode, expose } = error as Partial<HttpErrorLike>;
  if (typeof expose === 'boolean' && typeof statusCode === 'number' && status === statusCode) {
    return error as HttpErrorLike;
  }
  const code = status ?? statusCode;
  if (errorHeaders(error) === undefined || !Number.isInteger(code)) return undefined;
  if (code === undefined || code < 400 || code > 599) return undefined;
  return Object.assign(new Error(error.message, { cause: error }), {
    name: error.name,
    status: code,
    statusCode: code,
    expose: expose === true,
    headers: errorHeaders(error),
  });
}

/**
 * Sets the headers that an error carries (`Retry-After`, `WWW-Authenticate`), as Koa does.
 *
 * @internal
 */
export function applyErrorHeaders(response: ServerResponse, error: unknown): void {
  for (const [name, value] of Object.entries(errorHeaders(error) ?? {})) {
    if (/^content-(type|length)$/i.test(name)) continue;
    if (typeof value === 'string' || typeof value === 'number' || Array.isArray(value)) {
      response.setHeader(name, value as string);
    }
  }
}

function errorHeaders(error: unknown): Record<string, unknown> | undefined {
  if (!(error instanceof Error)) return undefined;
  const { headers } = error as { headers?: unknown };
  const isPlain =
    typeof headers === 'object' &&
    headers !== null &&
    !Array.isArray(headers) &&
    !('get' in headers);
  return isPlain ? (headers as Record<string, unknown>) : undefined;
}
