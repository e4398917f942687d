export { KoaApolloDriver } from './apollo-driver.js';
