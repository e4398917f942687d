import { Controller, Get } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  HealthIndicatorService,
  type HealthCheckResult,
  TerminusModule,
} from '@nestjs/terminus';
import { SessionHealthIndicator } from '../../src/index.js';
import { sessions, start } from './application.js';

let isDiskFull = false;

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly sessions: SessionHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([
      () => this.sessions.isHealthy('sessions'),
      () => {
        const disk = this.indicators.check('disk');
        return isDiskFull ? disk.down({ free: 0 }) : disk.up();
      },
    ]);
  }
}

it('@nestjs/terminus reports health with 200 and trouble with 503, for no cache to keep', async () => {
  const { browser } = await start({
    imports: [sessions, TerminusModule.forRoot({ logger: false })],
    controllers: [HealthController],
  });
  isDiskFull = false;
  const well = await browser.fetch('/health');
  expect(well.status).toBe(200);
  expect(well.headers.get('cache-control')).toMatch(/no-store/);
  expect(await well.json()).toMatchObject({ status: 'ok', info: { sessions: { status: 'up' } } });

  isDiskFull = true;
  const ill = await browser.fetch('/health');
  expect(ill.status).toBe(503);
  expect(await ill.json()).toMatchObject({ status: 'error', error: { disk: { status: 'down' } } });
});
