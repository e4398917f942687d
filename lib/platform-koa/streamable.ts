import { Transform } from 'node:stream';
import type { Readable } from 'node:stream';
import { types } from 'node:util';
import { Logger } from '@nestjs/common';
import type { StreamableFile } from '@nestjs/common';
import { answerWith } from './answer.js';
import { onceGone } from './connection.js';
import type { KoaResponse } from './exchange.js';

const logger = new Logger('KoaAdapter');

/**
 * Makes a `StreamableFile` the answer. The stream is on `ctx.body` for middleware on the way out;
 * unless that replaces it, it is piped here, so that the file's own error handler can still answer
 * a failure that comes before the first byte.
 *
 * @internal
 */
export function streamBody(response: KoaResponse, file: StreamableFile): void {
  const { ctx } = response;
  const stream = file.getStream();
  let state: 'waiting' | 'piping' = 'waiting';
  let failure = stream.errored ?? undefined;
  applyHeaders(response, file);
  const inherited = new Set(stream.rawListeners('error'));
  ctx.body = stream;
  // Koa 2 answers a failing body itself, in its own words.
  for (const listener of stream.rawListeners('error')) {
    if (!inherited.has(listener)) stream.removeListener('error', listener as () => void);
  }
  stream.once('error', (error) => {
    failure = error;
    if (state === 'piping') failWith(file, error, response);
  });
  // A source whose client has left is closed, also while its answer still waits for its turn.
  onceGone(response, () => {
    if (!stream.readableEnded) stream.destroy();
  });
  const write = () => {
    state = 'piping';
    if (failure !== undefined) failWith(file, failure, response);
    else pipe(response, file, stream);
    return undefined;
  };
  answerWith(response, { body: stream, write });
}

function pipe(response: KoaResponse, file: StreamableFile, stream: Readable): void {
  response.on('error', (error) => file.errorLogger(error));
  if (response.req.method !== 'HEAD') {
    writableChunks(stream).pipe(response);
    return;
  }
  // A HEAD answer has no body; it only waits to know that there would have been one.
  const end = () => void response.end();
  if (stream.readableEnded) end();
  else stream.once('readable', end).once('end', end);
}

function applyHeaders(response: KoaResponse, file: StreamableFile): void {
  const { type, disposition, length } = file.getHeaders();
  setUnlessSet(response, 'Content-Type', type);
  setUnlessSet(response, 'Content-Disposition', disposition);
  // RFC 9112 section 6.2: not together with Transfer-Encoding.
  if (!response.hasHeader('Transfer-Encoding')) setUnlessSet(response, 'Content-Length', length);
}

function setUnlessSet(
  response: KoaResponse,
  name: string,
  value: string | number | readonly string[] | undefined,
): void {
  if (value === undefined || response.hasHeader(name)) return;
  response.setHeader(name, Array.isArray(value) ? value.join(',') : (value as string | number));
}

/** The answer is the file's error handler's now, not the file. */
function failWith(file: StreamableFile, error: Error, response: KoaResponse): void {
  if (!response.headersSent) {
    response.removeHeader('Content-Length');
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  }
  try {
    file.errorHandler(error, sendAtOnce(response));
  } catch (handlerError) {
    logger.error(handlerError);
    if (!response.writableEnded) response.destroy();
  }
}

/**
 * An error handler calls `send` as on Express, where it writes at once. Koa's middleware is done
 * by now, so nobody would write what `send` leaves on `ctx.body`.
 */
function sendAtOnce(response: KoaResponse): KoaResponse {
  response.send = (body) => {
    const bytes = Buffer.isBuffer(body)
      ? body
      : Buffer.from(typeof body === 'string' ? body : (JSON.stringify(body) ?? ''));
    if (!response.headersSent) response.setHeader('Content-Length', bytes.length);
    response.end(bytes);
    return response;
  };
  response.json = (body) => response.send(JSON.stringify(body));
  return response;
}

/**
 * The stream, checked chunk by chunk where its chunks may be anything: writing one that is neither
 * text nor bytes throws where nothing could catch it.
 */
function writableChunks(stream: Readable): Readable {
  if (!stream.readableObjectMode) return stream;
  const checked = new Transform({
    objectMode: true,
    highWaterMark: 1,
    transform(chunk: unknown, _encoding, callback) {
      callback(null, isWritable(chunk) ? chunk : undefined);
    },
  });
  stream.on('data', (chunk: unknown) => {
    if (isWritable(chunk)) return;
    checked.destroy();
    stream.destroy(
      new TypeError(`A StreamableFile sends strings and bytes, received ${typeof chunk}`),
    );
  });
  return stream.pipe(checked);
}

function isWritable(chunk: unknown): boolean {
  return typeof chunk === 'string' || types.isUint8Array(chunk);
}
