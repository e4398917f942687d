import type { AddressInfo } from 'node:net';
import {
  type DynamicModule,
  type LoggerService,
  Module,
  type ModuleMetadata,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { KoaAdapter, type NestKoaApplication } from '../../lib/platform-koa/index.js';
import { SessionModule } from '../../src/index.js';
import { Browser } from '../support/browser.js';

/** A Nest application on Koa that serves on a free port. */
export interface Application {
  app: NestKoaApplication;
  url: string;
  /** A client that keeps its cookies. */
  browser: Browser;
}

interface Settings {
  /** What is done with the application before it starts. */
  configure?: (app: NestKoaApplication) => unknown;
  adapter?: KoaAdapter;
  logger?: LoggerService | false;
}

const open: NestKoaApplication[] = [];

afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

/** The session that every ecosystem test has in its application. */
export const sessions: DynamicModule = SessionModule.forRoot({ keys: ['ecosystem'] });

/** Starts an application of these parts, and closes it after the test. */
export async function start(
  metadata: ModuleMetadata,
  settings: Settings = {},
): Promise<Application> {
  class AppModule {}
  Module(metadata)(AppModule);
  const app = await NestFactory.create<NestKoaApplication>(
    AppModule,
    settings.adapter ?? new KoaAdapter(),
    { logger: settings.logger ?? false, abortOnError: false },
  );
  await settings.configure?.(app);
  await app.listen(0, '127.0.0.1');
  open.push(app);
  const { port } = app.getHttpServer().address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return { app, url, browser: new Browser(url) };
}

/** A POST of JSON. */
export function json(body: unknown): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
}
