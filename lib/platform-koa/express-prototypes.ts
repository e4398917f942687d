import type { KoaRequest, KoaResponse } from './exchange.js';

/** On a request that a whole Express application has: the prototypes that were there before. */
export const LENT = Symbol('lent');

/** What a request and its response have in common with the context, and Express keeps on them. */
const KEPT = ['body', 'params', 'session', 'originalUrl', 'baseUrl', 'res'];

type Lent = KoaRequest & { [LENT]?: readonly [request: object, response: object] | undefined };

/**
 * Keeps what an Express application would lose: it gives requests and responses prototypes of its
 * own, and with the adapter's go the members that sit there.
 *
 * @internal
 */
export function lendToExpress(req: KoaRequest, res: KoaResponse): void {
  const request = req as Lent;
  if (request[LENT] !== undefined) return;
  request[LENT] = [prototypeOf(req), prototypeOf(res)];
  for (const name of KEPT) makeOwn(req, name);
  makeOwn(res, 'locals');
}

/**
 * Takes a request back that an Express application has passed on, as Express does with those that it
 * mounts itself.
 *
 * @internal
 */
export function takeBackFromExpress(req: KoaRequest, res: KoaResponse): void {
  const request = req as Lent;
  const lent = request[LENT];
  if (lent === undefined) return;
  request[LENT] = undefined;
  Object.setPrototypeOf(req, lent[0]);
  Object.setPrototypeOf(res, lent[1]);
}

/** Moves a member from the prototypes to the object itself. */
function makeOwn(target: object, name: string): void {
  if (Object.hasOwn(target, name)) return;
  let holder: object | null = target;
  while (holder !== null && !Object.hasOwn(holder, name)) holder = prototypeOf(holder);
  const descriptor = holder && Object.getOwnPropertyDescriptor(holder, name);
  if (descriptor) Object.defineProperty(target, name, descriptor);
}

function prototypeOf(target: object): object {
  return Object.getPrototypeOf(target) as object;
}
