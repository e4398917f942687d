import { UseGuards } from '@nestjs/common';
import { type ApolloDriverConfig, ApolloDriver } from '@nestjs/apollo';
import { Context, GraphQLModule, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import { KoaApolloDriver } from '../../lib/platform-koa/apollo/index.js';
import type { KoaContext, KoaRequest } from '../../lib/platform-koa/index.js';
import { RequireSession, Session, SessionGuard } from '../../src/index.js';
import { json, sessions, start } from './application.js';

@Resolver()
class ViewsResolver {
  @Query(() => Int)
  views(@Session() session: Session & { views?: number }): number {
    return session.views ?? 0;
  }

  @Mutation(() => Int)
  async view(@Session() session: Session & { views?: number }): Promise<number> {
    await new Promise((resolve) => setImmediate(resolve));
    return (session.views = (session.views ?? 0) + 1);
  }

  @Query(() => String)
  path(@Context() { req }: { req: KoaRequest }): string {
    return req.ctx.path;
  }

  @Query(() => String)
  @UseGuards(SessionGuard)
  @RequireSession()
  secret(): string {
    return 'for those who came before';
  }
}

function graphql(driver: ApolloDriverConfig['driver']): ReturnType<typeof GraphQLModule.forRoot> {
  return GraphQLModule.forRoot<ApolloDriverConfig>({
    driver: driver as never,
    autoSchemaFile: true,
  });
}

describe('@nestjs/graphql with Apollo', () => {
  async function startServer(): ReturnType<typeof start> {
    return start(
      { imports: [sessions, graphql(KoaApolloDriver)], providers: [ViewsResolver] },
      {
        configure: (app) =>
          app.use(async (ctx: KoaContext, next: () => Promise<unknown>) => {
            await next();
            ctx.set('x-body', typeof ctx.body);
          }),
      },
    );
  }

  it('resolves queries and mutations, with the session of the request', async () => {
    const { browser } = await startServer();
    const ask = async (query: string): Promise<unknown> =>
      (await browser.fetch('/graphql', json({ query }))).json();
    expect(await ask('mutation { view }')).toEqual({ data: { view: 1 } });
    expect(await ask('mutation { view }')).toEqual({ data: { view: 2 } });
    expect(await ask('{ views path }')).toEqual({ data: { views: 2, path: '/graphql' } });
  });

  it('answers GET, wrong queries and wrong media types as Apollo does', async () => {
    const { browser } = await startServer();
    const get = await browser.fetch(`/graphql?query=${encodeURIComponent('{ views }')}`, {
      headers: { 'apollo-require-preflight': 'yes' },
    });
    expect(await get.json()).toEqual({ data: { views: 0 } });
    expect(get.headers.get('content-type')).toMatch(/^application\/json/);
    expect((await browser.fetch('/graphql', json({ query: '{ nothing }' }))).status).toBe(400);
    const csrf = await browser.fetch(`/graphql?query=${encodeURIComponent('{ views }')}`);
    expect(csrf.status).toBe(400);
    const put = { ...json({ query: '{ views }' }), method: 'PUT' };
    expect((await browser.fetch('/graphql', put)).status).toBe(405);
  });

  it('shows the page that tries queries, and answers through Koa', async () => {
    const { browser } = await startServer();
    const page = await browser.fetch('/graphql', { headers: { accept: 'text/html' } });
    expect(page.headers.get('content-type')).toMatch(/text\/html/);
    expect(await page.text()).toMatch(/graphiql/i);
    expect(page.headers.get('x-body')).toBe('string');
  });

  it('guards resolvers by the session', async () => {
    const { browser } = await startServer();
    const ask = async (query: string): Promise<{ data: unknown; errors?: { message: string }[] }> =>
      (await browser.fetch('/graphql', json({ query }))).json() as never;
    expect((await ask('{ secret }')).errors).toHaveLength(1);
    await ask('mutation { view }');
    expect(await ask('{ secret }')).toEqual({ data: { secret: 'for those who came before' } });
  });

  it("upstream's own driver says that it does not know Koa", async () => {
    await expect(
      start({ imports: [sessions, graphql(ApolloDriver)], providers: [ViewsResolver] }),
    ).rejects.toThrow('No support for current HttpAdapter: koa');
  });
});
