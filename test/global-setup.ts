import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTemporalServer } from '../launch/temporal-binary.js';
import { openEmbeddedPostgres } from '../store/embedded.js';

const tell = (line: string): void => void process.stderr.write(`[setup] ${line}\n`);

/** One PostgreSQL for the whole run. It holds nothing worth keeping, so it need not wait for the disk. */
const startDatabase = async (): Promise<() => Promise<void>> => {
  if (process.env['TEST_DATABASE_URL'] !== undefined) return () => Promise.resolve();
  const dataDir = await mkdtemp(join(tmpdir(), 'contact-sync-test-'));
  const settings = {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: '100',
  };
  const postgres = await openEmbeddedPostgres({ dataDir, settings });
  process.env['TEST_DATABASE_URL'] = postgres.url;
  return async () => {
    await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
};

/**
 * Runs once before all test files, which inherit what it puts into the environment: TEMPORAL_CLI_PATH and
 * TEMPORAL_TEST_SERVER_PATH (executables), TEST_DATABASE_URL (a PostgreSQL in which tests make their own databases).
 * A variable that is already set is left alone.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const [dev, test, stopDatabase] = await Promise.all([
    findTemporalServer('dev', { onProgress: tell }),
    findTemporalServer('test', { onProgress: tell }),
    startDatabase(),
  ]);
  process.env['TEMPORAL_CLI_PATH'] = dev;
  process.env['TEMPORAL_TEST_SERVER_PATH'] = test;
  return stopDatabase;
}
