import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedPostgres } from '../../store/embedded.js';

/**
 * One PostgreSQL for a whole run, put into TEST_DATABASE_URL unless that names one already. It holds nothing worth keeping,
 * so it need not wait for the disk.
 *
 * @returns what stops it and removes its folder.
 */
export const startScratchPostgres = async (): Promise<() => Promise<void>> => {
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
