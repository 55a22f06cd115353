import { sql } from 'kysely';
import { migrate, openDatabase, type Database, type OpenStoreOptions } from './database.js';
import { openEmbeddedPostgres } from './embedded.js';

/** Where the store is, as the environment tells it. */
export interface StorePlace {
  /** `DATABASE_URL`; absent: the private PostgreSQL in `dataDir`. */
  readonly databaseUrl?: string;
  /** `SYNC_DATA_DIR`. */
  readonly dataDir: string;
}

export interface OpenOptions extends OpenStoreOptions {
  /** Told what takes a while, one plain line each. */
  readonly onProgress?: (line: string) => void;
}

export interface Store {
  readonly db: Database;
  /** Connection string, with its password: for processes that this one starts, never for people. */
  readonly url: string;
  /** Closes the connections; the private PostgreSQL stops with the last process that uses it. */
  close(): Promise<void>;
}

/** The store cannot be used. Its message names the place, never the password, and `DATABASE_URL`. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** The oldest PostgreSQL that this product is made for. */
const OLDEST_MAJOR = 14;

/**
 * Opens the store and brings its schema up to this version: `DATABASE_URL` where it is set, else the private PostgreSQL
 * of the data folder, which is started, or attached to where another process of ours runs it.
 *
 * @throws {StoreUnavailable} when nothing answers there, it refuses us, or it is too old.
 */
export const openStore = async (place: StorePlace, options: OpenOptions = {}): Promise<Store> => {
  const { url, release } = await locate(place, options);
  const db = openDatabase(url, options);
  const close = async (): Promise<void> => {
    await db.destroy();
    await release();
  };
  try {
    await checkVersion(db);
    await migrate(db);
    return { db, url, close };
  } catch (cause) {
    await close().catch(() => undefined);
    throw unavailable(url, cause);
  }
};

interface Located {
  readonly url: string;
  readonly release: () => Promise<void>;
}

const locate = async ({ databaseUrl, dataDir }: StorePlace, options: OpenOptions): Promise<Located> => {
  if (databaseUrl !== undefined) return { url: databaseUrl, release: () => Promise.resolve() };
  const { onProgress } = options;
  try {
    const embedded = await openEmbeddedPostgres({ dataDir, ...(onProgress && { onProgress }) });
    return { url: embedded.url, release: embedded.stop };
  } catch (cause) {
    throw new StoreUnavailable(messageOf(cause), { cause });
  }
};

const checkVersion = async (db: Database): Promise<void> => {
  const { rows } = await sql<{ version: string }>`
    select current_setting('server_version_num') as version`.execute(db);
  const major = Math.floor(Number(rows[0]?.version) / 10_000);
  if (!(major >= OLDEST_MAJOR)) {
    throw new Error(`it is PostgreSQL ${String(major)}, and ${String(OLDEST_MAJOR)} or newer is needed`);
  }
};

const unavailable = (url: string, cause: unknown): StoreUnavailable =>
  new StoreUnavailable(
    `The store at ${placeOf(url)} cannot be used: ${reasonOf(cause)}. Check that PostgreSQL runs there, and DATABASE_URL.`,
    { cause },
  );

/** `host:port/database` of a connection string. */
const placeOf = (url: string): string => {
  const { hostname, port, pathname, searchParams } = new URL(url);
  const host = hostname === '' ? (searchParams.get('host') ?? 'localhost') : hostname;
  return `${host}:${port === '' ? (searchParams.get('port') ?? '5432') : port}${pathname}`;
};

const reasonOf = (cause: unknown): string => {
  // A name with two addresses fails with a list of errors, whose own message is empty.
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  const message = messageOf(cause);
  if (message === '') return code ?? 'it does not answer';
  return code === undefined || message.includes(code) ? message : `${message} (${code})`;
};

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
