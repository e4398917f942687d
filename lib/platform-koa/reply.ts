import { STATUS_CODES } from 'node:http';
import { Stream } from 'node:stream';
import { Logger, StreamableFile } from '@nestjs/common';
import { giveAnswer, hasAnswer } from './answer.js';
import { emptyBody, jsonBody, textBody } from './body.js';
import { keepStatus } from './context.js';
import type { KoaResponse } from './exchange.js';
import { streamBody } from './streamable.js';

const logger = new Logger('KoaAdapter');

/**
 * Turns what Nest hands over into the answer on `ctx.body`. The rules are those of Nest's Express
 * adapter; Koa writes the answer when its middleware is done.
 *
 * @internal
 */
export function reply(response: KoaResponse, body: unknown, status?: number | null): void {
  const { ctx } = response;
  if (status !== undefined && status !== null) response.status(status);
  if (body === undefined && !hasAnswer(response) && ctx.response.body !== undefined) {
    // The handler answered in Koa's own way, through `@Ctx()`.
    giveAnswer(response);
    return;
  }
  giveAnswer(response);
  keepStatus(ctx);
  if (body === undefined || body === null) emptyBody(ctx);
  else if (body instanceof StreamableFile) streamBody(response, body);
  else if (body instanceof Stream) streamBody(response, new StreamableFile(body as never));
  else if (typeof body === 'object') replyWithObject(response, body, status);
  else textBody(response, String(body));
}

function replyWithObject(response: KoaResponse, body: object, status?: number | null): void {
  const { statusCode } = response;
  let value = body;
  if (body instanceof Error && statusCode >= 400) {
    // An error's own fields (the request of an HTTP client, say) are not for the client.
    value = { statusCode, message: STATUS_CODES[statusCode] ?? 'Error' };
  }
  const type = response.getHeader('Content-Type');
  if (typeof type === 'string' && !isJsonType(type) && isErrorBody(value, status)) {
    logger.warn(
      `An error body is JSON, but its Content-Type was set to "${type}": a filter that answers in another format must send text`,
    );
    response.setHeader('Content-Type', 'application/json');
  }
  jsonBody(response, value);
}

function isErrorBody(body: object, status?: number | null): boolean {
  return Number((body as { statusCode?: unknown }).statusCode) >= 400 || (status ?? 0) >= 400;
}

/** `application/json` and every `+json` type (RFC 6839). */
function isJsonType(type: string): boolean {
  const media = type.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return media.startsWith('application/json') || media.endsWith('+json');
}

/** Whether an answer is on its way, as far as an exception filter is concerned. @internal */
export function isAnswered(response: KoaResponse): boolean {
  return response.headersSent || hasAnswer(response);
}
