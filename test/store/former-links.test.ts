import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { holdsOfPersons } from '../../store/holds.js';
import { forgetFormer, linksOfRecord, type NewLink } from '../../store/links.js';
import { reserveLinks } from '../../store/reservations.js';
import type { Database } from '../../store/database.js';
import { migratedDatabase, type MigratedDatabase } from '../support/migrated.js';

let store: MigratedDatabase;
beforeAll(async () => {
  store = await migratedDatabase();
  await sql`insert into links (kind, status, marketo_id, dynamics_id, agreed)
    select 'lead', case when n % 10 = 0 then 'ended' else 'linked' end, n, gen_random_uuid(),
      jsonb_build_object('marketo', jsonb_build_object('email', repeat('x', 300)), 'dynamics', '{}'::jsonb)
    from generate_series(1, 5000) as n`.execute(store.db);
  await sql`analyze links`.execute(store.db);
});
afterAll(() => store.close());

const reservation = (marketoId: number): NewLink => ({
  ...{ kind: 'lead', status: 'unmatched', marketoId, dynamicsId: null, emailKey: null, etag: null },
  seen: { marketo: {}, dynamics: {} },
});

const fullReads = async (db: Database): Promise<number> => {
  const { rows } = await sql<{ scans: string }>`
    select seq_scan as scans from pg_stat_xact_user_tables where relname = 'links'`.execute(db);
  return Number(rows[0]?.scans ?? 0);
};

it.each([
  ['its holds', (db: Database) => holdsOfPersons(db, [4_000])],
  ['what it was to be told', (db: Database) => forgetFormer(db, [4_000])],
  ['all that was ever known of it', (db: Database) => linksOfRecord(db, { marketoId: 4_000 })],
  ['its reservation', (db: Database) => reserveLinks(db, [reservation(4_000)])],
])('finds the former links of a person without reading every link: %s', async (_what, ask) => {
  await store.db.transaction().execute(async (tx) => {
    const before = await fullReads(tx);
    await ask(tx);
    expect((await fullReads(tx)) - before).toBe(0);
  });
});
