import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { findWork } from '../../activities/backfill.js';
import { askForPass, lastCompletedPass, openPass } from '../../store/reconciliations.js';
import { mergePersons } from '../support/succession.js';
import {
  Crash,
  runBackfill,
  startWorld,
  type Backfilled,
  type World,
  type WorldOptions,
} from '../support/world.js';

let world: World;
afterEach(() => world.close());

const CONFIG = `fields:
  - { marketo: lastName, lead: lastname, contact: lastname }
  - { marketo: email, lead: emailaddress1, contact: emailaddress1 }
  - { marketo: title, lead: jobtitle, contact: jobtitle }
  - { marketo: city, lead: address1_city, contact: address1_city }
`;

const [A, B, C] = [randomUUID(), randomUUID(), randomUUID()];
const row = (leadid: string, name: string) => ({
  leadid,
  lastname: name,
  emailaddress1: `${name.toLowerCase()}@example.com`,
  jobtitle: 'CTO',
  address1_city: 'Oslo',
});

const started = async (options: WorldOptions = {}): Promise<number[]> => {
  world = await startWorld({
    config: CONFIG,
    leads: [row(A, 'Ruiz'), row(B, 'Ito')],
    contacts: [{ contactid: C, lastname: 'Oz', emailaddress1: 'oz@example.com', jobtitle: 'CTO' }],
    ...options,
  });
  await world.settled();
  const links = await world.links();
  return [A, B, C].map((id) => links.find(({ dynamicsId }) => dynamicsId === id)?.marketoId ?? 0);
};

const pass = async (): Promise<Backfilled> => {
  await askForPass(world.db, 'request', new Date().toISOString());
  return world.backfill();
};

/** An hour passed since everything on both sides was changed, as far as the remotes tell. */
const later = async (): Promise<void> => {
  await world.db
    .updateTable('cursors')
    .set({ mark: new Date(Date.now() + 3_600_000) })
    .execute();
};

