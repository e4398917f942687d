import type { AddressInfo } from 'node:net';
import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CookieJar } from 'tough-cookie';
import { KoaAdapter, type NestKoaApplication } from '../../../lib/platform-koa/index.js';

const open: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** A started application and a client that keeps its cookies, closed after the test. */
export interface Running {
  app: NestKoaApplication;
  url: string;
  browser: Browser;
}

/** Starts a Nest application of the given parts on a free port. */
export async function start(
  metadata: ModuleMetadata,
  configure: (app: NestKoaApplication) => unknown = () => undefined,
): Promise<Running> {
  class AppModule {}
  const module = rootOf(AppModule, metadata);
  const app = await NestFactory.create<NestKoaApplication>(module, new KoaAdapter(), {
    logger: false,
    abortOnError: false,
  });
  await configure(app);
  return running(app);
}

/** Starts an application that was made elsewhere. */
export async function running(app: NestKoaApplication): Promise<Running> {
  open.push(app);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return { app, url, browser: new Browser(url) };
}

/** A module of the given parts. */
export function rootOf(type: new () => object, metadata: ModuleMetadata): DynamicModule {
  Module({})(type);
  return { module: type, ...metadata };
}

/** A client with a cookie jar. */
export class Browser {
  readonly jar = new CookieJar();
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const url = this.#url + path;
    const headers = new Headers(init.headers);
    const cookie = await this.jar.getCookieString(url);
    if (cookie !== '') headers.set('cookie', cookie);
    const response = await fetch(url, { redirect: 'manual', ...init, headers });
    for (const line of response.headers.getSetCookie()) await this.jar.setCookie(line, url);
    return response;
  }

  async text(path: string, init?: RequestInit): Promise<string> {
    return (await this.fetch(path, init)).text();
  }

  async json(path: string, init?: RequestInit): Promise<unknown> {
    return JSON.parse(await this.text(path, init)) as unknown;
  }

  post(path: string, body: Record<string, unknown> = {}): Promise<Response> {
    return this.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  /** The cookies as a request carries them. */
  cookies(): Promise<string> {
    return this.jar.getCookieString(this.#url);
  }

  /** The value of one cookie. */
  async cookie(name: string): Promise<string | undefined> {
    const cookies = await this.jar.getCookies(this.#url);
    return cookies.find(({ key }) => key === name)?.value;
  }
}
