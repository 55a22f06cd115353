import { Kysely, Migrator, PostgresDialect, type Migration } from 'kysely';
import pg from 'pg';
import { migrations } from './migrations/index.js';
import type { Schema } from './schema.js';

export type Database = Kysely<Schema>;

export interface OpenStoreOptions {
  /** Most connections that this process holds at once. */
  readonly connections?: number;
}

/** PostgreSQL hands 64-bit integers over as text; every counter and id of ours stays below 2^53. */
const parsers = new pg.TypeOverrides();
parsers.setTypeParser(pg.types.builtins.INT8, Number);

/**
 * Opens the store. No connection is made before the first query.
 *
 * @param url PostgreSQL connection string, as `DATABASE_URL` gives it.
 */
export const openDatabase = (url: string, options: OpenStoreOptions = {}): Database => {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.connections ?? 10,
    // A request that comes after a quiet while does not wait for PostgreSQL to start a process and check a password.
    idleTimeoutMillis: 5 * 60_000,
    types: parsers,
    application_name: 'contact-sync',
    connectionTimeoutMillis: 10_000,
  });
  // An idle connection that the server closes is replaced on the next query; without a listener it would end the process.
  pool.on('error', () => undefined);
  // The pool listens only while a connection rests: one that is cut between two statements would end the process too.
  // Whoever uses it hears of it by the next statement.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
};

/**
 * Brings the schema up to this version. Safe when several processes do it at once (Kysely takes a lock).
 *
 * @throws the first migration's error; what came before it stays applied.
 */
export const migrate = async (database: Database): Promise<void> => {
  const provider = { getMigrations: (): Promise<Record<string, Migration>> => Promise.resolve(migrations) };
  const { error } = await new Migrator({ db: database, provider }).migrateToLatest();
  if (error !== undefined)
    throw error instanceof Error ? error : new Error('the migration of the store failed');
};
