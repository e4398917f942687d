import { Session, type SessionData } from '../lib/session/index.js';

/** The data key under which messages wait. */
const KEY = '$flash';

type Waiting = Record<string, string[]>;
type Draft = Partial<SessionData> & { [KEY]?: Waiting };

/**
 * Messages for the user's next page: written once, read once.
 *
 * Both go to the store at once and by `session.update()`: with a store that can compare and set,
 * of two pages that load at the same time exactly one shows a message, and no message is lost.
 *
 * @publicApi
 */
export class FlashMessages {
  readonly #session: Session;

  /** @internal */
  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * Leaves a message.
   *
   * @param type what kind of message, for instance `'error'`.
   */
  async add(type: string, ...messages: string[]): Promise<void> {
    await this.#update((waiting) => {
      waiting[type] = [...(own(waiting, type) ?? []), ...messages];
    });
  }

  /** Takes the messages of one type: nobody gets them again. */
  async take(type: string): Promise<string[]> {
    let taken: string[] = [];
    if (own(this.#waiting ?? {}, type) === undefined) return taken;
    await this.#update((waiting) => {
      taken = own(waiting, type) ?? [];
      Reflect.deleteProperty(waiting, type);
    });
    return taken;
  }

  /** Takes every message, by type. */
  async takeAll(): Promise<Record<string, string[]>> {
    let taken: Waiting = {};
    if (this.#waiting === undefined) return taken;
    await this.#update((waiting) => {
      taken = { ...waiting };
      for (const type of Object.keys(waiting)) Reflect.deleteProperty(waiting, type);
    });
    return taken;
  }

  get #waiting(): Waiting | undefined {
    return (this.#session as Draft)[KEY];
  }

  #update(change: (waiting: Waiting) => void): Promise<void> {
    return Session.prototype.update.call(this.#session, (draft: Draft) => {
      // Types are often constants, but may come from a client: no name may reach the prototype.
      const waiting: Waiting = Object.assign(Object.create(null) as Waiting, draft[KEY]);
      change(waiting);
      if (Object.keys(waiting).length === 0) Reflect.deleteProperty(draft, KEY);
      else draft[KEY] = { ...waiting };
    }) as Promise<void>;
  }
}

function own(waiting: Waiting, type: string): string[] | undefined {
  return Object.hasOwn(waiting, type) ? waiting[type] : undefined;
}
