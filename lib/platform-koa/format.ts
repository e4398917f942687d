import { STATUS_CODES } from 'node:http';
import { failAnswer } from './answer.js';
import type { KoaRequest, KoaResponse, ResponseFormats } from './exchange.js';

/**
 * Answers in the one of several formats that the client likes best, as Express does.
 *
 * @internal
 */
export function answerInFormat(response: KoaResponse, formats: ResponseFormats): void {
  const request = response.req as KoaRequest;
  const types = Object.keys(formats).filter((type) => type !== 'default');
  const chosen = types.length > 0 && request.accepts(types);
  response.vary('Accept');
  if (typeof chosen === 'string') {
    response.type(chosen);
    formats[chosen]?.(request, response);
  } else if (formats['default'] !== undefined) {
    formats['default'](request, response);
  } else {
    failAnswer(response, notAcceptable());
  }
}

function notAcceptable(): Error {
  const fields = { status: 406, statusCode: 406, expose: true };
  return Object.assign(new Error(STATUS_CODES[406]), fields);
}
