import { findTemporalServer } from '../launch/temporal-binary.js';
import { startScratchPostgres } from './support/scratch-postgres.js';

const tell = (line: string): void => void process.stderr.write(`[setup] ${line}\n`);

/**
 * Runs once before all test files, which inherit what it puts into the environment: TEMPORAL_CLI_PATH and
 * TEMPORAL_TEST_SERVER_PATH (executables), TEST_DATABASE_URL (a PostgreSQL in which tests make their own databases).
 * A variable that is already set is left alone.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const [dev, test, stopDatabase] = await Promise.all([
    findTemporalServer('dev', { onProgress: tell }),
    findTemporalServer('test', { onProgress: tell }),
    startScratchPostgres(),
  ]);
  process.env['TEMPORAL_CLI_PATH'] = dev;
  process.env['TEMPORAL_TEST_SERVER_PATH'] = test;
  return stopDatabase;
}
