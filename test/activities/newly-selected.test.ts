import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { unlimitedBudget, type CallBudget } from '../../rules/budget.js';
import type { Lane } from '../../rules/terms.js';
import { Crash, runBackfill, startWorld, type World } from '../support/world.js';

let world: World;
afterEach(() => world.close());

const base = [
  '{ marketo: lastName, lead: lastname, contact: lastname }',
  '{ marketo: title, lead: jobtitle, contact: jobtitle }',
];
const CITY = '{ marketo: city, lead: address1_city, contact: address1_city }';
const OPT_OUT = '{ marketo: unsubscribed, lead: donotbulkemail, contact: donotbulkemail, consent: true }';
const EMAIL = '{ marketo: email, lead: emailaddress1, contact: emailaddress1 }';

const config = (...more: string[]): string =>
  `fields:\n${[...base, ...more].map((line) => `  - ${line}\n`).join('')}`;

const person = (name: string, values: Record<string, string | boolean> = {}) => ({
  lastName: name,
  email: `${name.toLowerCase()}@example.com`,
  title: 'CTO',
  ...values,
});
const row = (id: string, name: string, values: Record<string, string | boolean> = {}) => ({
  leadid: id,
  lastname: name,
  emailaddress1: `${name.toLowerCase()}@example.com`,
  jobtitle: 'CTO',
  ...values,
});

const [A, B, C] = [randomUUID(), randomUUID(), randomUUID()];

let lanes: { side: string; lane: Lane }[] = [];
/** Notes the lane of every call to Marketo. */
const noted = (): CallBudget => ({
  ...unlimitedBudget,
  run: (request, call) => {
    lanes.push({ side: 'marketo', lane: request.lane });
    return unlimitedBudget.run(request, call);
  },
});

/** Three pairs at rest whose cities and opt-outs were never synced. */
const pairs = async (extra: string[] = []): Promise<number[]> => {
  world = await startWorld({
    config: config(...extra),
    marketoBudget: noted,
    persons: [
      person('Ruiz', { city: 'Oslo', unsubscribed: true }),
      person('Ito', { unsubscribed: false }),
      person('Oz', { city: 'Rome' }),
    ],
    leads: [
      row(A, 'Ruiz', { address1_city: 'Bergen', donotbulkemail: false }),
      row(B, 'Ito', { address1_city: 'Kyoto', donotbulkemail: true }),
      row(C, 'Oz', { donotbulkemail: false }),
    ],
  });
  await world.settled();
  return personsOf();
};

const personsOf = async (): Promise<number[]> => {
  const links = await world.links();
  return [A, B, C].map((id) => links.find(({ dynamicsId }) => dynamicsId === id)?.marketoId ?? 0);
};

/** What every write of ours since the last look carried, as `side: columns`. */
const written = async (): Promise<string[]> => {
  const [dynamics, marketo] = await Promise.all([
    fetch(`${world.dataverse}/admin/journal/writes`).then((answer) => answer.json()),
    fetch(`${world.marketo}/admin/journal`).then((answer) => answer.json()),
  ]);
  const rows = (dynamics as { writes: { by: string; columns: string[] }[] }).writes;
  expect(marketo).toBeDefined();
  return rows.filter(({ by }) => by !== 'user').flatMap(({ columns }) => columns);
};

/** Cycles and turns of the lane until both have nothing left to do. */
const atRest = async (): Promise<void> => {
  for (let round = 0; round < 4; round += 1) {
    await world.settled();
    const { turns } = await world.backfill();
    if (turns.length === 0) return;
  }
  expect.fail('the backfill did not end');
};

