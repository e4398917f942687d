import base from './jest.config.js';

// A part of the random cases, so that it stays quick: `npm test` tries them all.
process.env.COMPAT_RUNS ??= '500';
process.env.FUZZ_RUNS ??= '400';
process.env.MIGRATION_RUNS ??= '100';
process.env.PARALLEL_RUNS ??= '150';

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
