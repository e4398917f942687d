import { LONGEST_DELAY } from './longest-delay.js';

/**
 * Runs a task again and again, give or take a quarter of the interval, and never twice at once.
 * Does not keep the process alive.
 *
 * @internal
 */
export class PruneTimer {
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param interval milliseconds; 0 for never. */
  constructor(
    private readonly interval: number,
    private readonly task: () => Promise<unknown>,
    private readonly onError: (error: unknown) => void = () => undefined,
  ) {
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.interval === 0 || this.#stopped) return;
    const delay = this.interval * (0.75 + Math.random() / 2);
    this.#timer = setTimeout(() => void this.#run(), Math.min(delay, LONGEST_DELAY));
    this.#timer.unref();
  }

  async #run(): Promise<void> {
    try {
      await this.task();
    } catch (error) {
      this.onError(error);
    }
    this.#schedule();
  }
}
