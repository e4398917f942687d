import { BlockList, isIP } from 'node:net';
import type Koa from 'koa';
import { AdapterError, typeName } from '../errors.js';

/** Whether to believe what the proxy at an address says; the nearest one has the index 0. */
type Trust = (address: string, index: number) => boolean;

type KoaRequestObject = Koa.Request & { app: Koa };

const RANGES = new Map([
  ['linklocal', ['169.254.0.0/16', 'fe80::/10']],
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['uniquelocal', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']],
]);

/**
 * Makes a Koa application believe those proxies that Express's setting `trust proxy` names: all,
 * none, a number of them, those at some addresses, or those that a function accepts.
 *
 * @throws AdapterError `ERR_ADAPTER` for what is no address, no range and no name of ranges: to
 *   take it for "all" would let every client choose its address.
 * @internal
 */
export function trustProxies(app: Koa, value: unknown, most = 0): void {
  for (const name of ['ips', 'host', 'protocol']) Reflect.deleteProperty(app.request, name);
  app.maxIpsCount = typeof value === 'number' ? value : most;
  const isPlain = value === undefined || typeof value === 'boolean' || typeof value === 'number';
  if (isPlain) app.proxy = Number(value) > 0;
  else trustSome(app, typeof value === 'function' ? (value as Trust) : trustOf(value));
}

/** Koa believes all proxies or none; the request's own members decide by address. */
function trustSome(app: Koa, trust: Trust): void {
  app.proxy = true;
  const alone = Object.create(app, { proxy: { value: false } }) as Koa;
  for (const name of ['host', 'protocol'] as const) {
    const { get } = inheritedProperty(app.request, name);
    define(app, name, (request) => {
      const isTrusted = trust(peer(request), 0);
      return get?.call(isTrusted ? request : Object.create(request, { app: { value: alone } }));
    });
  }
  define(app, 'ips', (request) => {
    const forwarded = request.get(app.proxyIpHeader).split(/\s*,\s*/);
    const chain = [...forwarded.filter((address) => address !== ''), peer(request)].reverse();
    // The first one that is not believed is the client; what it says came before does not count.
    const client = chain.findIndex((address, index) => !trust(address, index));
    return chain.slice(1, client === -1 ? undefined : client + 1).reverse();
  });
}

function trustOf(value: unknown): Trust {
  const named = typeof value === 'string' ? value.split(',') : value;
  if (!Array.isArray(named) || !named.every((each) => typeof each === 'string')) {
    throw invalid(typeName(value));
  }
  const list = new BlockList();
  for (const range of named
    .map((each) => each.trim())
    .flatMap((each) => RANGES.get(each) ?? [each])) {
    add(list, range);
  }
  return (address) => {
    const family = isIP(address);
    const [withoutZone = ''] = address.split('%');
    return family !== 0 && list.check(withoutZone, family === 6 ? 'ipv6' : 'ipv4');
  };
}

function add(list: BlockList, range: string): void {
  const [address = '', bits, ...rest] = range.split('/');
  const family = isIP(address);
  const most = family === 6 ? 128 : 32;
  const prefix = bits === undefined ? most : Number(bits);
  const isPrefix = bits === undefined || (/^\d+$/.test(bits) && prefix > 0 && prefix <= most);
  if (family === 0 || !isPrefix || rest.length > 0) throw invalid('a text that is neither');
  list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
}

function peer(request: KoaRequestObject): string {
  return request.req.socket.remoteAddress ?? '';
}

function define(app: Koa, name: string, read: (request: KoaRequestObject) => unknown): void {
  function get(this: KoaRequestObject): unknown {
    return read(this);
  }
  Object.defineProperty(app.request, name, { get, configurable: true, enumerable: true });
}

function inheritedProperty(object: object, name: string): PropertyDescriptor {
  const owner = Object.getPrototypeOf(object) as object;
  return Object.getOwnPropertyDescriptor(owner, name) ?? {};
}

function invalid(received: string): AdapterError {
  return new AdapterError(
    '"trust proxy" takes true, false, a number of proxies, a function, or addresses and ranges ' +
      `("10.0.0.0/8", "loopback", "linklocal", "uniquelocal"), received ${received}`,
  );
}
