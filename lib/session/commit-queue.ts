/** What a queued commit does when its turn comes. */
type Work = () => void | Promise<void>;

/**
 * The order of one request's commits: each begins when the one before has ended, well or not.
 *
 * @internal
 */
export class CommitQueue {
  /** The commit that the next one waits for. */
  #last: Promise<void> | undefined;
  #isInHook = false;

  /** Whether there has been no commit that another might have to wait for. */
  get isUnused(): boolean {
    return this.#last === undefined;
  }

  /** Whether a hook is running that a commit waits for: what is committed now, it has asked for. */
  get isInHook(): boolean {
    return this.#isInHook;
  }

  /** @returns a promise of how `work` ends, once its turn has come. */
  add(work: Work): Promise<void> {
    const before = this.#last;
    let settle = ignore;
    this.#last = new Promise((resolve) => (settle = resolve));
    const done = runAfter(before, work);
    done.then(settle, settle);
    return done;
  }

  /** As {@link add}, but not before the present step has ended, even if nothing is under way. */
  addLater(work: Work): Promise<void> {
    this.#last ??= Promise.resolve();
    return this.add(work);
  }

  /** What is under way already, unqueued: the next commit waits for it. */
  follow(work: Promise<void>): void {
    this.#last = work;
  }

  /** Commits that the hook asks for must not wait for the one that waits for the hook. */
  async runHook(hook: () => unknown): Promise<void> {
    const outer = this.#last;
    this.#last = undefined;
    this.#isInHook = true;
    try {
      await hook();
    } finally {
      await this.#last;
      this.#isInHook = false;
      this.#last = outer;
    }
  }
}

async function runAfter(before: Promise<void> | undefined, work: Work): Promise<void> {
  if (before !== undefined) await before.then(ignore, ignore);
  await work();
}

function ignore(): void {
  // How a commit ends is told to whoever asked for it.
}
