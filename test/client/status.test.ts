import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ChainStatus } from '../../client/status/chain-status.js';
import type { BackfillProgress } from '../../workflows/names.js';
import { renderStatus } from '../../client/status/render.js';
import { span } from '../../client/status/span.js';
import { readStoreStatus, type StoreStatus } from '../../client/status/store-status.js';
import { markDay, noteDayUse } from '../../store/budget-day.js';
import { saveNotices } from '../../store/catalogs.js';
import { completeCycle, markActive, planCycle } from '../../store/cycles.js';
import type { Database } from '../../store/database.js';
import { closeStop, openStop, raiseStop } from '../../store/guard-stops.js';
import type { Pass } from '../../store/reconciliations.js';
import { saveInstallation } from '../../store/installations.js';
import { enqueueActivityEntries, recordRejections } from '../../store/rejections.js';
import { migratedDatabase } from '../support/migrated.js';

const store = async (): Promise<Database> => {
  const { db, close } = await migratedDatabase();
  onTestFinished(close);
  return db;
};

const START = Date.parse('2026-11-20T10:00:00.000Z');
const at = (seconds: number): string => new Date(START + seconds * 1000).toISOString();

const runCycle = async (db: Database, outcome: 'completed' | 'failed', seconds: number): Promise<void> => {
  const { number } = await planCycle(db);
  await markActive(db, number, at(seconds));
  const counts = { 'fetched.persons': number, 'fetched.leads': 0, 'toMarketo.records': 2 };
  await completeCycle(db, { number, at: at(seconds + 3), outcome, counts, notBefore: null });
};

const row = (last: number): string => `00000000-0000-4000-8000-${String(last).padStart(12, '0')}`;

/** Links of all sorts: two linked (one with two open writes), an ambiguous group of two rows, one unmatched. */
const addLinks = async (db: Database): Promise<readonly number[]> => {
  const write = (state: string) => ({ side: 'marketo', field: 'firstName', state });
  const links = [
    { status: 'linked', marketo_id: 7, dynamics_id: row(1), dirty: false, writes: [] },
    {
      status: 'linked',
      marketo_id: 8,
      dynamics_id: row(2),
      dirty: true,
      writes: [write('sent'), write('answered'), write('settled')],
      check_at: at(0),
    },
    { status: 'unmatched', dynamics_id: row(3), dirty: true, writes: [] },
    ...[4, 5].map((last) => ({
      status: 'ambiguous',
      dynamics_id: row(last),
      email_key: 'twin@acme.example',
      dirty: false,
      writes: [],
      candidates: [{ side: 'marketo', id: '9' }],
    })),
  ];
  const { rows } = await sql<{ id: number }>`
    insert into links (kind, status, marketo_id, dynamics_id, email_key, dirty, writes, candidates, check_at)
    select 'lead', status, marketo_id, dynamics_id, email_key, dirty, writes, candidates, check_at
    from jsonb_to_recordset(${JSON.stringify(links)}::jsonb) as x (status text, marketo_id bigint, dynamics_id uuid,
      email_key text, dirty boolean, writes jsonb, candidates jsonb, check_at timestamptz)
    returning id`.execute(db);
  return rows.map(({ id }) => id);
};