describe('A pass over everything', () => {
  it('at rest finds nothing, writes nothing, and takes as many calls as there are batches', async () => {
    await started();
    const before = await world.links();
    await world.calls();
    const { turns, completed } = await pass();
    expect(turns).toEqual(['reconciliation']);
    expect(completed).toEqual({ persons: 3, rows: 3 });
    expect(await world.links()).toEqual(before);
    const { marketo, dynamics } = await world.calls();
    const total = (calls: Record<string, number>) =>
      Object.entries(calls).reduce((sum, [call, times]) => sum + (call.endsWith('in $batch') ? 0 : times), 0);
    // One batch of persons; of each table one page, and the rights behind it.
    expect([total(marketo), total(dynamics)]).toEqual([1, 4]);
    await world.cycle();
    expect((await world.links()).every(({ dirty }) => !dirty)).toBe(true);
  });

  it('finds what was written beneath the CRM, heals it by the rules and reports it by field', async () => {
    const [ruiz = 0, ito = 0] = await started();
    await world.beneath.editRow('leads', A, { jobtitle: 'CEO' });
    await world.beneath.editPerson(ito, { city: 'Rome' });
    await world.settled();
    expect(await world.person(ruiz)).toMatchObject({ title: 'CTO' });
    await later();
    const { completed } = await pass();
    expect(completed).toEqual({
      ...{ persons: 3, rows: 3, driftedRows: 1, driftedPersons: 1 },
      ...{ 'drift.dynamics.title': 1, 'drift.marketo.city': 1 },
    });
    await world.settled();
    expect(await world.person(ruiz)).toMatchObject({ title: 'CEO' });
    expect(await world.row('leads', B)).toMatchObject({ address1_city: 'Rome' });
    expect((await pass()).completed).toEqual({ persons: 3, rows: 3 });
  });

  it('hears of a write beneath that moves the version from the feed already', async () => {
    const [ruiz = 0] = await started();
    await world.beneath.editRow('leads', A, { jobtitle: 'CEO' }, 'moved');
    await world.settled();
    expect(await world.person(ruiz)).toMatchObject({ title: 'CEO' });
  });

  it('finds what stood in a lost page: edits, new rows and deleted ones', async () => {
    const [ruiz = 0, ito = 0] = await started();
    await world.doors.editRow('leads', A, { jobtitle: 'CEO' });
    await world.doors.deleteRow('leads', B);
    const added = randomUUID();
    await world.doors.createRows('leads', [row(added, 'Novak')]);
    await world.beneath.losePage('lead');
    await world.settled();
    expect(await world.links()).toHaveLength(3);
    await later();
    const { completed } = await pass();
    expect(completed).toMatchObject({ unknownRows: 1, missingRows: 1, 'drift.dynamics.title': 1 });
    await world.settled();
    expect(await world.person(ruiz)).toMatchObject({ title: 'CEO' });
    expect(await world.person(ito)).toMatchObject({ dynamicsDeleted: true });
    const novak = (await world.links()).find(({ dynamicsId }) => dynamicsId === added);
    expect(await world.person(novak?.marketoId ?? 0)).toMatchObject({ lastName: 'Novak' });
    expect(await world.duplicates()).toEqual([]);
  });

  it('leaves a tombstone for a person that is gone without a word', async () => {
    const [ruiz = 0] = await started();
    await world.beneath.deletePerson(ruiz);
    expect((await pass()).completed).toMatchObject({ missingPersons: 1 });
    await world.settled();
    expect((await world.links()).map(({ status }) => status).sort()).toEqual([
      'linked',
      'linked',
      'tombstone',
    ]);
    await world.doors.editRow('leads', A, { jobtitle: 'CEO' });
    await world.settled();
    await expect(world.person(ruiz)).rejects.toThrow('404');
  });

  it('lets a pair follow a merge of persons that no cycle was told of', async () => {
    const [ruiz = 0] = await started();
    const [winner = 0] = await world.doors.createPersons([{ lastName: 'Ruiz', email: 'r@example.com' }]);
    await mergePersons(world, winner, [ruiz]);
    await loseStream('marketo/merged');
    await loseStream('marketo/deleted');
    await world.settled();
    await pass();
    await world.settled();
    expect(await world.linkOfPerson(winner)).toMatchObject({ dynamicsId: A, status: 'linked' });
    expect(await world.person(winner)).toMatchObject({ dynamicsId: A, title: 'CTO' });
  });

  it('goes on where a worker died, and counts no batch twice', async () => {
    await started();
    await askForPass(world.db, 'request', new Date().toISOString());
    const { ports } = world;
    let pages = 0;
    const changes: typeof ports.dynamics.changes = (...args) => {
      pages += 1;
      if (pages === 2) throw new Crash('killed');
      return ports.dynamics.changes(...args);
    };
    const dying = { ...ports, dynamics: { ...ports.dynamics, changes } };
    await expect(runBackfill(dying)).rejects.toThrow('killed');
    expect(await openPass(world.db)).toMatchObject({ stage: 'contact', counts: { persons: 3, rows: 2 } });
    expect((await world.backfill()).completed).toEqual({ persons: 3, rows: 3 });
    expect((await lastCompletedPass(world.db))?.stage).toBe('done');
  });

  it('takes what was just edited for no drift, and loses none of it', async () => {
    const [ruiz = 0, ito = 0] = await started();
    await world.doors.editRow('leads', A, { jobtitle: 'CEO' });
    await world.doors.editPerson(ito, { title: 'Chair' });
    const { completed } = await pass();
    expect(completed).toMatchObject({ recent: 2 });
    expect(Object.keys(completed ?? {}).filter((name) => name.startsWith('drift'))).toEqual([]);
    await world.settled();
    expect(await world.person(ruiz)).toMatchObject({ title: 'CEO' });
    expect(await world.row('leads', B)).toMatchObject({ jobtitle: 'Chair' });
  });

  it('never takes a page that is older than a write for an edit', async () => {
    const [ruiz = 0] = await started();
    await askForPass(world.db, 'request', new Date().toISOString());
    const { ports } = world;
    const changes: typeof ports.dynamics.changes = async function* (...args) {
      for await (const page of ports.dynamics.changes(...args)) {
        // A whole cycle writes the row between the page and what becomes of it.
        await world.doors.editPerson(ruiz, { title: 'CEO' });
        await world.cycle();
        yield page;
      }
    };
    await runBackfill({ ...ports, dynamics: { ...ports.dynamics, changes } });
    await world.settled();
    expect(await world.row('leads', A)).toMatchObject({ jobtitle: 'CEO' });
    expect(await world.person(ruiz)).toMatchObject({ title: 'CEO' });
  });

  it('makes no person of a row that was deleted between its page and its link', async () => {
    await started();
    const added = randomUUID();
    await world.doors.createRows('leads', [row(added, 'Novak')]);
    await world.beneath.losePage('lead');
    await askForPass(world.db, 'request', new Date().toISOString());
    const { ports } = world;
    const changes: typeof ports.dynamics.changes = async function* (kind, ...args) {
      for await (const page of ports.dynamics.changes(kind, ...args)) {
        if (kind === 'lead') {
          await world.doors.deleteRow('leads', added).catch(() => undefined);
          await world.cycle();
        }
        yield page;
      }
    };
    await runBackfill({ ...ports, dynamics: { ...ports.dynamics, changes } });
    await world.settled();
    for await (const page of world.doors.persons())
      expect(page.map(({ lastName }) => lastName)).not.toContain('Novak');
  });
});

