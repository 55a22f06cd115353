import { readEnvironment } from '../config/environment.js';
import type { Database } from '../store/database.js';
import { openStore } from '../store/open.js';
import { requireInstalled } from './installed.js';

/**
 * Runs a command that needs the store of a set-up installation and nothing else.
 *
 * @throws {CommandFailure} when nothing is set up under the environment's name.
 */
export const atStore = async <T>(
  env: NodeJS.ProcessEnv,
  command: (db: Database) => Promise<T>,
): Promise<T> => {
  const environment = readEnvironment(env, ['store']);
  const store = await openStore(environment.store);
  try {
    await requireInstalled(store.db, environment.installation);
    return await command(store.db);
  } finally {
    await store.close();
  }
};
