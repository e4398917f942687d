import { isAbsolute } from 'node:path';
import send from 'send';
import { AdapterError } from '../errors.js';
import { answerWith } from './answer.js';
import { onceGone } from './connection.js';
import { keepStatus } from './context.js';
import type { FileCallback, KoaResponse, SendFileOptions } from './exchange.js';

/**
 * Leaves the answering to `send`, which knows ranges, validators and types, once Koa's middleware
 * is done.
 *
 * @internal
 */
export function sendFile(
  response: KoaResponse,
  path: string,
  options: SendFileOptions,
  done: FileCallback | undefined,
): void {
  if (options.root === undefined && !isAbsolute(path)) {
    throw new AdapterError('sendFile() needs an absolute path, or the option "root"');
  }
  keepStatus(response.ctx);
  const write = () =>
    new Promise<void>((resolve, reject) => {
      const file = send(response.req, encodeURI(path), options);
      const fail = (error: Error) => {
        if (done === undefined && !response.headersSent) return reject(error);
        resolve();
        if (done !== undefined) done(error);
        else response.destroy();
      };
      file.on('error', fail);
      file.on('directory', () => fail(notAFile()));
      file.on('headers', () => {
        for (const [name, value] of Object.entries(options.headers ?? {})) {
          response.setHeader(name, value);
        }
      });
      file.on('end', () => done?.());
      onceGone(response, resolve);
      file.pipe(response);
    });
  answerWith(response, { body: response.ctx.body, write });
}

function notAFile(): Error {
  return Object.assign(new Error('EISDIR, read'), { code: 'EISDIR', status: 404 });
}
