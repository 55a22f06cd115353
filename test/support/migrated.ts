import { migrate, openDatabase, type Database } from '../../store/database.js';
import { saveInstallation } from '../../store/installations.js';
import { freshDatabase } from './database.js';

/** A database of this test's own, brought up to the schema of this version. */
export interface MigratedDatabase {
  readonly url: string;
  readonly db: Database;
  /** Lets go of it and removes it. */
  readonly close: () => Promise<void>;
}

export const migratedDatabase = async (): Promise<MigratedDatabase> => {
  const { url, drop } = await freshDatabase();
  const db = openDatabase(url, { connections: 2 });
  const close = async (): Promise<void> => {
    await db.destroy();
    await drop();
  };
  try {
    await migrate(db);
  } catch (error) {
    await close();
    throw error;
  }
  return { url, db, close };
};

/** One in which `default` is set up; `id` stands for every id of the installation. */
export const installedDatabase = async (id: string): Promise<MigratedDatabase> => {
  const migrated = await migratedDatabase();
  const made = { id, name: 'default', syncUserId: id, organizationId: id };
  await saveInstallation(migrated.db, { ...made, activityTypes: { refused: 1, syncPerson: 2 } }, []);
  return migrated;
};
