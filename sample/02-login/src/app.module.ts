import './session-data.js';
import { type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import { PassportModule } from '@nestjs/passport';
import { SessionModule } from 'nestjs-koa-session';
import { MemoryStore } from 'nestjs-koa-session/stores/memory';
import passport from 'passport';
import { AccountController } from './account.controller.js';
import { LocalStrategy } from './local.strategy.js';
import { LoginController } from './login.controller.js';
import { UserSerializer } from './user.serializer.js';
import { UsersService } from './users.service.js';

@Module({
  imports: [
    PassportModule.register({ session: true }),
    SessionModule.forRoot({
      keys: [process.env.SESSION_KEY ?? 'for trying this out only: set SESSION_KEY'],
      store: new MemoryStore(),
      sameSite: 'lax',
    }),
  ],
  controllers: [AccountController, LoginController],
  providers: [LocalStrategy, UserSerializer, UsersService],
})
export class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    // Finds the user of the session for every request.
    consumer.apply(passport.session()).forRoutes('{*path}');
  }
}