describe('What the store knows', () => {
  it('is nothing before setup', async () => {
    expect(await readStoreStatus(await store(), 'acme')).toEqual({
      installation: null,
      cycle: null,
      guard: null,
      outOfScope: { links: 0, row: 0, person: 0, hold: 0 },
      failedSince: 0,
      links: {},
      dirty: 0,
      openWrites: 0,
      stuck: { count: 0, examples: [] },
      rejections: [],
      ambiguous: { groups: 0, examples: [] },
      swinging: [],
      notices: [],
      marketoDay: null,
      pendingEntries: 0,
      toBackfill: 0,
      reconciliation: { last: null, open: null },
    });
  });

  it('has the last cycle that completed, not one that failed or is under way', async () => {
    const db = await store();
    await runCycle(db, 'completed', 0);
    await runCycle(db, 'completed', 10);
    await runCycle(db, 'failed', 20);
    await planCycle(db);
    const { cycle, failedSince } = await readStoreStatus(db, 'acme');
    const counts = { 'fetched.persons': 2, 'fetched.leads': 0, 'toMarketo.records': 2 };
    expect(cycle).toEqual({ number: 2, startedAt: at(10), completedAt: at(13), counts });
    expect(failedSince).toBe(1);
    await runCycle(db, 'completed', 30);
    expect(await readStoreStatus(db, 'acme')).toMatchObject({ cycle: { number: 4 }, failedSince: 0 });
  });

  it('counts links, writes, rejections and ambiguous groups', async () => {
    const db = await store();
    const ids = await addLinks(db);
    const refused = (id: number, linkId: number, code: string) => ({
      id: row(id),
      linkId,
      cycle: 1,
      side: 'dynamics' as const,
      field: 'firstName',
      code,
      message: 'too long',
      value: 'x',
    });
    await recordRejections(db, [
      refused(1, ids[0] ?? 0, '0x80044331'),
      refused(2, ids[1] ?? 0, '0x80044331'),
      refused(3, ids[1] ?? 0, '0x80040265'),
    ]);
    await db
      .updateTable('rejections')
      .set({ closed_at: at(5) })
      .where('id', '=', row(3))
      .execute();
    const entry = { id: row(1), linkId: null, marketoId: 7, type: 'refused' as const, primaryValue: 'x' };
    await enqueueActivityEntries(db, [{ ...entry, attributes: {}, at: at(0) }]);
    await saveNotices(db, [
      { kind: 'lead', field: 'phone', code: 'unreadable', message: 'No right to read.' },
    ]);

    const found = await readStoreStatus(db, 'acme');
    expect(found).toMatchObject({
      links: { linked: 2, unmatched: 1, ambiguous: 2 },
      dirty: 2,
      openWrites: 2,
      pendingEntries: 1,
      notices: [{ kind: 'lead', field: 'phone', code: 'unreadable' }],
      ambiguous: { groups: 1 },
    });
    expect(found.rejections).toMatchObject([
      { side: 'dynamics', field: 'firstName', code: '0x80044331', count: 2, example: { marketoId: 8 } },
    ]);
    expect(found.ambiguous.examples).toEqual(
      [4, 5].map((last) => ({
        kind: 'lead',
        marketoId: null,
        dynamicsId: row(last),
        candidates: [{ side: 'marketo', id: '9' }],
      })),
    );
    expect(JSON.stringify(found)).not.toContain('twin@acme.example');
  });

  it('has the open stop of the guard with its counts, not with values, and none that has ended', async () => {
    const db = await store();
    const same = { measure: 'sameValue' as const, from: 'marketo' as const, kind: 'lead' as const };
    const counted = { ...same, field: 'title', count: 30, of: 100 };
    await raiseStop(db, 7, [{ ...counted, value: 'Secret', examples: [{ marketoId: 7, dynamicsId: null }] }]);
    const found = await readStoreStatus(db, 'acme');
    expect(found.guard).toMatchObject({ id: 1, cycle: 7, decision: null, reasons: [counted] });
    expect(JSON.stringify(found.guard)).not.toMatch(/Secret|examples/);
    const stop = await openStop(db);
    if (stop !== undefined) await closeStop(db, stop, 'passed');
    expect((await readStoreStatus(db, 'acme')).guard).toBeNull();
  });

  it('has the use of the day', async () => {
    const db = await store();
    const mark = await markDay(db, 'marketo');
    await noteDayUse(db, 'marketo', mark, { day: undefined, total: 812 });
    const { marketoDay } = await readStoreStatus(db, 'acme');
    expect(marketoDay).toMatchObject({ used: 812, ours: 0, quota: null, unread: null });
  });

  it('names the installation', async () => {
    const db = await store();
    const made = { id: row(1), name: 'acme', syncUserId: row(2), organizationId: row(3) };
    await saveInstallation(db, { ...made, activityTypes: { refused: 1, syncPerson: 2 } }, []);
    expect((await readStoreStatus(db, 'acme')).installation).toEqual({ id: row(1), name: 'acme' });
    expect((await readStoreStatus(db, 'other')).installation).toBeNull();
  });
});