describe('A newly selected field', () => {
  it('is read for all pairs in the backfill lane and agreed on as on a first link; no other field is written', async () => {
    const [ruiz = 0, ito = 0, oz = 0] = await pairs();
    await world.calls();
    world.select(config(CITY, OPT_OUT));
    const first = await world.cycle();
    expect(first.leads).toMatchObject({ full: false, rows: 0 });
    expect(first.diffs).toEqual([]);
    lanes = [];
    const { turns } = await world.backfill();
    expect(turns).toEqual(['lead', 'contact', 'fields']);
    expect(new Set(lanes.map(({ lane }) => lane))).toEqual(new Set(['backfill']));
    await atRest();
    expect(await world.person(ruiz)).toMatchObject({ city: 'Oslo', unsubscribed: true, title: 'CTO' });
    expect(await world.row('leads', A)).toMatchObject({ address1_city: 'Oslo', donotbulkemail: true });
    expect(await world.person(ito)).toMatchObject({ city: 'Kyoto', unsubscribed: true });
    expect(await world.row('leads', B)).toMatchObject({ address1_city: 'Kyoto', donotbulkemail: true });
    expect(await world.person(oz)).toMatchObject({ city: 'Rome', unsubscribed: false });
    expect(await world.row('leads', C)).toMatchObject({ address1_city: 'Rome', donotbulkemail: false });
    expect(new Set(await written())).toEqual(new Set(['address1_city', 'donotbulkemail']));
  });

  it('holds up no cycle: edits of other fields cross before the lane has begun', async () => {
    const [ruiz = 0] = await pairs();
    world.select(config(CITY));
    await world.doors.editPerson(ruiz, { title: 'CEO' });
    await world.doors.editRow('leads', B, { jobtitle: 'Chair' });
    await world.settled();
    expect(await world.row('leads', A)).toMatchObject({ jobtitle: 'CEO' });
    expect(await world.person((await personsOf())[1] ?? 0)).toMatchObject({ title: 'Chair' });
    await world.backfill();
    await atRest();
    expect(await world.row('leads', A)).toMatchObject({ address1_city: 'Oslo' });
  });

  it('whose column was read all along is backfilled too', async () => {
    const [ruiz = 0] = await pairs();
    await world.doors.editRow('leads', A, { emailaddress1: 'ana@example.com' });
    await world.settled();
    expect((await world.person(ruiz))['email']).toBe('ruiz@example.com');
    world.select(config(EMAIL));
    await world.settled();
    expect((await world.backfill()).turns).toEqual(['fields']);
    await atRest();
    // Marketo wins for leads where nothing was agreed.
    expect(await world.row('leads', A)).toMatchObject({ emailaddress1: 'ruiz@example.com' });
  });

  it('of a row that is new meanwhile goes to its person at once, opt-outs too', async () => {
    await pairs();
    world.select(config(CITY, OPT_OUT));
    await world.doors.createRows('leads', [
      row(randomUUID(), 'Novak', { address1_city: 'Brno', donotbulkemail: true }),
    ]);
    await world.settled();
    const novak = (await world.links()).at(-1)?.marketoId ?? 0;
    expect(await world.person(novak)).toMatchObject({ city: 'Brno', unsubscribed: true });
  });

  it('goes on with the old change link until there is a new one, and loses no delete between them', async () => {
    const [ruiz = 0, ito = 0] = await pairs();
    world.select(config(CITY));
    await world.settled();
    await world.doors.deleteRow('leads', A);
    await world.backfill();
    await world.doors.deleteRow('leads', B);
    await world.doors.editRow('leads', C, { jobtitle: 'Chair' });
    const { leads } = await world.cycle();
    expect(leads.full).toBe(false);
    await atRest();
    expect(await world.person(ruiz)).toMatchObject({ dynamicsDeleted: true });
    expect(await world.person(ito)).toMatchObject({ dynamicsDeleted: true });
    const { selection } = await world.db
      .selectFrom('cursors')
      .select('selection')
      .where('stream', '=', 'dynamics/lead')
      .executeTakeFirstOrThrow();
    expect(selection.split(',')).toContain('address1_city');
    expect(await world.duplicates()).toEqual([]);
  });

  it('loses no delete and no edit where the old change link expires meanwhile', async () => {
    const [ruiz = 0, ito = 0] = await pairs();
    world.select(config(CITY));
    await world.settled();
    await world.doors.deleteRow('leads', A);
    await world.doors.editRow('leads', B, { jobtitle: 'Chair' });
    await fetch(`${world.dataverse}/admin/delta/expire`, { method: 'POST' });
    const { leads } = await world.cycle();
    expect(leads).toMatchObject({ full: true, deleted: 1 });
    await world.backfill();
    await atRest();
    expect(await world.person(ruiz)).toMatchObject({ dynamicsDeleted: true });
    expect(await world.person(ito)).toMatchObject({ title: 'Chair', city: 'Kyoto' });
    expect(await world.duplicates()).toEqual([]);
  });

  it('loses nothing where the new change link expires before the cycle changes over', async () => {
    const [ruiz = 0] = await pairs();
    world.select(config(CITY));
    await world.settled();
    await world.backfill();
    await world.doors.deleteRow('leads', A);
    await fetch(`${world.dataverse}/admin/delta/expire`, { method: 'POST' });
    await atRest();
    expect(await world.person(ruiz)).toMatchObject({ dynamicsDeleted: true });
    expect(await world.row('leads', C)).toMatchObject({ address1_city: 'Rome' });
  });
});

describe('The backfill lane', () => {
  it('goes on where a worker died', async () => {
    await pairs();
    world.select(config(CITY));
    await world.settled();
    const { ports } = world;
    let reads = 0;
    const dying = {
      ...ports,
      marketo: {
        ...ports.marketo,
        readPersons: () => {
          reads += 1;
          throw new Crash('killed');
        },
      },
    };
    await expect(runBackfill(dying)).rejects.toThrow('killed');
    expect(reads).toBeGreaterThan(0);
    // The tables were read by then.
    expect((await world.backfill()).turns).toEqual(['fields']);
    await atRest();
    expect(await world.row('leads', C)).toMatchObject({ address1_city: 'Rome' });
  });
});
