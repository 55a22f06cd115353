import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { migrate, openDatabase, type Database } from '../../store/database.js';
import { rotateLedger, writeLedger } from '../../store/ledger.js';
import { freshDatabase } from '../support/database.js';

const store = async (): Promise<Database> => {
  const { url, drop } = await freshDatabase();
  const db = openDatabase(url, { connections: 2 });
  onTestFinished(async () => {
    await db.destroy();
    await drop();
  });
  await migrate(db);
  return db;
};

const partitions = async (db: Database): Promise<string[]> => {
  const { rows } = await sql<{ name: string }>`
    select relid::regclass::text as name from pg_partition_tree('ledger') where isleaf order by 1`.execute(
    db,
  );
  return rows.map(({ name }) => name);
};

const month = (offset: number): Date => {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 1));
};
const named = (offset: number): string =>
  `ledger_${month(offset).toISOString().slice(0, 7).replace('-', '_')}`;

/** What was decided in a month that is over. */
const lived = async (db: Database, offset: number): Promise<void> => {
  const [from, to] = [month(offset).toISOString(), month(offset + 1).toISOString()];
  await sql
    .raw(`create table ${named(offset)} partition of ledger for values from ('${from}') to ('${to}')`)
    .execute(db);
  await sql`insert into ledger (at, link_id, cycle, side, decisions) values (${from}, 1, 1, 'marketo', '[]')`.execute(
    db,
  );
};

it.each([1, 3, 12])(
  'The ledger keeps %d whole months besides the current one, and room for the next',
  async (kept) => {
    const db = await store();
    for (let offset = -14; offset < 0; offset += 1) await lived(db, offset);
    await rotateLedger(db, kept);
    const expected = Array.from({ length: kept + 2 }, (_, index) => named(index - kept));
    expect(await partitions(db)).toEqual(expected);
    await rotateLedger(db, kept);
    expect(await partitions(db)).toEqual(expected);
    await writeLedger(db, [{ linkId: 1, cycle: 2, side: 'marketo', decisions: [] }]);
    const { count } = await db
      .selectFrom('ledger')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    expect(count).toBe(kept + 1);
  },
);
