export { readSession, sessionCookie } from './cookies.js';
export type { CookieSource, SessionSource, TestSessionOptions } from './cookies.js';
export { storeContract } from './store-contract.js';
export type {
  ContractRunner,
  StoreCapability,
  StoreContractOptions,
  StoreContractSkip,
} from './contract/options.js';
