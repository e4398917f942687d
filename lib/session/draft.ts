import type { CommitReason } from './commit-reason.js';
import { merge } from './merge.js';
import { recordData } from './record.js';
import { dataOf } from './session.js';
import type { SessionRecord } from './store.js';

/** Edits a draft of the data, or returns other data in its place. @internal */
export type Change = (draft: Record<string, unknown>) => unknown;

/**
 * What one commit is about to write. Where another request was faster, it is rebased on what that
 * one stored, and the session object follows.
 *
 * @internal
 */
export class Draft {
  readonly reason: CommitReason;
  /** A new id was asked for. */
  readonly regenerate: boolean;
  /** The engine's own fields, which go after the data. */
  readonly fields: Record<string, unknown>;
  readonly maxAge: number | 'session' | undefined;
  readonly #session: object;
  /** The JSON of the data as it was loaded: what both edits started from. */
  #base: string;
  /** The JSON of what this request made of it, before {@link Change} is applied. */
  #mine: string;
  #dataJson: string;
  #data: Record<string, unknown> | undefined;
  #change: Change | undefined;

  constructor(options: {
    session: object;
    base: string | undefined;
    dataJson: string;
    reason: CommitReason;
    regenerate: boolean;
    fields: Record<string, unknown>;
    maxAge: number | 'session' | undefined;
  }) {
    this.#session = options.session;
    this.#base = options.base ?? '{}';
    this.#mine = options.dataJson;
    this.#dataJson = options.dataJson;
    this.reason = options.reason;
    this.regenerate = options.regenerate;
    this.fields = options.fields;
    this.maxAge = options.maxAge;
  }

  /** The JSON of the data to write. */
  get dataJson(): string {
    return this.#dataJson;
  }

  /** The record to write. Nested values may be the session's own: a store copies them. */
  record(): SessionRecord {
    return { ...(this.#data ?? dataOf(this.#session)), ...this.fields };
  }

  /** Applies `change` to the data, now and after each {@link rebase}. */
  async apply(change: Change): Promise<void> {
    this.#change = change;
    await this.#finish(parse(this.#mine));
  }

  /** Lays this request's edits over what is stored now. */
  async rebase(theirs: SessionRecord): Promise<void> {
    const data = recordData(theirs);
    const merged = merge(parse(this.#base), parse(this.#mine), data);
    this.#base = JSON.stringify(data);
    this.#mine = JSON.stringify(merged);
    await this.#finish(merged);
  }

  async #finish(data: Record<string, unknown>): Promise<void> {
    let next = data;
    if (this.#change !== undefined) {
      const draft = parse(JSON.stringify(data));
      const returned: unknown = await this.#change(draft);
      next = (typeof returned === 'object' && returned !== null ? returned : draft) as typeof next;
    }
    const previous = parse(this.#dataJson);
    this.#dataJson = JSON.stringify(next);
    this.#data = next;
    bring(this.#session as Record<string, unknown>, previous, parse(this.#dataJson));
  }
}

/** Brings the session object from one state of its data to another, touching only what differs. */
function bring(
  session: Record<string, unknown>,
  previous: Record<string, unknown>,
  next: Record<string, unknown>,
): void {
  for (const key of Object.keys(previous)) {
    if (!Object.hasOwn(next, key)) delete session[key];
  }
  for (const [key, value] of Object.entries(next)) {
    if (JSON.stringify(previous[key]) !== JSON.stringify(value)) session[key] = value;
  }
}

function parse(json: string): Record<string, unknown> {
  return JSON.parse(json) as Record<string, unknown>;
}
