import { defaultExclude, defineConfig } from 'vitest/config';

const setting = { testTimeout: 30_000, hookTimeout: 60_000 };

/** Files that change nothing of their process: one process takes many of them, and loads the product once. */
const IN_COMPANY = ['rules', 'store', 'activities', 'dynamics', 'marketo', 'simulators', 'config'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

export default defineConfig({
  test: {
    globalSetup: ['test/global-setup.ts'],
    // Workers of this suite start real servers and processes: a few at a time keeps two cores responsive.
    maxWorkers: 2,
    projects: [
      { test: { name: 'in company', include: IN_COMPANY, isolate: false, ...setting } },
      {
        test: {
          name: 'alone',
          include: ['test/**/*.test.ts'],
          exclude: [...defaultExclude, ...IN_COMPANY],
          ...setting,
        },
      },
    ],
  },
});
