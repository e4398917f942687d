import { Controller, Get, Inject } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { MemoryStore } from '../../../lib/stores/memory.js';
import {
  SessionHealthIndicator,
  SessionModule,
  type SessionModuleOptions,
  type SessionStore,
  StoreError,
} from '../../../src/index.js';
import { start } from './support.js';

@Controller('health')
class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(SessionHealthIndicator) private readonly sessions: SessionHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.sessions.isHealthy('sessions', { timeout: 100 })]);
  }
}

async function report(options: SessionModuleOptions): Promise<[number, unknown]> {
  const { browser } = await start({
    imports: [
      TerminusModule.forRoot({ logger: false }),
      SessionModule.forRoot({ keys: ['k'], ...options }),
    ],
    controllers: [HealthController],
  });
  const answer = await browser.fetch('/health');
  const { details } = (await answer.json()) as { details: unknown };
  return [answer.status, details];
}

const store = (get: SessionStore['get']): SessionStore => ({
  get,
  set: () => undefined,
  destroy: () => undefined,
});

describe('SessionHealthIndicator', () => {
  it('is up, with the latency, while the store answers', async () => {
    const latency = expect.any(Number) as number;
    expect(await report({ store: new MemoryStore() })).toEqual([
      200,
      { sessions: { status: 'up', latency } },
    ]);
  });

  it('is up in cookie mode', async () => {
    expect(await report({})).toEqual([200, { sessions: { status: 'up' } }]);
  });

  it.each<[string, SessionStore, string]>([
    ['fails', store(() => Promise.reject(new Error('redis://:secret@host'))), 'unavailable'],
    [
      'throws',
      store(() => {
        throw new StoreError('get', { kind: 'circuit-open' });
      }),
      'circuit-open',
    ],
    ['does not answer in time', store(() => new Promise(() => undefined)), 'timeout'],
  ])('is down while the store %s, and tells no secret', async (_how, failing, message) => {
    const latency = expect.any(Number) as number;
    expect(await report({ store: failing })).toEqual([
      503,
      { sessions: { status: 'down', latency, message } },
    ]);
  });
});
