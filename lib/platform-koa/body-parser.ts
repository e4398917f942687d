import bodyParser from 'body-parser';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AdapterError, typeName } from '../errors.js';
import type { ConnectMiddleware } from './middleware-kind.js';

/** The parsers of body-parser. @publicApi */
export type BodyParserType = 'json' | 'urlencoded' | 'raw' | 'text';

/** What a parser of body-parser takes. @publicApi */
export type BodyParserOptions = bodyParser.Options &
  bodyParser.OptionsJson &
  bodyParser.OptionsText &
  Partial<bodyParser.OptionsUrlencoded>;

const TYPES: readonly string[] = ['json', 'urlencoded', 'raw', 'text'];

/**
 * A parser of body-parser as middleware; with `rawBody` it keeps the bytes as `req.rawBody`.
 *
 * @throws AdapterError `ERR_ADAPTER` for a type that body-parser does not have.
 * @internal
 */
export function createBodyParser(
  type: BodyParserType,
  rawBody: boolean,
  options: BodyParserOptions = {},
): ConnectMiddleware {
  if (!TYPES.includes(type)) {
    throw new AdapterError(
      `useBodyParser() knows the types ${TYPES.join(', ')}, received ${typeName(type)}`,
    );
  }
  const parser = bodyParser[type](rawBody ? { ...options, verify: keepRawBody } : options);
  return parser as unknown as ConnectMiddleware;
}

function keepRawBody(req: IncomingMessage, _res: ServerResponse, bytes: Buffer): void {
  (req as IncomingMessage & { rawBody?: Buffer }).rawBody = bytes;
}