const KNOWN: StoreStatus = {
  installation: { id: row(1), name: 'acme' },
  cycle: {
    number: 41,
    startedAt: at(0),
    completedAt: at(64),
    counts: { 'fetched.persons': 12, 'fetched.leads': 0, 'resolve.toMarketo': 3 },
  },
  guard: null,
  failedSince: 0,
  links: { linked: 1200, ambiguous: 2 },
  outOfScope: { links: 12, row: 9, person: 0, hold: 4 },
  dirty: 4,
  openWrites: 1,
  stuck: { count: 0, examples: [] },
  rejections: [
    {
      side: 'dynamics',
      field: null,
      code: '0x80040265',
      count: 3,
      since: at(0),
      probed: true,
      probedAt: at(60),
      probeDueAt: at(60 + 3_600),
      example: { marketoId: 7, dynamicsId: row(2) },
    },
  ],
  ambiguous: {
    groups: 1,
    examples: [
      { kind: 'contact', marketoId: null, dynamicsId: row(3), candidates: [{ side: 'marketo', id: '9' }] },
    ],
  },
  swinging: [{ kind: 'lead', field: 'phone', count: 3, example: { marketoId: 7, dynamicsId: row(2) } }],
  notices: [{ kind: 'lead', field: 'phone', code: 'unreadable', message: 'Not readable.', since: at(0) }],
  marketoDay: { used: 12_345, ours: 2_100, quota: 50_000, readAt: at(0), unread: null },
  pendingEntries: 0,
  toBackfill: 0,
  reconciliation: { last: null, open: null },
};

const CHAIN: ChainStatus = {
  workflowId: 'contact-sync/acme/cycle',
  state: 'running',
  message: null,
  worker: 'answering',
  progress: { cycle: 42, step: 'rest', restUntil: at(124 + 250), chunksDone: 0, chunks: 0, counts: {} },
  retried: [],
};

const LANE: ChainStatus<BackfillProgress> = {
  ...CHAIN,
  workflowId: 'contact-sync/acme/backfill',
  progress: { work: null, lookAgainAt: at(400), turns: 0, counts: {} },
};

const shown = (
  chain: Partial<ChainStatus> = {},
  known: Partial<StoreStatus> = {},
  lane: Partial<ChainStatus<BackfillProgress>> = {},
): string => {
  const chains = { chain: { ...CHAIN, ...chain }, backfill: { ...LANE, ...lane } };
  return renderStatus({ ...KNOWN, ...known, ...chains }, new Date(START + 124_000), false);
};

const PASS: Pass = {
  ...{ id: 1, reason: 'schedule', askedAt: at(0), startedAt: at(4), completedAt: null, stage: 'lead' },
  ...{ afterLink: 9, mergesRead: false, counts: { persons: 1200, rows: 500, 'drift.marketo.title': 2 } },
};

describe('The status of the backfill lane', () => {
  it('is silent where nothing waits there', () => {
    expect(shown()).not.toMatch(/backfill|reconcil/i);
  });

  it('says what it does, and what waits', () => {
    const progress = { work: 'fields', lookAgainAt: null, turns: 1, counts: {} } as const;
    const text = shown({}, { toBackfill: 31 }, { progress });
    expect(text).toContain('Backfill     at work: reads fields that were never read');
    expect(text).toContain('31 links have fields to be read');
  });

  it('says that it is not running beside cycles that are', () => {
    expect(shown({}, {}, { state: 'not-started', progress: null })).toContain(
      'Backfill     not running: run contact-sync start',
    );
    const both = shown(
      { state: 'not-started', progress: null },
      {},
      { state: 'not-started', progress: null },
    );
    expect(both).not.toContain('Backfill');
  });

  it('shows the pass that is open, and what the last one found', () => {
    const last = { ...PASS, stage: 'done' as const, completedAt: at(64) };
    const text = shown({}, { reconciliation: { open: PASS, last } });
    expect(text).toContain(
      'Reconciling  at leads since 2 min 0 s; persons 1200, rows 500, drift.marketo.title 2',
    );
    expect(text).toContain(
      'Reconciled   1 min 0 s ago in 1 min 0 s; persons 1200, rows 500, drift.marketo.title 2',
    );
    expect(
      shown({}, { reconciliation: { open: { ...PASS, startedAt: null, counts: {} }, last: null } }),
    ).toContain('Reconciling  asked for; nothing read yet');
  });
});

