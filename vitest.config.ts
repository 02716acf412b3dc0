import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

export default defineConfig({
  test: {
    // Two processes, so that a small machine has room for PostgreSQL and the browser.
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    // As patient as the tests: a machine may be busy, and what comes sooner is seen sooner.
    expect: { poll: { timeout: 15_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'web/src/**/*.test.ts'],
          // They keep nothing outside themselves: what many of them import is loaded once.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          // Each file in a process of its own, as in production.
          name: 'whole',
          include: ['test/**/*.test.ts'],
          globalSetup: ['test/support/global-setup.ts'],
        },
      },
    ],
  },
});
