// Drives a Koa application in this process: Node's own request and response objects, no socket
// behind them. What is left is the cost of the JavaScript alone.
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { inTurn } from './turns.mjs';

/** A function that answers one request and gives the response. */
export function driver(app) {
  const handle = app.callback();
  const socket = new Socket();
  return async (path, cookie) => {
    const request = new IncomingMessage(socket);
    request.method = 'GET';
    request.url = path;
    request.headers = cookie === undefined ? { host: 'localhost' } : { host: 'localhost', cookie };
    const response = new ServerResponse(request);
    await handle(request, response);
    return response;
  };
}

/** The `Cookie` header that a browser would send after an answer. */
export function cookieOf(response) {
  let header = '';
  for (const cookie of response.getHeader('set-cookie') ?? []) {
    const pair = cookie.slice(0, cookie.indexOf(';'));
    header = header === '' ? pair : `${header}; ${pair}`;
  }
  return header;
}

/** CPU microseconds of this process for each of `count` calls, every one in a turn of its own. */
export async function cpuPerCall(count, call) {
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) {
    await call(i);
    // In one endless turn V8 would take what a request leaves behind for long-lived.
    await new Promise(setImmediate);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

/**
 * Measures functions against each other, in rounds of alternating order.
 * @param calls by name a function, or `{ prepare(count), call() }` of which only the call counts
 * @returns for each name its CPU microseconds per call, one figure a round
 */
export async function pairedCalls(calls, { rounds, count }, progress = () => undefined) {
  const names = Object.keys(calls);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  const measure = (name) => {
    const each = calls[name];
    if (typeof each === 'function') return cpuPerCall(count, each);
    each.prepare(count);
    return cpuPerCall(count, each.call);
  };
  for (const name of names) await measure(name);
  for (let round = 0; round < rounds; round++) {
    progress(round, rounds);
    for (const name of inTurn(names, round)) samples[name].push(await measure(name));
  }
  return samples;
}
