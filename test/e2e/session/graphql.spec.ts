import { Inject, Injectable, Scope, type Type, UseGuards } from '@nestjs/common';
import {
  AbstractGraphQLDriver,
  Args,
  Context,
  type GqlModuleOptions,
  GraphQLModule,
  Mutation,
  Query,
  Resolver,
} from '@nestjs/graphql';
import { graphql, type GraphQLSchema } from 'graphql';
import type { KoaRequest, KoaResponse } from '../../../lib/platform-koa/index.js';
import { MemoryStore } from '../../../lib/stores/memory.js';
import {
  ExternalKey,
  InjectSession,
  IsNewSession,
  RequireSession,
  Session,
  SessionGuard,
  SessionModule,
  type SessionModuleOptions,
} from '../../../src/index.js';
import { start } from './support.js';

interface Data {
  user?: string;
}

type ContextOf = (request: KoaRequest) => object;

/** GraphQL over POST, without the packages of a GraphQL server, which know Express and Fastify. */
class PostDriver extends AbstractGraphQLDriver<GqlModuleOptions & { contextOf: ContextOf }> {
  start(
    options: GqlModuleOptions & { contextOf: ContextOf; schema?: GraphQLSchema },
  ): Promise<void> {
    const { schema, contextOf } = options;
    this.httpAdapterHost.httpAdapter.post(
      '/graphql',
      async (request: KoaRequest, response: KoaResponse) => {
        const { query } = request.body as { query: string };
        const contextValue = contextOf(request);
        response.json(
          await graphql({ schema: schema as GraphQLSchema, source: query, contextValue }),
        );
      },
    );
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

@Injectable({ scope: Scope.REQUEST })
class Account {
  constructor(@InjectSession() readonly session: Data) {}
}

@Resolver()
class SessionResolver {
  constructor(@Inject(Account) private readonly account: Account) {}

  @Mutation(() => String)
  login(@Args('user') user: string, @Session() session: Data): string {
    session.user = user;
    return user;
  }

  @Query(() => String, { nullable: true })
  user(@Session('user') user: string | undefined): string | undefined {
    return user;
  }

  @Query(() => String)
  injected(): string {
    return String(this.account.session.user);
  }

  @Query(() => Boolean)
  isNew(@IsNewSession() isNew: boolean): boolean {
    return isNew;
  }

  @Query(() => Boolean)
  hasKey(@ExternalKey() key: string | undefined, @Context() _context: object): boolean {
    return key !== undefined;
  }

  @Query(() => String)
  @UseGuards(SessionGuard)
  @RequireSession({ has: 'user' })
  guarded(): string {
    return 'in';
  }
}

@Resolver()
class PlainResolver {
  @Query(() => Boolean)
  plain(@IsNewSession() isNew: boolean): boolean {
    return isNew;
  }
}

const launch = async (
  contextOf: ContextOf,
  options: SessionModuleOptions = {},
  providers: Type<unknown>[] = [SessionResolver, Account],
) => {
  const running = await start({
    imports: [
      SessionModule.forRoot({ keys: ['k'], isGlobal: true, ...options }),
      GraphQLModule.forRoot({ driver: PostDriver, autoSchemaFile: true, contextOf }),
    ],
    providers,
  });
  const ask = async (query: string) =>
    (await running.browser.post('/graphql', { query })).json() as Promise<{
      data: Record<string, unknown> | null;
      errors?: { message: string; extensions?: unknown }[];
    }>;
  return { ...running, ask };
};

describe.each<[string, ContextOf]>([
  ['{ req }', (req) => ({ req })],
  ['{ ctx }', (req) => ({ ctx: req.ctx })],
  ['the Koa context itself', (req) => req.ctx],
])('a resolver whose context is %s', (_what, contextOf) => {
  it.each<[string, () => SessionModuleOptions]>([
    ['a cookie', () => ({})],
    ['a store', () => ({ store: new MemoryStore() })],
    ['a store, loaded lazily', () => ({ store: new MemoryStore(), load: 'lazy' })],
  ])('reads and writes the session in %s', async (where, options) => {
    const { ask } = await launch(contextOf, options());
    expect((await ask('{ user isNew }')).data).toEqual({ user: null, isNew: true });
    expect((await ask('mutation { login(user: "ann") }')).data).toEqual({ login: 'ann' });
    expect((await ask('{ user isNew hasKey injected }')).data).toEqual({
      user: 'ann',
      isNew: false,
      hasKey: where !== 'a cookie',
      injected: 'ann',
    });
  });

  it('is guarded', async () => {
    const { ask } = await launch(contextOf);
    expect((await ask('{ guarded }')).errors?.[0]?.message).toBe('a session is required');
    await ask('mutation { login(user: "ann") }');
    expect((await ask('{ guarded }')).data).toEqual({ guarded: 'in' });
  });
});

describe('a resolver whose context leads nowhere', () => {
  it('is told what to pass', async () => {
    const { ask } = await launch(() => ({}), {}, [PlainResolver]);
    expect((await ask('{ plain }')).errors?.[0]?.message).toContain('({ req }) => ({ req })');
  });
});
