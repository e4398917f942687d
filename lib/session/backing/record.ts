import type { SessionRecord } from '../store.js';
import { RESERVED_KEYS, UNDERSCORE } from '../session.js';

/** koa-session's own fields of a record: when it ends. @internal */
export interface RecordFields {
  _expire?: number;
  _maxAge?: number;
  _session?: true;
}

/**
 * The JSON of a record, made from the JSON of its data without a second pass over the data. The
 * same text as `JSON.stringify({ ...data, ...fields })`.
 *
 * @internal
 */
export function recordJson(dataJson: string, fields: SessionRecord & RecordFields): string {
  const members = membersText(fields);
  if (members === '') return dataJson;
  return dataJson === '{}' ? `{${members}}` : `${dataJson.slice(0, -1)},${members}}`;
}

/** What stands between the braces. */
function membersText(fields: SessionRecord & RecordFields): string {
  let count = 0;
  for (const _ in fields) count++;
  const { _expire, _maxAge } = fields;
  return count === 2 && Number.isFinite(_expire) && Number.isFinite(_maxAge)
    ? `"_expire":${_expire},"_maxAge":${_maxAge}`
    : JSON.stringify(fields).slice(1, -1);
}

/**
 * Whether `key` of a record is the application's: neither an engine field nor a reserved name.
 *
 * @internal
 */
export function isDataKey(key: string): boolean {
  return key.charCodeAt(0) !== UNDERSCORE && !RESERVED_KEYS.has(key);
}

/** The application's data in a record. @internal */
export function recordData(record: SessionRecord): Record<string, unknown> {
  const data: Record<string, unknown> = {};
  for (const key of Object.keys(record)) {
    if (isDataKey(key)) data[key] = record[key];
  }
  return data;
}
