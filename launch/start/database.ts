import { createHash } from 'node:crypto';
import pg from 'pg';
import { openEmbeddedPostgres } from '../../store/embedded.js';
import { messageOf, StartFailure } from './failure.js';
import type { Folder } from './folder.js';

/** The database of a run. */
export interface RunDatabase {
  readonly url: string;
  /** Where it is, for people. */
  readonly place: string;
  /** Stops it, where it is ours alone. */
  close(): Promise<void>;
  /** Removes what of it is not in the folder. */
  remove(): Promise<void>;
}

const execute = async (server: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> => {
  const client = new pg.Client({ connectionString: server, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await work(client);
  } catch (error) {
    const { host } = new URL(server);
    throw new StartFailure(`The PostgreSQL of DATABASE_URL (${host}) cannot be used: ${messageOf(error)}`);
  } finally {
    await client.end().catch(() => undefined);
  }
};

/** A database of this folder's own on somebody's server: what else is there, maybe a real store, is not touched. */
const onServer = async (server: string, { path, goesOn }: Folder): Promise<RunDatabase> => {
  const name = `contact_sync_demo_${createHash('sha256').update(path).digest('hex').slice(0, 12)}`;
  const drop = `drop database if exists ${name} with (force)`;
  await execute(server, async (client) => {
    if (!goesOn) await client.query(drop);
    const found = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (found.rowCount === 0) await client.query(`create database ${name}`);
  });
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    place: `database ${name} on ${url.host}`,
    close: () => Promise.resolve(),
    remove: () => execute(server, (client) => client.query(drop)),
  };
};

/**
 * Opens the database of this run: the private PostgreSQL of its folder, or one of its own on the server that
 * DATABASE_URL names.
 */
export const openRunDatabase = async (folder: Folder, server: string | undefined): Promise<RunDatabase> => {
  if (server !== undefined && server !== '') return onServer(server, folder);
  const embedded = await openEmbeddedPostgres({ dataDir: folder.path });
  return {
    url: embedded.url,
    place: 'a private PostgreSQL',
    close: embedded.stop,
    remove: () => Promise.resolve(),
  };
};
