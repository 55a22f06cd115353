import { Migrator, sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migrate, openDatabase, type Database } from '../../store/database.js';
import { migrations } from '../../store/migrations/index.js';
import { markTried, restProbe, takeProbes, untriedRejections } from '../../store/probes.js';
import { recordRejections } from '../../store/rejections.js';
import { freshDatabase } from '../support/database.js';
import { rejectionLeaks, trialsFallDue } from '../support/rejections.js';

const store = async (): Promise<Database> => {
  const { url, drop } = await freshDatabase();
  const db = openDatabase(url);
  onTestFinished(async () => {
    await db.destroy();
    await drop();
  });
  return db;
};

const HOUR = 3_600_000;
const id = (last: number): string => `00000000-0000-4000-8000-${String(last).padStart(12, '0')}`;

const parkedFor = (rejection: string): string =>
  JSON.stringify({
    title: { reason: 'refused', rejectionId: rejection, marketo: 'B', dynamics: 'A' },
  });

const addLink = async (db: Database, rejection: string): Promise<number> => {
  const { rows } = await sql<{ id: number }>`
    insert into links (kind, status, dirty, parked) values ('lead', 'linked', false, ${parkedFor(rejection)}::jsonb)
    returning id`.execute(db);
  return rows[0]?.id ?? 0;
};

const refusedBy = (last: number, linkId: number, code = '0x80040265') => ({
  ...{ id: id(last), linkId, cycle: 1, side: 'dynamics' as const, field: 'title' },
  ...{ code, message: 'No.', value: null },
});

describe('A store of an earlier version', () => {
  it('learns who refused what is parked, closes what parks nothing, and has the open causes tried', async () => {
    const db = await store();
    const provider = { getMigrations: () => Promise.resolve(migrations) };
    await new Migrator({ db, provider }).migrateTo('0005-clock-set-back');
    const links = [await addLink(db, id(1)), await addLink(db, id(2)), await addLink(db, id(9))];
    for (const [last, code] of [
      [1, '0x80040265'],
      [2, 'too-long'],
      [3, '0x80040265'],
    ] as const)
      await sql`insert into rejections (id, link_id, cycle, side, field, code, message, cause)
        values (${id(last)}, ${links[last - 1]}, 1, 'dynamics', 'title', ${code}, 'No.', ${`dynamics title ${code}`})`.execute(
        db,
      );
    await sql`update links set parked = '{}' where id = ${links[2]}`.execute(db);
    await migrate(db);
    expect(await rejectionLeaks(db)).toEqual([]);
    const found = await db.selectFrom('links').select('parked').orderBy('id').execute();
    expect(found.map(({ parked }) => parked['title'])).toEqual([
      expect.objectContaining({ side: 'dynamics', code: '0x80040265', rejectionId: id(1) }),
      expect.objectContaining({ code: 'too-long', local: true }),
      undefined,
    ]);
    const causes = await db.selectFrom('probes').select('cause').execute();
    expect(causes).toEqual([{ cause: 'dynamics title 0x80040265' }]);
  });
});

describe('A cause', () => {
  it('is due an hour after its first refusal, for one worker, and not before', async () => {
    const db = await store();
    await migrate(db);
    await recordRejections(db, [refusedBy(1, await addLink(db, id(1)))]);
    expect(await takeProbes(db, HOUR)).toEqual([]);
    await trialsFallDue(db);
    const taken = await Promise.all([1, 2, 3].map(() => takeProbes(db, HOUR)));
    expect(taken.flat()).toEqual([{ cause: 'dynamics title 0x80040265', portion: 1 }]);
    expect(await takeProbes(db, HOUR)).toEqual([]);
  });

  it('has its records tried in turn', async () => {
    const db = await store();
    await migrate(db);
    const cause = 'dynamics title 0x80040265';
    for (const last of [1, 2, 3]) await recordRejections(db, [refusedBy(last, await addLink(db, id(last)))]);
    const order: string[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      const [next] = await untriedRejections(db, cause, 1);
      order.push(next?.id ?? '');
      await markTried(db, [next?.id ?? '']);
      await db.updateTable('rejections').set({ on_trial: false }).execute();
    }
    expect(order).toEqual([id(1), id(2), id(3), id(1)]);
  });

  it('releases larger portions for as long as most of them pass', async () => {
    const db = await store();
    await migrate(db);
    const cause = 'dynamics title 0x80040265';
    const links: number[] = [];
    for (const last of [1, 2, 3, 4]) {
      links.push(await addLink(db, id(last)));
      await recordRejections(db, [refusedBy(last, links[last - 1] ?? 0)]);
    }
    await takeProbes(db, HOUR);
    await trialsFallDue(db);
    const portions = async (): Promise<number[]> =>
      (await takeProbes(db, HOUR)).map(({ portion }) => portion);
    const tried = async (count: number, pass: number): Promise<void> => {
      const some = await untriedRejections(db, cause, count);
      await markTried(
        db,
        some.map((each) => each.id),
      );
      for (const { linkId } of some.slice(0, pass))
        await sql`update links set parked = '{}' where id = ${linkId}`.execute(db);
      await db.updateTable('rejections').set({ on_trial: false }).where('closed_at', 'is', null).execute();
    };
    expect(await portions()).toEqual([1]);
    await tried(1, 1);
    expect(await portions()).toEqual([1_000]);
    await tried(3, 1);
    // Two of three were refused again: one record, an hour later.
    expect(await portions()).toEqual([]);
    await trialsFallDue(db);
    expect(await portions()).toEqual([1]);
  });

  it('without open refusals rests until there is one', async () => {
    const db = await store();
    await migrate(db);
    const linkId = await addLink(db, id(1));
    await recordRejections(db, [refusedBy(1, linkId)]);
    await takeProbes(db, HOUR);
    await sql`update links set parked = '{}'`.execute(db);
    await restProbe(db, 'dynamics title 0x80040265');
    expect(await db.selectFrom('probes').select('due_at').execute()).toEqual([{ due_at: null }]);
    await recordRejections(db, [refusedBy(2, await addLink(db, id(2)))]);
    await takeProbes(db, HOUR);
    const [probe] = await db.selectFrom('probes').select('due_at').execute();
    expect(probe?.due_at?.getTime()).toBeGreaterThan(Date.now() + HOUR / 2);
  });

  it('that metadata tells is not tried by a call', async () => {
    const db = await store();
    await migrate(db);
    const local = { ...refusedBy(1, await addLink(db, id(1)), 'too-long'), local: true };
    await recordRejections(db, [local]);
    expect(await db.selectFrom('probes').selectAll().execute()).toEqual([]);
  });
});
