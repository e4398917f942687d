// What the programs of this folder share: they run the built package in plain Node, without
// TypeScript, because the packages they try hook into Node's module loader or are CommonJS.
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { KoaAdapter } from 'nestjs-koa-session/platform-koa';

/** Puts decorators on a class and on its methods, as TypeScript would. */
export function decorate(type, ofClass, ofMethods) {
  for (const [name, decorators] of Object.entries(ofMethods)) {
    const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name);
    for (const decorator of decorators.toReversed()) decorator(type.prototype, name, descriptor);
  }
  for (const decorator of ofClass.toReversed()) decorator(type);
  return type;
}

/** Starts an application of these parts, and prints its URL for the test to read. */
export async function serve(metadata, { logger = false, configure = () => undefined } = {}) {
  class AppModule {}
  Module(metadata)(AppModule);
  const app = await NestFactory.create(AppModule, new KoaAdapter(), {
    logger,
    bufferLogs: logger !== false,
  });
  configure(app);
  await app.listen(0, '127.0.0.1');
  console.log(`serves on http://127.0.0.1:${app.getHttpServer().address().port}`);
}