describe('A pass is due', () => {
  const work = async (at: number) => (await findWork(world.ports, { at: new Date(at).toISOString() })).work;
  const DAY = 86_400_000;

  it('a period after the last one began, and never where it is off', async () => {
    await started({ reconciliation: { everyMs: 7 * DAY } });
    const now = Date.now();
    expect(await work(now + 6 * DAY)).toBeNull();
    expect(await work(now + 8 * DAY)).toBe('reconciliation');
    await runBackfill(world.ports);
    expect(await work(now + 6 * DAY)).toBeNull();
    expect(await work(now + 8 * DAY)).toBe('reconciliation');
    await runBackfill(world.ports);
    Object.assign(world.ports, { reconciliation: { everyMs: null, callsPerMinute: 30 } });
    expect(await work(now + 400 * DAY)).toBeNull();
  });

  it('when Marketo may have dropped deletions, also where it is off and a pass is half-way', async () => {
    const [ruiz = 0, ito = 0] = await started();
    await world.beneath.deletePerson(ruiz);
    await askForPass(world.db, 'request', new Date().toISOString());
    await world.db.updateTable('reconciliations').set({ stage: 'contact', after_link: 999 }).execute();
    await world.db
      .updateTable('cursors')
      .set({ mark: new Date(Date.now() - 15 * DAY) })
      .where('stream', '=', 'marketo/deleted')
      .execute();
    await world.cycle();
    expect(await openPass(world.db)).toMatchObject({ reason: 'outage', stage: 'persons', afterLink: 0 });
    expect((await world.backfill()).completed).toMatchObject({ missingPersons: 1 });
    await world.settled();
    expect((await world.links()).find(({ marketoId }) => marketoId === ruiz)?.status).toBe('tombstone');
    expect(await world.linkOfPerson(ito)).toMatchObject({ status: 'linked' });
  });
});

/** What this stream would tell next is lost: it is read to its end by nobody. */
const loseStream = async (stream: string): Promise<void> => {
  const { ports, db } = world;
  let token = await ports.marketo.pagingToken(new Date(Date.now() - 3_600_000).toISOString());
  for (let more = true; more;)
    ({ nextToken: token, more } = await ports.marketo.activities({ token, typeIds: [32] }));
  const at = new Date(Date.now() - 3_600_000).toISOString();
  await db
    .updateTable('cursors')
    .set({ position: JSON.stringify([{ token, at }]) })
    .where('stream', '=', stream)
    .execute();
};
