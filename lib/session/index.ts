import './koa-context.js';

export { createSession, createSession as default } from './middleware.js';
export type { SessionMiddleware } from './middleware.js';
export { Session, RESERVED_KEYS } from './session.js';
export type { SessionCallback } from './session.js';
export type { NewSession } from './koa-context.js';
export * from './session-data.js';
export { loadSession } from './access.js';
export { SessionOwners } from './owners.js';
export type { OwnedSession } from './owners.js';
export { sessionInfo } from './session-info.js';
export type { SessionInfo } from './session-info.js';
export { DEFAULTS } from './options.js';
export type {
  ContextStoreClass,
  ExternalKey,
  ResolvedSessionOptions,
  SessionOptions,
  StoreErrorPolicy,
} from './options.js';
export type { CommitReason } from './commit-reason.js';
export type {
  DestroyReason,
  FailureReason,
  RefusalReason,
  RegenerateReason,
  SessionEvent,
  SessionEventName,
  SessionEvents,
  SessionRecordEvent,
} from './events.js';
export { decode, encode } from './codec.js';
export { csrfField, csrfProtection, csrfToken, isCsrfSafe } from './csrf.js';
export type { CsrfOptions } from './csrf.js';
export type { CsrfTokenNames } from './crypto/csrf-token.js';
export { strict } from './strict.js';
export { sealed } from './crypto/sealed.js';
export type { Instant, SealedCodec, SealedOptions, SealRefusal } from './crypto/sealed.js';
export type { CodecContext, SessionCodec } from './codec.js';
export {
  isClearableStore,
  isClosableStore,
  isCreatingStore,
  isOwnedStore,
  isPrunableStore,
  isSessionStore,
  isTouchingStore,
  isVersionedStore,
} from './store.js';
export type {
  CapableStore,
  ClearableStore,
  ClosableStore,
  CreatingStore,
  OwnedRecord,
  OwnedStore,
  PrunableStore,
  SessionRecord,
  SessionStore,
  StoreCallOptions,
  StoreGetOptions,
  StoreMaxAge,
  StoreReadOptions,
  StoreSetOptions,
  StoreWriteOptions,
  TouchingStore,
  UpdateResult,
  VersionedRecord,
  VersionedStore,
} from './store.js';
export {
  AdapterError,
  PeerMissingError,
  SessionCommitError,
  SessionError,
  SessionOptionsError,
  SessionStateError,
  StoreError,
} from '../errors.js';
export type { SessionErrorCode, StoreErrorKind } from '../errors.js';

// Not public: what the Nest face in src/ needs of the engine.
export { contextSession } from './installation.js';
