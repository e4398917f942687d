import { basename, isAbsolute, resolve as resolvePath } from 'node:path';
import { NotFoundException } from '@nestjs/common';
import send from 'send';
import { AdapterError, typeName } from '../errors.js';
import { answerWith, giveAnswer, isSettled, onSettled, proceed, withdrawAnswer } from './answer.js';
import { onceGone } from './connection.js';
import { keepStatus } from './context.js';
import type { KoaContext } from './context.js';
import type { FileCallback, KoaRequest, KoaResponse, SendFileOptions } from './exchange.js';

/**
 * Leaves the answering to `send`, which knows ranges, validators and types, once Koa's middleware
 * is done. A handler may wait for its callback, so that middleware does not wait for the handler.
 *
 * @internal
 */
export function sendFile(
  response: KoaResponse,
  path: string,
  options: SendFileOptions,
  done: FileCallback | undefined,
): void {
  if (typeof path !== 'string' || (options.root === undefined && !isAbsolute(path))) {
    throw new AdapterError(
      `sendFile() needs an absolute path, or the option "root" beside it, received ${typeName(path)}`,
    );
  }
  giveAnswer(response);
  keepStatus(response.ctx);
  const write = () => transfer(response, path, options, done);
  answerWith(response, { body: response.ctx.body, write });
  if (done !== undefined) proceed(response);
}

/** As {@link sendFile}, with a name for the client to save the file under. @internal */
export function download(
  response: KoaResponse,
  path: string,
  name: string | undefined,
  options: SendFileOptions,
  done: FileCallback | undefined,
): void {
  const disposition = dispositionOf(response, basename(name ?? path));
  const headers = { ...withoutDisposition(options.headers), 'Content-Disposition': disposition };
  const full = options.root === undefined ? resolvePath(path) : path;
  sendFile(response, full, { ...options, headers }, done);
}

/**
 * Koa's `ctx.attachment`, whose library sends Latin-1 letters as they are: what is beyond ASCII
 * stands encoded beside a plain name, as in what Express sends.
 *
 * @internal
 */
export function setAttachment(ctx: KoaContext, name: string | undefined): void {
  const plain = name?.replace(/[^ -~]/g, '?');
  if (plain === undefined || plain === name) ctx.attachment(name);
  else ctx.attachment(name, { fallback: plain });
}

/** Rejects with the error that is to be answered; a callback may answer in its place. */
function transfer(
  response: KoaResponse,
  path: string,
  options: SendFileOptions,
  done: FileCallback | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const file = send(response.req, encodeURI(path), options);
    let isOver = false;
    const finish = (error?: Error) => {
      if (isOver) return;
      isOver = true;
      const isUnsent = error !== undefined && !response.headersSent;
      if (isUnsent && done !== undefined)
        return answerAnew(response, () => done(error)).then(resolve, reject);
      if (isUnsent) return reject(error);
      resolve();
      if (done !== undefined) done(error);
      else if (error !== undefined) response.destroy();
    };
    file.on('error', finish);
    file.on('directory', () => finish(isDirectory(response, done !== undefined)));
    file.on('headers', () => {
      for (const [name, value] of Object.entries(options.headers ?? {})) {
        response.setHeader(name, value);
      }
    });
    file.on('end', () => finish());
    // An answer without a body (HEAD, 304) has no end of its own.
    onceGone(response, () => {
      if (response.writableFinished || done === undefined) finish();
      else finish(aborted());
    });
    file.pipe(response);
  });
}

/** Lets the callback answer, with anything it could have answered with in the first place. */
function answerAnew(response: KoaResponse, callback: () => void): Promise<void> {
  const { ctx } = response;
  withdrawAnswer(response);
  ctx.respond = undefined;
  return new Promise((resolve, reject) => {
    callback();
    if (isSettled(ctx)) resolve();
    else onSettled(ctx, resolve, reject);
  });
}

/** What Express tells the callback of a folder; without one, there is no such file. */
function isDirectory(response: KoaResponse, isForCallback: boolean): Error {
  if (isForCallback) return Object.assign(new Error('EISDIR, read'), { code: 'EISDIR' });
  const { method, originalUrl } = response.req as KoaRequest;
  return new NotFoundException(`Cannot ${method} ${originalUrl}`);
}

function aborted(): Error {
  return Object.assign(new Error('Request aborted'), { code: 'ECONNABORTED' });
}

/** The header as Koa writes it, which is set only once there is a file. */
function dispositionOf(response: KoaResponse, name: string): string {
  const before = ['Content-Type', 'Content-Disposition'].map(
    (header) => [header, response.getHeader(header)] as const,
  );
  setAttachment(response.ctx, name);
  const disposition = String(response.getHeader('Content-Disposition'));
  for (const [header, value] of before) {
    if (value === undefined) response.removeHeader(header);
    else response.setHeader(header, value);
  }
  return disposition;
}

function withoutDisposition(headers: SendFileOptions['headers'] = {}): typeof headers {
  const kept = Object.entries(headers).filter(([name]) => !/^content-disposition$/i.test(name));
  return Object.fromEntries(kept);
}
