import type { CommitReason } from '../commit-reason.js';
import type { RegenerateReason } from '../events.js';
import { merge } from './merge.js';
import type { Lifetime } from '../rules/lifetime.js';
import { type Marks, marksOf, mergeMarks, NO_MARKS } from '../rules/marks.js';
import { recordData, type RecordFields } from './record.js';
import { dataOf } from '../session.js';
import type { SessionRecord } from '../store.js';
import { Snapshot } from './snapshot.js';

/** Edits a draft of the data, or returns other data in its place. @internal */
export type Change = (draft: Record<string, unknown>) => unknown;

/** What a save decides beside the data. @internal */
export interface Decisions {
  /** Why a new id is due; `undefined` when none is. */
  regenerate: RegenerateReason | undefined;
  /** How long the old id leads to the new one, in milliseconds. */
  grace: number;
  marks: Marks;
}

/**
 * Decides once more, when {@link Change} has run: on the data it made, and on what is stored (by
 * another request) if that is no longer what was loaded.
 *
 * @internal
 */
export type Decide = (data: object, theirs: SessionRecord | undefined, draft: Draft) => Decisions;

/**
 * What one commit is about to write. Where another request was faster, it is rebased on what that
 * one stored, and the session object follows.
 *
 * @internal
 */
export class Draft {
  readonly reason: CommitReason;
  #regenerate: RegenerateReason | undefined;
  #grace: number;
  readonly #lifetimeOf: (marks: Marks) => Lifetime;
  /** The marks that both edits started from. */
  #baseMarks: Marks;
  #marks: Marks;
  /** Of the present marks, once it is asked for. */
  #lifetime: Lifetime | undefined;
  readonly #session: object;
  readonly #stored: Snapshot | undefined;
  /** The JSON of the data that both edits started from, once it is needed. */
  #base: string | undefined;
  /** What this request made of it, before {@link Change} is applied. */
  #mine: Snapshot;
  #data: Snapshot;
  /** The data to write, where it is no longer what the session held. */
  #values: Record<string, unknown> | undefined;
  #change: Change | undefined;
  #decide: Decide | undefined;

  constructor(options: {
    session: object;
    stored: Snapshot | undefined;
    data: Snapshot;
    reason: CommitReason;
    decisions: Decisions;
    baseMarks: Marks;
    lifetimeOf: (marks: Marks) => Lifetime;
  }) {
    const { regenerate, grace, marks } = options.decisions;
    this.#session = options.session;
    this.#stored = options.stored;
    this.#mine = options.data;
    this.#data = options.data;
    this.reason = options.reason;
    this.#regenerate = regenerate;
    this.#grace = grace;
    this.#marks = marks;
    this.#baseMarks = options.baseMarks;
    this.#lifetimeOf = options.lifetimeOf;
  }

  /** Why a new id is due; `undefined` when none is. */
  get regenerate(): RegenerateReason | undefined {
    return this.#regenerate;
  }

  /** How long the old id leads to the new one, in milliseconds. */
  get grace(): number {
    return this.#grace;
  }

  get marks(): Marks {
    return this.#marks;
  }

  get lifetime(): Lifetime {
    return (this.#lifetime ??= this.#lifetimeOf(this.#marks));
  }

  /** The engine's own fields, which go after the data; koa-session's go last. */
  get fields(): SessionRecord & RecordFields {
    const { fields } = this.lifetime;
    return this.#marks === NO_MARKS
      ? (fields as SessionRecord & RecordFields)
      : addFields({}, this.#marks, fields);
  }

  /** Whether there are marks among the fields. */
  get isMarked(): boolean {
    return this.#marks !== NO_MARKS;
  }

  /** The data to write. */
  get data(): Snapshot {
    return this.#data;
  }

  /** The record to write. Nested values may be the session's own: a store copies them. */
  record(): SessionRecord {
    const record = this.#values === undefined ? dataOf(this.#session) : { ...this.#values };
    return addFields(record, this.#marks, this.lifetime.fields);
  }

  /** Applies `change` to the data, and decides, now and after each {@link rebase}. */
  async apply(change: Change, decide: Decide): Promise<void> {
    this.#change = change;
    this.#decide = decide;
    await this.#finish(parse(this.#mine.json), undefined);
  }

  #setMarks(marks: Marks): void {
    this.#marks = marks;
    this.#lifetime = undefined;
  }

  /** Lays this request's edits over what is stored now. */
  async rebase(theirs: SessionRecord): Promise<void> {
    const data = recordData(theirs);
    const marks = marksOf(theirs);
    this.#setMarks(mergeMarks(this.#baseMarks, this.#marks, marks));
    this.#baseMarks = marks;
    const base = this.#base ?? this.#stored?.json ?? '{}';
    const merged = merge(parse(base), parse(this.#mine.json), data);
    this.#base = JSON.stringify(data);
    this.#mine = Snapshot.ofJson(JSON.stringify(merged));
    await this.#finish(merged, theirs);
  }

  async #finish(data: Record<string, unknown>, theirs: SessionRecord | undefined): Promise<void> {
    let next = data;
    if (this.#change !== undefined) {
      const before = JSON.stringify(data);
      const draft = parse(before);
      const returned: unknown = await this.#change(draft);
      const replaces = typeof returned === 'object' && returned !== null && returned !== draft;
      // `(draft) => (draft.cart = {})` returns the cart, which must not become the session.
      if (replaces && JSON.stringify(draft) !== before) throw editedAndReplaced();
      // What a client chose may be in it: no field of the engine's own comes out of it.
      next = recordData((replaces ? returned : draft) as SessionRecord);
    }
    const previous = parse(this.#data.json);
    this.#data = Snapshot.ofJson(JSON.stringify(next));
    this.#values = next;
    const written = parse(this.#data.json);
    bring(this.#session as Record<string, unknown>, previous, written);
    if (this.#decide === undefined) return;
    const { regenerate, grace, marks } = this.#decide(written, theirs, this);
    this.#regenerate = regenerate;
    this.#grace = grace;
    this.#setMarks(marks);
  }
}

function addFields(record: SessionRecord, marks: Marks, lifetime: RecordFields): SessionRecord {
  for (const name in marks) record[name] = marks[name as keyof Marks];
  for (const name in lifetime) record[name] = lifetime[name as keyof RecordFields];
  return record;
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

function editedAndReplaced(): TypeError {
  return new TypeError(
    'the function given to update() edited the draft and returned an object as well: return nothing, as in (draft) => { draft.list = []; }, or leave the draft alone and return all of the data',
  );
}

function parse(json: string): Record<string, unknown> {
  return JSON.parse(json) as Record<string, unknown>;
}
