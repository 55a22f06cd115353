import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requireInstallation } from '../../activities/catalog.js';
import { changeColumn, noticesIn, readSchemas } from '../support/scope.js';
import { both, killedIn, typedPairIn } from '../support/typed-pair.js';
import { startWorld, type World } from '../support/world.js';

const COLUMN = 'new_marketostamp';
const FIELDS = `fields:
  - { marketo: lastName, lead: lastname, contact: lastname }
  - { marketo: email, lead: emailaddress1, contact: emailaddress1 }
  - { marketo: title, lead: jobtitle, contact: jobtitle }
  - { marketo: phone, lead: telephone1, contact: telephone1 }
`;
const STAMPED = `${FIELDS}stampColumn: ${COLUMN}\n`;

let world: World;
beforeEach(async () => {
  world = await startWorld({ config: STAMPED });
});
afterEach(() => world.close());

const pairOn = typedPairIn(() => world);
const runUntilKilled = killedIn(() => world);

const stampOf = async (id: string) => (await world.row('leads', id))[COLUMN] ?? null;

const ledgerOf = async (marketoId: number): Promise<string> => {
  const { id } = await world.linkOfPerson(marketoId);
  return JSON.stringify(
    await world.db.selectFrom('ledger').select('decisions').where('link_id', '=', id).execute(),
  );
};

const notices = noticesIn(() => world);

/** Calls are under way at once; what the first answers is known by the time the next one's answer is taken. */
const answeredInTurn = () => {
  const { dynamics } = world.ports;
  const direct = { ...dynamics };
  let last: Promise<void> | undefined;
  Object.assign(dynamics, {
    write: (...[rows, options]: Parameters<typeof direct.write>) =>
      direct.write(rows, {
        ...options,
        onOutcomes: (...answer) =>
          (last = (last ?? Promise.resolve()).then(() => options?.onOutcomes?.(...answer))),
      }),
  });
};

