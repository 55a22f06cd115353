import { defineConfig } from 'vitest/config';

// Workers of this suite start real servers and processes: a few at a time keeps two cores responsive.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
