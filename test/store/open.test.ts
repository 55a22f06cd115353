import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStore, StoreUnavailable } from '../../store/open.js';
import { freshDatabase } from '../support/database.js';

const dataDir = 'unused';

const messageOf = async (databaseUrl: string): Promise<string> => {
  const error = await openStore({ databaseUrl, dataDir }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof StoreUnavailable) return error.message;
  throw new Error(`Expected StoreUnavailable, got ${String(error)}`);
};

const database = async (): Promise<string> => {
  const { url, drop } = await freshDatabase();
  onTestFinished(drop);
  return url;
};

describe('Opening the store', () => {
  it('brings the schema up to this version, also when several processes do it at once', async () => {
    const databaseUrl = await database();
    const stores = await Promise.all([1, 2, 3].map(() => openStore({ databaseUrl, dataDir })));
    const counts = await Promise.all(stores.map(({ db }) => db.selectFrom('links').selectAll().execute()));
    expect(counts).toEqual([[], [], []]);
    await Promise.all(stores.map((store) => store.close()));
  });

  it('names the place and DATABASE_URL when nothing answers, and never the password', async () => {
    const message = await messageOf('postgres://ada:hush@127.0.0.1:9/contacts');
    expect(message).toMatch(
      /^The store at 127\.0\.0\.1:9\/contacts cannot be used: .*ECONNREFUSED.*DATABASE_URL\.$/,
    );
    expect(message).not.toContain('hush');
  });

  it('says why PostgreSQL refused: a wrong password, a database that is not there', async () => {
    const wrong = new URL(await database());
    wrong.password = 'hush';
    const message = await messageOf(wrong.href);
    expect(message).toContain('password authentication failed');
    expect(message).not.toContain('hush');
    const absent = new URL(await database());
    absent.pathname = '/not_there';
    expect(await messageOf(absent.href)).toContain('database "not_there" does not exist');
  });

  it('says so when a newer version of this product has changed the schema', async () => {
    const databaseUrl = await database();
    await (await openStore({ databaseUrl, dataDir })).close();
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    await client.query(`insert into kysely_migration (name, timestamp) values ('9999-later', '2030-01-01')`);
    await client.end();
    expect(await messageOf(databaseUrl)).toContain('9999-later');
  });

  it('names DATABASE_URL when the private one cannot be run', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'contact-sync-open-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(openStore({ dataDir: join(file, 'data') })).rejects.toThrow(/DATABASE_URL/);
  });
});
