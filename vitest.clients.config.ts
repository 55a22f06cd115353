import { defineConfig } from 'vitest/config';

// `npm run test:clients`: public clients against the simulators. They have their own packages, so `npm test` leaves
// them out. Some of them wait by their own clocks between calls.
export default defineConfig({
  test: {
    include: ['test/public-clients/**/*.flow.ts'],
    maxWorkers: 2,
    // node-marketo-rest writes to the console: worth reading where a flow fails.
    silent: 'passed-only',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
