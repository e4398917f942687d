export { storeContract } from './store-contract.js';
export type {
  ContractRunner,
  StoreCapability,
  StoreContractOptions,
  StoreContractSkip,
} from './store-contract.js';
