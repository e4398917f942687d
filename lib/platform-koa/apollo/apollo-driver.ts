import { ApolloServer, HeaderMap } from '@apollo/server';
import type { HTTPGraphQLResponse } from '@apollo/server';
import { ApolloServerPluginDrainHttpServer } from '@apollo/server/plugin/drainHttpServer';
import { ApolloDriver } from '@nestjs/apollo';
import type { ApolloDriverConfig } from '@nestjs/apollo';
import { Injectable } from '@nestjs/common';
import type { KoaRequest, KoaResponse } from '../exchange.js';
import type { ConnectMiddleware } from '../middleware-kind.js';

type Server = ApolloServer<object>;
type ServerOptions = ConstructorParameters<typeof ApolloServer<object>>[0];
type ContextFunction = (exchange: { req: KoaRequest; res: KoaResponse }) => Promise<object>;

/** What the driver needs of the adapter. */
interface Routes {
  all(path: string, handler: ConnectMiddleware): unknown;
}

/**
 * `@nestjs/graphql` with Apollo Server on Koa. Nest's own `ApolloDriver`, which knows Express and
 * Fastify, but for the door that requests come in by: take it in its place, with the same options.
 *
 * The context function gets `{ req, res }`; the Koa context is `req.ctx`. Answers go through
 * `ctx.body`, so Koa middleware sees them.
 *
 * @example
 * ```ts
 * GraphQLModule.forRoot<ApolloDriverConfig>({ driver: KoaApolloDriver, autoSchemaFile: true })
 * ```
 * @publicApi
 */
@Injectable()
export class KoaApolloDriver extends ApolloDriver {
  /** Starts Apollo Server and serves it below `options.path`. Called by Nest. */
  override async registerServer(options: ApolloDriverConfig): Promise<void> {
    const { httpAdapter } = this.httpAdapterHost;
    const drain = ApolloServerPluginDrainHttpServer({ httpServer: httpAdapter.getHttpServer() });
    const plugins = [...(options.plugins ?? []), drain];
    const server: Server = new ApolloServer({ ...options, plugins } as unknown as ServerOptions);
    await server.start();
    const context = options.context as ContextFunction;
    const routes = httpAdapter as unknown as Routes;
    routes.all(options.path ?? '/graphql', (req, res) => answer(server, context, req, res));
    this.apolloServer = server;
  }
}

async function answer(
  server: Server,
  context: ContextFunction,
  req: KoaRequest,
  res: KoaResponse,
): Promise<void> {
  const result = await server.executeHTTPGraphQLRequest({
    httpGraphQLRequest: {
      method: (req.method ?? 'GET').toUpperCase(),
      headers: headersOf(req),
      search: searchOf(req.originalUrl),
      body: req.body ?? {},
    },
    context: () => context({ req, res }),
  });
  await send(result, res);
}

function headersOf(req: KoaRequest): HeaderMap {
  const headers = new HeaderMap();
  for (const [name, value] of Object.entries(req.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return headers;
}

function searchOf(url: string): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start);
}

async function send(result: HTTPGraphQLResponse, res: KoaResponse): Promise<void> {
  res.status(result.status ?? 200);
  for (const [name, value] of result.headers) res.setHeader(name, value);
  if (result.body.kind === 'complete') {
    res.send(result.body.string);
    return;
  }
  // Incremental delivery: each part leaves as soon as it is there.
  for await (const chunk of result.body.asyncIterator) {
    if (res.destroyed) return;
    res.write(chunk);
  }
  res.end();
}
