import type { Database } from '../store/database.js';
import { anyInstallation, installation, type Installation } from '../store/installations.js';
import { readEnvironment } from '../config/environment.js';
import { openStore } from '../store/open.js';
import { connectTemporal, type Temporal } from './connections.js';
import { refusal } from './failure.js';

/**
 * The installation that setup made in this store.
 *
 * @throws {CommandFailure} when there is none by this name.
 */
export const requireInstalled = async (db: Database, name: string): Promise<Installation> => {
  const found = await installation(db, name);
  if (found !== undefined) return found;
  const other = await anyInstallation(db);
  if (other === undefined) {
    throw refusal(`The installation "${name}" is not set up.`, 'Run "contact-sync setup" first.');
  }
  throw refusal(
    `This store belongs to the installation "${other}", not to "${name}".`,
    'Set SYNC_INSTALLATION to its name, or DATABASE_URL or SYNC_DATA_DIR to another store.',
  );
};

/**
 * Runs a command that needs a set-up installation and Temporal, and closes what it opened.
 *
 * @throws {CommandFailure} when nothing is set up under the environment's name.
 */
export const atInstallation = async <T>(
  env: NodeJS.ProcessEnv,
  command: (temporal: Temporal, installation: string) => Promise<T>,
): Promise<T> => {
  const environment = readEnvironment(env, ['store', 'temporal']);
  const store = await openStore(environment.store);
  try {
    await requireInstalled(store.db, environment.installation);
  } finally {
    await store.close();
  }
  const temporal = await connectTemporal(environment.temporal);
  try {
    return await command(temporal, environment.installation);
  } finally {
    await temporal.close();
  }
};
