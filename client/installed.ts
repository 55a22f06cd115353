import type { Database } from '../store/database.js';
import { anyInstallation, installation, type Installation } from '../store/installations.js';
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
