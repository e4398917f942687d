import { Controller, Get } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { Session, SessionModule } from '../../src/index.js';
import { start } from './application.js';

@Controller()
class ViewsController {
  constructor(private readonly config: ConfigService) {}

  @Get()
  count(@Session() session: Session & { views?: number }): string {
    session.views = (session.views ?? 0) + 1;
    return `${this.config.get<string>('greeting')} ${session.views}`;
  }
}

it('@nestjs/config gives the session its keys', async () => {
  const { browser } = await start({
    imports: [
      ConfigModule.forRoot({
        isGlobal: true,
        ignoreEnvFile: true,
        load: [() => ({ greeting: 'visit', session: { keys: ['from the configuration'] } })],
      }),
      SessionModule.forRootAsync({
        inject: [ConfigService],
        useFactory: (config: ConfigService) => ({ keys: config.getOrThrow('session.keys') }),
      }),
    ],
    controllers: [ViewsController],
  });
  expect(await browser.text('/')).toBe('visit 1');
  expect(await browser.text('/')).toBe('visit 2');
});
