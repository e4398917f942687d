import Keygrip from 'keygrip';
import type { Engine } from './engines.js';
import type { Host } from './host.js';
import type { Step } from './steps.js';
import { type Exchange, type Setup, World } from './world.js';

/** All that an engine did on the way through `steps`. */
export async function transcript(
  engine: Engine,
  setup: Setup,
  steps: readonly Step[],
  host: Host,
): Promise<Exchange[]> {
  const world = new World(engine, setup, host);
  const exchanges: Exchange[] = [];
  for (const step of steps) {
    const exchange = await world.take(step);
    if (exchange !== undefined) exchanges.push(exchange);
  }
  return setup.genid === 'default'
    ? withNamedIds(exchanges, world.app.keys as string[])
    : exchanges;
}

// The first character may have been altered by a trick.
const UUID = /[0-9a-fyz][0-9a-f]{7}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;
const LONE = /koa\.sess\.sig=[\w-]{27}/g;
const SIGNED = /(koa\.sess)=([^;]+)(; .*)?\u0000\1\.sig=([^;]+)/g;

/** Random ids, named in the order they are seen in; their signatures are checked on the way. */
function withNamedIds(exchanges: Exchange[], keys: string[]): Exchange[] {
  const names = new Map<string, string>();
  const keygrip = new Keygrip(keys);
  const signed = exchanges.map((exchange) => ({
    ...exchange,
    setCookie: exchange.setCookie
      .join('\u0000')
      .replace(
        SIGNED,
        (_all, name: string, value: string, rest: string, signature: string) =>
          `${name}=${value}${rest}\u0000${name}.sig=${keygrip.verify(`${name}=${value}`, signature) ? 'good' : 'bad'}`,
      )
      .split('\u0000')
      .filter((line) => line !== ''),
  }));
  // A signature that was renewed without its cookie stands alone; other cases compare its bytes.
  const text = show(signed)
    .replace(LONE, 'koa.sess.sig=renewed')
    .replace(UUID, (id) => {
      if (!names.has(id)) names.set(id, `uuid ${names.size + 1}`);
      return names.get(id) as string;
    });
  return JSON.parse(text) as Exchange[];
}

/** A transcript as text, for comparison: `undefined` counts. */
export function show(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, part: unknown) => (part === undefined ? '<undefined>' : part),
    1,
  );
}
