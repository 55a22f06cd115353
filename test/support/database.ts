import { randomUUID } from 'node:crypto';
import pg from 'pg';

export interface FreshDatabase {
  /** Connection string of an empty database of this test's own. */
  readonly url: string;
  /** Removes it, closing whatever is still connected. */
  readonly drop: () => Promise<void>;
}

const execute = async (url: string, statement: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
};

/** An empty database in the PostgreSQL that test/global-setup.ts runs. */
export const freshDatabase = async (): Promise<FreshDatabase> => {
  const server = process.env['TEST_DATABASE_URL'];
  if (server === undefined) throw new Error('TEST_DATABASE_URL is not set: test/global-setup.ts did not run');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await execute(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => execute(server, `drop database if exists ${name} with (force)`) };
};
