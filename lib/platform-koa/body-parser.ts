import bodyParser from 'body-parser';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AdapterError, typeName } from '../errors.js';
import type { ConnectMiddleware } from './middleware-kind.js';

/** The parsers of body-parser. @publicApi */
export type BodyParserType = 'json' | 'urlencoded' | 'raw' | 'text';

/**
 * What a parser of body-parser takes; the last five are for one type of body each. Written out
 * here, so that its types are there for everybody.
 *
 * @publicApi
 */
export interface BodyParserOptions {
  /** Whether compressed bodies are taken. Default: `true`. */
  inflate?: boolean;
  /** The largest body: bytes, or a text such as `'1mb'`. A larger one is a 413. Default: `'100kb'`. */
  limit?: number | string;
  /** Which content types are parsed. Default: those of the parser. */
  type?: string | string[] | ((req: IncomingMessage) => unknown);
  /** Looks at the unparsed body, and throws to refuse it. Not with `rawBody`, which needs it. */
  verify?: (req: IncomingMessage, res: ServerResponse, body: Buffer, encoding: string) => void;
  /** `json`: the second argument of `JSON.parse`. */
  reviver?: (key: string, value: unknown) => unknown;
  /** `json`: whether only objects and arrays are taken. Default: `true`. */
  strict?: boolean;
  /** `text`: the charset of a body that names none. Default: `'utf-8'`. */
  defaultCharset?: string;
  /** `urlencoded`: whether names may nest (`a[b]=1`). Default: `false`; Nest sets it. */
  extended?: boolean;
  /** `urlencoded`: how many parameters a body may have; more are a 413. Default: 1,000. */
  parameterLimit?: number;
}

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
