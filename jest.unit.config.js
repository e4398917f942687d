import base from './jest.config.js';

// A part of the random cases, so that it stays quick: `npm test` tries them all.
process.env.COMPAT_RUNS ??= '300';
process.env.FUZZ_RUNS ??= '250';
process.env.MIGRATION_RUNS ??= '60';
process.env.PARALLEL_RUNS ??= '80';

/** The part of the suite that needs no database, no browser and no build: `npm run test:unit`. */
export default {
  ...base,
  testPathIgnorePatterns: [
    '<rootDir>/test/(bench|docs|ecosystem|packaging|sample|types)/',
    '<rootDir>/test/e2e/stores/',
    '<rootDir>/test/lib/cli/',
    '<rootDir>/test/lib/stores/(express-session|failover|faults|redis|sql)\\.spec\\.ts$',
    '<rootDir>/test/security/leaks\\.spec\\.ts$',
  ],
};
