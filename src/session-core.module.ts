import { Global, Module } from '@nestjs/common';
import { SessionEventsExplorer } from './events/session-events.explorer.js';
import { SessionHealthIndicator } from './health/session.health.js';
import { SessionRegistry } from './session.registry.js';

/**
 * What the application has once, however many sessions it has. Global, so that guards and
 * decorators work in modules that import nothing.
 *
 * @internal
 */
@Global()
@Module({
  providers: [SessionRegistry, SessionEventsExplorer, SessionHealthIndicator],
  exports: [SessionRegistry, SessionHealthIndicator],
})
export class SessionCoreModule {}
