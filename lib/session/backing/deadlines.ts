/** When a wait is over, and what happens then. */
interface Deadline {
  /** On the clock of `performance.now()`. */
  readonly until: number;
  readonly expire: () => void;
}

/**
 * Deadlines that are all as far away as each other, so that they pass in the order in which they
 * were set: one timer is under way for all of them. Most waits are over long before their deadline,
 * and a timer for each would cost more than the answer of a store in memory.
 *
 * @internal
 */
class Deadlines {
  readonly #timeout: number;
  readonly #set = new Set<Deadline>();
  #timer: NodeJS.Timeout | undefined;

  /** @param timeout how far away each deadline is, milliseconds. */
  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  /** @returns what {@link cancel} takes. */
  set(expire: () => void): Deadline {
    const deadline = { until: performance.now() + this.#timeout, expire };
    this.#set.add(deadline);
    this.#wait(this.#timeout);
    return deadline;
  }

  cancel(deadline: Deadline): void {
    this.#set.delete(deadline);
  }

  #wait(milliseconds: number): void {
    // Whoever waits for a store keeps the process alive; a timer that is left over must not.
    this.#timer ??= setTimeout(() => this.#pass(), milliseconds).unref();
  }

  #pass(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const deadline of this.#set) {
      if (deadline.until > now) {
        this.#wait(deadline.until - now);
        return;
      }
      this.#set.delete(deadline);
      deadline.expire();
    }
  }
}

const BY_TIMEOUT = new Map<number, Deadlines>();

/** The deadlines that are `timeout` milliseconds away. @internal */
export function deadlinesOf(timeout: number): Deadlines {
  let deadlines = BY_TIMEOUT.get(timeout);
  if (deadlines === undefined) BY_TIMEOUT.set(timeout, (deadlines = new Deadlines(timeout)));
  return deadlines;
}
