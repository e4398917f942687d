import base from './jest.config.js';

/** The part of the suite that needs no database, no browser and no build: `npm run test:unit`. */
export default {
  ...base,
  testPathIgnorePatterns: [
    '<rootDir>/test/(bench|docs|ecosystem|packaging|sample)/',
    '<rootDir>/test/e2e/stores/',
    '<rootDir>/test/lib/cli/',
    '<rootDir>/test/lib/stores/(express-session|failover|faults|redis|sql)\\.spec\\.ts$',
    '<rootDir>/test/security/leaks\\.spec\\.ts$',
  ],
};
