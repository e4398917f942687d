export { SessionModule } from './session.module.js';
export { SessionService } from './session.service.js';
export type { SessionChange } from './session.service.js';
export { FlashMessages } from './flash.messages.js';
export { rememberHandshake } from './handshake.context.js';
export {
  getSessionOptionsToken,
  getSessionServiceToken,
  getSessionStoreToken,
  getSessionToken,
  SESSION,
  SESSION_OPTIONS,
  SESSION_STORE,
} from './session.constants.js';

export { Session } from './decorators/session.decorator.js';
export { IsNewSession } from './decorators/is-new-session.decorator.js';
export { SessionMaxAge } from './decorators/session-max-age.decorator.js';
export { ExternalKey } from './decorators/external-key.decorator.js';
export { Flash } from './decorators/flash.decorator.js';
export {
  InjectSession,
  InjectSessionOptions,
  InjectSessionService,
  InjectSessionStore,
} from './decorators/inject-session.decorator.js';
export type { InjectDecorator } from './decorators/inject-session.decorator.js';
export {
  RequireNewSession,
  RequireSession,
  SkipSession,
} from './decorators/require-session.decorator.js';
export type { HandlerDecorator } from './decorators/require-session.decorator.js';
export { RequireFresh } from './decorators/require-fresh.decorator.js';
export type { Duration } from './decorators/require-fresh.decorator.js';
export { SkipCsrf } from './decorators/skip-csrf.decorator.js';
export { OnSessionEvent } from './decorators/on-session-event.decorator.js';
export type {
  SessionEventPayload,
  SessionEventShortName,
} from './decorators/on-session-event.decorator.js';

export { CsrfGuard } from './guards/csrf.guard.js';
export { FreshGuard } from './guards/fresh.guard.js';
export { SessionGuard } from './guards/session.guard.js';
export { SessionHealthIndicator } from './health/session.health.js';
export type { SessionHealth, SessionHealthOptions } from './health/session.health.js';

export type {
  ProvidedHook,
  ProvidedObject,
  Provision,
  SessionIdGenerator,
  SessionSaveHook,
  SessionValidator,
} from './interfaces/provided.interface.js';
export type {
  ProvidedOptionName,
  ProvidedSessionOptions,
  SessionConfiguration,
  SessionModuleAsyncOptions,
  SessionModuleExtras,
  SessionModuleOptions,
  SessionOptionsFactory,
  SessionRoute,
} from './interfaces/session-module-options.interface.js';
export type {
  SessionExceptionFactory,
  SessionRequirement,
  SessionRule,
  SessionRuleFailure,
} from './interfaces/session-requirement.interface.js';
export type {
  NamedSession,
  SessionKey,
  SessionSelection,
} from './interfaces/session-selection.interface.js';

export type {
  SessionCodec,
  SessionData,
  SessionEvent,
  SessionEventName,
  SessionEvents,
  SessionOptions,
  SessionRecord,
  SessionRecordEvent,
  SessionStore,
} from '../lib/session/index.js';
export {
  AdapterError,
  PeerMissingError,
  SessionCommitError,
  SessionError,
  SessionOptionsError,
  SessionOwners,
  SessionStateError,
  StoreError,
} from '../lib/session/index.js';
