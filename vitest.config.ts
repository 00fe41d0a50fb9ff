import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/setup.ts'],
    // What is heavy starts daemons of its own, several tests of a file at once: two files keep two cores busy, more only slow each other down.
    maxWorkers: 2,
    // A module is read once per worker, not once per file: half of the time that the small tests took went into that.
    isolate: false,
    // What a test waits for is an event, which on a machine under triple load takes its time; budgets have limits of their own.
    testTimeout: 60_000,
    // What is waited for is an event; on a busy machine it may take its time.
    expect: { poll: { timeout: 10_000 } },
    hookTimeout: 60_000,
  },
});
