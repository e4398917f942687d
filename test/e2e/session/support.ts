import type { AddressInfo } from 'node:net';
import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { KoaAdapter, type NestKoaApplication } from '../../../lib/platform-koa/index.js';
import { Browser as JarBrowser } from '../../support/browser.js';

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

/** A browser with the shortcuts that these tests need. */
export class Browser extends JarBrowser {
  async json(path: string, init?: RequestInit): Promise<unknown> {
    return (await this.fetch(path, init)).json();
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
    return this.jar.getCookieString(this.base);
  }

  /** The value of one cookie. */
  async cookie(name: string): Promise<string | undefined> {
    const cookies = await this.jar.getCookies(this.base);
    return cookies.find(({ key }) => key === name)?.value;
  }
}