describe('The status for people', () => {
  it('fits on a screen', () => {
    expect(shown()).toBe(
      `Installation acme ${row(1)}
Now          rest before cycle 42, 4 min 10 s left
Last cycle   41, completed 1 min 0 s ago in 1 min 4 s
             fetched persons 12
             resolve toMarketo 3
Calls today  Marketo 12,345 of 50,000 (ours 2,100)
Links        1200 linked, 2 ambiguous
             4 to look at, 1 open writes, 0 log entries to write
Out of scope 9 by rows that say No, 4 on hold
Rejections   3 by dynamics: record (0x80040265) e.g. person 7, row ${row(2)}
               since 2 min 4 s ago, last tried again 1 min 4 s ago, next trial in 58 min 56 s
Ambiguous    1 group that cannot be told apart, set aside: contact-sync resolve lists it
             contact ${row(3)}: person 9
Swinging     phone on 3 leads: both sides keep rewriting it e.g. person 7
Fields       phone on lead: Not readable.`,
    );
  });

  it('says of a refusal when it is tried again, or that it is not', () => {
    const [cause] = KNOWN.rejections;
    if (cause === undefined) throw new Error('no cause');
    const trial = (of: Partial<typeof cause>): string => shown({}, { rejections: [{ ...cause, ...of }] });
    expect(trial({ probedAt: null, probeDueAt: null })).toContain('ago, next trial set by the next cycle');
    expect(trial({ probeDueAt: at(0) })).toContain('next trial in the next cycle');
    expect(trial({ probed: false, probedAt: null, probeDueAt: null })).toContain(
      'tried again when a value or the mapping changes',
    );
  });

  it('shows what does not come to rest', () => {
    const since = at(4);
    const stuck = {
      count: 2,
      examples: [{ kind: 'lead' as const, marketoId: 7, dynamicsId: row(2), since }],
    };
    expect(shown({}, { stuck })).toContain(
      `Stuck        2 not at rest for three cycles and more: see the worker's log for what failed
             lead person 7, row ${row(2)} since 2 min 0 s`,
    );
  });

  it('says what to run when nothing runs', () => {
    expect(shown({ state: 'not-started', worker: 'unknown', progress: null })).toContain(
      'run contact-sync start',
    );
    expect(shown({ state: 'ended', message: 'it is terminated', progress: null })).toContain(
      'not running (it is terminated): run contact-sync start',
    );
    expect(shown({ worker: 'silent', progress: null })).toContain('no worker answers: run npm run worker');
    expect(shown({ state: 'unknown', message: 'Temporal at x:1 does not answer.' })).toContain(
      'Temporal at x:1',
    );
    expect(shown({}, { installation: null })).toContain('not set up: run contact-sync setup');
  });

  it('shows a step that is tried again, and cycles that failed', () => {
    const retried = [{ step: 'fetchMarketo', attempt: 14, failure: 'Unavailable: ECONNREFUSED' }];
    expect(shown({ retried })).toContain(
      'fetchMarketo is tried again (attempt 14): Unavailable: ECONNREFUSED',
    );
    expect(shown({}, { failedSince: 2 })).toContain('2 failed since');
    expect(shown({}, { cycle: null })).toContain('none has completed yet');
  });

  it('puts a stop before everything else, with what to do, and without a value', () => {
    const clears = { measure: 'clears' as const, from: 'dynamics' as const, kind: 'lead' as const };
    const guard = {
      ...{ id: 3, since: at(0), cycle: 40, decision: null },
      reasons: [{ ...clears, field: 'title', count: 1_999, of: 2_000 }],
    };
    const lines = shown({}, { guard }).split('\n');
    expect(lines.slice(2, 6)).toEqual([
      'Stopped      mass change: nothing is pushed since cycle 40',
      '             title would be cleared in Marketo for 1,999 of 2,000 leads (99 %), because Dynamics holds none now',
      '             contact-sync guard shows examples, and lets you go on or discard',
      'Last cycle   41, completed 1 min 0 s ago in 1 min 4 s',
    ]);
    expect(shown({}, { guard: { ...guard, decision: 'go-on' } })).toContain(
      'decided: go-on; the next cycle carries it out',
    );
  });

  it('says what is known of the day when Marketo does not tell', () => {
    const marketoDay = { used: 7, ours: 7, quota: 50_000, readAt: null, unread: 'Forbidden (603)' };
    expect(shown({}, { marketoDay })).toContain(
      `Calls today  Marketo at least 7 of 50,000 (ours 7)
             Marketo does not tell the day's use, Forbidden (603): check that the role`,
    );
    expect(shown({}, { marketoDay: null })).not.toContain('Calls today');
  });

  it.each([
    [0, '0 s'],
    [-5_000, '0 s'],
    [59_400, '59 s'],
    [60_000, '1 min 0 s'],
    [7_500_000, '2 h 5 min'],
    [260_000_000, '3 d'],
  ])('a span of %d ms reads %s', (ms, text) => {
    expect(span(ms)).toBe(text);
  });
});
