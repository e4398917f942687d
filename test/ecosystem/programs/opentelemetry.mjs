// Prints each span as a line of JSON when it ends. The HTTP instrumentation is played by hand: it
// starts the span of the request, and reads the route when the answer has left.
import { createRequire } from 'node:module';
import { context, trace } from '@opentelemetry/api';
import { RPCType, setRPCMetadata } from '@opentelemetry/core';
import { KoaInstrumentation } from '@opentelemetry/instrumentation-koa';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { AsyncLocalStorage } from 'node:async_hooks';

const requests = new AsyncLocalStorage();
context.setGlobalContextManager({
  active: () => requests.getStore() ?? rootContext(),
  with: (active, fn, self, ...args) => requests.run(active, () => fn.apply(self, args)),
  bind: (_active, target) => target,
  enable() {
    return this;
  },
  disable() {
    return this;
  },
});
const exporter = {
  export(spans, done) {
    for (const { name, attributes } of spans) console.log(JSON.stringify({ name, attributes }));
    done({ code: 0 });
  },
  shutdown: async () => undefined,
};
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
);
new KoaInstrumentation().enable();
// The instrumentation patches Koa when it is required, or imported under OpenTelemetry's hook.
if (!process.execArgv.join().includes('hook.mjs')) createRequire(import.meta.url)('koa');

const { Controller, Get, Post } = await import('@nestjs/common');
const { SessionModule } = await import('nestjs-koa-session');
const { decorate, serve } = await import('./serve.mjs');

class UsersController {
  async show() {
    await new Promise((resolve) => setImmediate(resolve));
    trace.getTracer('test').startSpan('work of the handler').end();
    return 'a user';
  }

  fail() {
    throw new Error('no');
  }
}
decorate(UsersController, [Controller('users')], { show: [Get(':id')], fail: [Post(':id/fail')] });

await serve(
  { imports: [SessionModule.forRoot({ keys: ['otel'] })], controllers: [UsersController] },
  {
    configure(app) {
      const server = app.getHttpServer();
      const [listener] = server.listeners('request');
      server.removeAllListeners('request');
      server.on('request', (req, res) => {
        const span = trace.getTracer('http').startSpan(req.method);
        const metadata = { type: RPCType.HTTP, span };
        res.once('finish', () => {
          span.setAttribute('http.route', metadata.route);
          span.end();
        });
        const active = trace.setSpan(setRPCMetadata(rootContext(), metadata), span);
        context.with(active, () => listener(req, res));
      });
      app.use(async function timer(_ctx, next) {
        await next();
      });
    },
  },
);

function rootContext() {
  return (rootContext.value ??= createRequire(import.meta.url)('@opentelemetry/api').ROOT_CONTEXT);
}
