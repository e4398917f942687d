import { parse } from 'node:querystring';
import qs from 'qs';
import { AdapterError, typeName } from '../errors.js';

/** How `req.query` is made from a query string. @internal */
export type QueryParser = (text: string) => Record<string, unknown>;

/**
 * The parser that Express's setting `query parser` names.
 *
 * @throws AdapterError `ERR_ADAPTER` for a name that Express does not have.
 * @internal
 */
export function queryParserOf(setting: unknown): QueryParser {
  if (typeof setting === 'function') return setting as QueryParser;
  if (setting === 'simple' || setting === true) return parse;
  if (setting === 'extended') return (text) => qs.parse(text, { allowPrototypes: true });
  if (setting === false) return () => ({});
  throw new AdapterError(
    `the query parser is "simple", "extended", false or a function, received ${typeName(setting)}`,
  );
}
