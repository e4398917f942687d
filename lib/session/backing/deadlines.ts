/** Node takes a longer delay for none at all. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** When a wait is over, and what happens then; between its neighbours in time. @internal */
export interface Deadline {
  /** On the clock of `performance.now()`. */
  readonly until: number;
  expire: () => void;
  before: Deadline | undefined;
  after: Deadline | undefined;
  isOver: boolean;
}

/**
 * Deadlines that are all as far away as each other, so that they pass in the order in which they
 * were set: one timer is under way for all of them. Most waits are over long before their deadline,
 * and a timer for each would cost more than the answer of a store in memory.
 *
 * A linked list: a `Set` of the same grows and shrinks its table all the time.
 *
 * @internal
 */
export class Deadlines {
  readonly #timeout: number;
  #first: Deadline | undefined;
  #last: Deadline | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param timeout how far away each deadline is, milliseconds. */
  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  /** @returns what {@link cancel} takes. */
  set(expire: () => void): Deadline {
    const before = this.#last;
    const until = performance.now() + this.#timeout;
    const deadline: Deadline = { until, expire, before, after: undefined, isOver: false };
    if (before === undefined) this.#first = deadline;
    else before.after = deadline;
    this.#last = deadline;
    if (this.#timer === undefined) this.#wait(this.#timeout);
    return deadline;
  }

  /** Does nothing to one that has passed. */
  cancel(deadline: Deadline): void {
    if (deadline.isOver) return;
    deadline.isOver = true;
    const { before, after } = deadline;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    // A call that never ends keeps its deadline, which must not keep all that were beside it.
    deadline.before = undefined;
    deadline.after = undefined;
    deadline.expire = nothing;
  }

  #wait(milliseconds: number): void {
    // Whoever waits for a store keeps the process alive; a timer that is left over must not.
    const delay = Math.min(milliseconds, LONGEST_DELAY);
    this.#timer = setTimeout(() => this.#pass(), delay).unref();
  }

  #pass(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (let next = this.#first; next !== undefined; next = this.#first) {
      if (next.until > now) {
        this.#wait(next.until - now);
        return;
      }
      const { expire } = next;
      this.cancel(next);
      expire();
    }
  }
}

function nothing(): void {
  // It has passed, or was cancelled.
}

const BY_TIMEOUT = new Map<number, Deadlines>();

/** The deadlines that are `timeout` milliseconds away. @internal */
export function deadlinesOf(timeout: number): Deadlines {
  let deadlines = BY_TIMEOUT.get(timeout);
  if (deadlines === undefined) BY_TIMEOUT.set(timeout, (deadlines = new Deadlines(timeout)));
  return deadlines;
}
