import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../store/database.js';
import { installedDatabase } from '../support/migrated.js';
import { contactSync } from './recording.js';

const ID = '11111111-1111-4111-8111-111111111111';

/** An installation with one pair, whose phone is set aside for swinging. */
const installed = async (): Promise<{ env: Record<string, string>; db: Database }> => {
  const { url, db, close } = await installedDatabase(ID);
  onTestFinished(close);
  const parked = {
    reason: 'quarantined',
    because: 'swinging',
    rejectionId: null,
    marketo: 'A',
    dynamics: 'B',
  };
  const swing = { from: 'a', to: 'b', side: 'marketo', cycle: 4, times: 3 };
  const cause = { rule: 'one-sided', winner: 'dynamics', cycle: 4, at: '2026-11-27T09:30:00Z', swing };
  await sql`insert into links (kind, status, marketo_id, dynamics_id, dirty, parked, causes)
    values ('lead', 'linked', 1042, ${ID}, false, ${JSON.stringify({ phone: parked })}, ${JSON.stringify({ phone: cause })})`.execute(
    db,
  );
  return { env: { DATABASE_URL: url }, db };
};

it('release-field takes a swinging field up again, once; the next cycle looks at the pair', async () => {
  const { env, db } = await installed();
  const first = await contactSync(['release-field', '1042', 'phone', '--json'], env);
  expect([first.code, JSON.parse(first.out)]).toEqual([0, { field: 'phone', released: true }]);
  const link = await db.selectFrom('links').select(['dirty', 'parked', 'causes']).executeTakeFirstOrThrow();
  expect(link).toMatchObject({ dirty: true, parked: {}, causes: { phone: { rule: 'one-sided' } } });
  expect(link.causes['phone']).not.toHaveProperty('swing');
  const again = await contactSync(['release-field', ID, 'phone'], env);
  expect(again).toMatchObject({
    code: 0,
    out: 'phone of this record is not set aside for swinging: nothing to release.',
  });
  const unknown = await contactSync(['release-field', '7', 'phone'], env);
  expect(unknown.code).toBe(1);
  expect(unknown.err).toContain('The sync knows no person 7.');
});

it('erase refuses a pair that is synced, saying what to do first, and strikes out one that is over', async () => {
  const { env, db } = await installed();
  const refused = await contactSync(['erase', '1042'], env);
  expect(refused.code).toBe(2);
  expect(refused.err).toContain('Person 1042 is still synced or may be again (linked)');
  expect(refused.err).toContain('Delete the person in Marketo and its row in Dynamics');
  await db.updateTable('links').set({ status: 'tombstone' }).execute();
  const erased = await contactSync(['erase', '1042', '--json'], env);
  expect([erased.code, JSON.parse(erased.out)]).toEqual([
    0,
    { erased: { links: 1, decisions: 0, rejections: 0, entries: 0 } },
  ]);
  expect((await contactSync(['erase', '1042'], env)).out).toBe(
    'The store holds no value of person 1042 any more.',
  );
  expect((await contactSync(['erase', '7'], env)).code).toBe(1);
});