describe('With a stamp column', () => {
  it.each(['lead', 'contact'] as const)(
    'an edit in Dynamics over a write whose answer is gone is a later one, on a %s too',
    async (kind) => {
      const pair = await pairOn(kind);
      await pair.typeInMarketo('ours');
      await runUntilKilled('dynamics');
      await pair.typeInDynamics('edit');
      await world.settled();
      expect((await pair.held()).titles).toEqual(both('edit'));
    },
  );

  it('an edit back to the value before, over a write whose answer is gone, stands', async () => {
    const pair = await pairOn('lead');
    await pair.typeInMarketo('ours');
    await runUntilKilled('dynamics');
    await pair.typeInDynamics('old');
    await world.settled();
    expect((await pair.held()).titles).toEqual(both('old'));
  });

  it('edits on both sides after such a write are a collision, and its loser is in the ledger', async () => {
    const pair = await pairOn('lead');
    await pair.typeInMarketo('ours');
    await runUntilKilled('dynamics');
    await pair.typeInDynamics('edit');
    await pair.typeInMarketo('newer');
    await world.settled();
    expect((await pair.held()).titles).toEqual(both('newer'));
    expect(await ledgerOf(pair.marketoId)).toContain('"edit"');
  });

  it('a write that never arrived leaves an edit in Dynamics a collision', async () => {
    const pair = await pairOn('lead');
    await pair.typeInMarketo('ours');
    await runUntilKilled('dynamics', 'before');
    await pair.typeInDynamics('edit');
    await world.settled();
    expect((await pair.held()).titles).toEqual(both('ours'));
    expect(await ledgerOf(pair.marketoId)).toContain('"edit"');
  });

  it('each write bears another stamp, costs no call more, and its echo writes nothing', async () => {
    const pair = await pairOn('lead');
    const stamps = [await stampOf(pair.id)];
    for (const title of ['one', 'two']) {
      await pair.typeInMarketo(title);
      await world.calls();
      await world.cycle();
      expect((await world.calls()).dynamics).toMatchObject({ 'PATCH /api/data/v9.2/leads({id})': 1 });
      stamps.push(await stampOf(pair.id));
      await world.cycle();
      const { marketo, dynamics } = await world.calls();
      const writes = /^PATCH |^POST .*\/leads\.json$/;
      expect(Object.keys({ ...marketo, ...dynamics }).filter((name) => writes.test(name))).toEqual([]);
    }
    expect(stamps[0]).toBeNull();
    expect(new Set(stamps).size).toBe(3);
  });

  it('a column that may not be written any more is told once, and rows are written without', async () => {
    const pair = await pairOn('lead');
    await changeColumn(world, 'leads', COLUMN, { secured: true, canRead: true, canUpdate: false });
    await pair.typeInMarketo('ours');
    await world.settled();
    expect((await pair.held()).titles).toEqual(both('ours'));
    expect(await stampOf(pair.id)).toBeNull();
    expect(await notices()).toEqual(['lead stampColumn read-only']);
    const { parked } = await world.linkOfPerson(pair.marketoId);
    expect(parked).toEqual({});
    await changeColumn(world, 'leads', COLUMN, { secured: false });
    await readSchemas(world);
    await pair.typeInMarketo('again');
    await world.settled();
    expect(await stampOf(pair.id)).not.toBeNull();
    expect(await notices()).toEqual([]);
  });

  it('a column that may not be written any more sets no field of many rows aside, however many calls carry them', async () => {
    await world.close();
    world = await startWorld({ config: `${STAMPED}guard: off\n` });
    const ids = Array.from({ length: 120 }, () => randomUUID());
    await world.doors.createRows(
      'leads',
      ids.map((leadid) => ({
        ...{ leadid, lastname: 'Ruiz', jobtitle: 'old' },
        emailaddress1: `${leadid}@example.com`,
      })),
    );
    await world.settled();
    await changeColumn(world, 'leads', COLUMN, { secured: true, canRead: true, canUpdate: false });
    for (const { marketoId } of await world.links())
      await world.doors.editPerson(marketoId ?? 0, { title: 'ours' });
    answeredInTurn();
    await world.settled();
    const rows = await Promise.all(ids.map((id) => world.row('leads', id)));
    expect(new Set(rows.map((row) => row['jobtitle']))).toEqual(new Set(['ours']));
    expect((await world.links()).flatMap(({ parked }) => Object.keys(parked))).toEqual([]);
    expect(await notices()).toEqual(['lead stampColumn read-only']);
  });

  it('a refused column that rights and schema say may be written costs one write more, and no field', async () => {
    const pair = await pairOn('lead');
    const { dynamics } = world.ports;
    const { syncUserId } = await requireInstallation(world.ports);
    const lead = await dynamics.columns('lead', syncUserId);
    const honest = { ...dynamics };
    Object.assign(dynamics, {
      columns: (...args: Parameters<typeof honest.columns>) =>
        args[0] === 'lead' ? Promise.resolve(lead) : honest.columns(...args),
    });
    await changeColumn(world, 'leads', COLUMN, { secured: true, canRead: true, canUpdate: false });
    await pair.typeInMarketo('ours');
    await world.calls();
    await world.cycle();
    expect((await world.calls()).dynamics).toMatchObject({ 'PATCH /api/data/v9.2/leads({id})': 2 });
    expect((await pair.held()).titles).toEqual(both('ours'));
  });

  it('selected later, the stamps of rows are read before the tables were read anew', async () => {
    world.select(FIELDS);
    const pair = await pairOn('lead');
    world.select(STAMPED);
    await pair.typeInMarketo('ours');
    await runUntilKilled('dynamics');
    await pair.typeInDynamics('edit');
    await world.settled();
    expect((await pair.held()).titles).toEqual(both('edit'));
  });
});

it('Without one, rows bear no stamp', async () => {
  world.select(FIELDS);
  const pair = await pairOn('lead');
  await pair.typeInMarketo('ours');
  await world.settled();
  expect((await pair.held()).titles).toEqual(both('ours'));
  expect(await stampOf(pair.id)).toBeNull();
});
