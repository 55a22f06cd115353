import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPerson } from '../../activities/create-person.js';
import { recordOutcome } from '../../activities/record-outcome.js';
import type { AdminRecord } from '../../simulators/admin-doors.js';
import { qualify } from '../support/succession.js';
import { Crash, newAttempt, requestOf, retried, startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const personIn = async (values: AdminRecord = {}): Promise<{ marketoId: number; email: string }> => {
  const email = `${randomUUID()}@example.com`;
  const [marketoId = 0] = await world.doors.createPersons([
    { email, lastName: 'Ito', title: 'CTO', ...values },
  ]);
  return { marketoId, email };
};

/** A person that is still to be told that its row was deleted: the cycle is killed before it flags it. */
const personToBeFlagged = async (): Promise<number> => {
  const { marketoId } = await personIn();
  const { dynamicsId } = await world.request(marketoId);
  await world.settled();
  await world.doors.deleteRow('leads', dynamicsId ?? '');
  world.crash('marketo', 'before');
  await expect(world.cycle()).rejects.toBeInstanceOf(Crash);
  return marketoId;
};

const rowsOf = async (email: string): Promise<AdminRecord[]> => {
  const found: AdminRecord[] = [];
  for (const table of ['leads', 'contacts'] as const)
    for await (const page of world.doors.rows(table))
      found.push(...page.filter(({ emailaddress1 }) => emailaddress1 === email));
  return found;
};

const CREATE = { kind: 'refuse', method: 'PATCH', path: '/leads(', status: 412, times: 1 };

const create = (marketoId: number) =>
  retried((attempt) => createPerson(world.ports, requestOf(marketoId), attempt));

const logOf = async (marketoId: number): Promise<string[]> => {
  const entries = await world.db
    .selectFrom('activity_entries')
    .selectAll()
    .where('marketo_id', '=', marketoId)
    .orderBy('at')
    .execute();
  return entries.map(({ state, attributes }) => `${attributes['outcome'] ?? ''} ${state}`);
};

describe('"Sync Person to Dynamics"', () => {
  it.each([2, 10])('asked %i times at once makes one row', async (count) => {
    const { marketoId, email } = await personIn();
    const results = await Promise.all(Array.from({ length: count }, () => create(marketoId)));
    expect(results.map(({ outcome }) => outcome).sort()).toEqual([
      ...Array<string>(count - 1).fill('already-there'),
      'created',
    ]);
    expect(new Set(results.map(({ dynamicsId }) => dynamicsId)).size).toBe(1);
    await world.settled();
    expect(await rowsOf(email)).toHaveLength(1);
  });

  it('makes another row for a person whose first one was qualified into a contact that was deleted', async () => {
    const { marketoId } = await personIn();
    const { dynamicsId } = await create(marketoId);
    await world.settled();
    const contact = await qualify(world, dynamicsId ?? '');
    await world.settled();
    await world.doors.deleteRow('contacts', contact);
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ dynamicsDeleted: true });
    // The customer's duplicate rule looks at the qualified lead too.
    await world.doors.editPerson(marketoId, { email: `${randomUUID()}@example.com` });
    const again = await create(marketoId);
    expect(again.outcome).toBe('created');
    expect([dynamicsId, contact]).not.toContain(again.dynamicsId);
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ dynamicsDeleted: false });
  });

  it('and a cycle that meets the same e-mail in Dynamics make one pair', async () => {
    const { marketoId, email } = await personIn();
    await world.doors.createRows('contacts', [{ lastname: 'Ito', emailaddress1: email }]);
    await Promise.all([world.cycle(), create(marketoId)]);
    await world.settled();
    expect(await rowsOf(email)).toHaveLength(1);
    expect(await world.linkOfPerson(marketoId)).toMatchObject({ kind: 'contact', status: 'linked' });
    expect(await world.duplicates()).toEqual([]);
  });

  it('links a row of that e-mail which the store does not know yet', async () => {
    const { marketoId, email } = await personIn();
    const [id] = await world.doors.createRows('contacts', [{ lastname: 'Ito', emailaddress1: email }]);
    expect(await world.request(marketoId)).toMatchObject({
      outcome: 'linked',
      kind: 'contact',
      dynamicsId: id,
    });
    await world.settled();
    expect(await rowsOf(email)).toHaveLength(1);
    expect(await world.person(marketoId)).toMatchObject({ dynamicsId: id, dynamicsType: 'contact' });
  });

  it('on a person that has its row reads and writes no field, and says so in the log', async () => {
    const { marketoId } = await personIn();
    await world.request(marketoId);
    await world.settled();
    await world.calls();
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'already-there' });
    expect(await world.calls()).toEqual({
      marketo: { 'POST /rest/v1/activities/external.json': 1 },
      dynamics: {},
    });
    expect(await logOf(marketoId)).toEqual(['created logged', 'already-there logged']);
  });

  it('that makes a row takes three calls of each side', async () => {
    const { marketoId } = await personIn();
    await world.request(marketoId);
    await world.calls();
    const other = await personIn();
    expect(await world.request(other.marketoId)).toMatchObject({ outcome: 'created' });
    // Who else in Marketo has the e-mail is not asked: it matters only where a row has it.
    expect(await world.calls()).toEqual({
      marketo: {
        'GET /rest/v1/leads.json': 1,
        'POST /rest/v1/leads.json': 1,
        'POST /rest/v1/activities/external.json': 1,
      },
      dynamics: {
        'GET /api/data/v9.2/leads': 1,
        'GET /api/data/v9.2/contacts': 1,
        'PATCH /api/data/v9.2/leads({id})': 1,
      },
    });
    await world.settled();
  });

  it.each(['before', 'after'] as const)('killed %s the row is made, makes one row', async (when) => {
    const { marketoId, email } = await personIn();
    world.crash('dynamics', when);
    await expect(create(marketoId)).rejects.toBeInstanceOf(Crash);
    expect(await world.linkOfPerson(marketoId)).toMatchObject({ status: 'unmatched' });
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'created' });
    await world.settled();
    expect(await rowsOf(email)).toHaveLength(1);
    expect(await logOf(marketoId)).toEqual(['created logged']);
  });

  it('killed after the row was made loses no edit of the row made meanwhile', async () => {
    const { marketoId, email } = await personIn();
    world.crash('dynamics', 'after');
    await expect(create(marketoId)).rejects.toBeInstanceOf(Crash);
    const leadid = String((await rowsOf(email))[0]?.['leadid']);
    await world.doors.editRow('leads', leadid, { jobtitle: 'edited' });
    await world.request(marketoId);
    await world.settled();
    expect(await world.row('leads', leadid)).toMatchObject({ jobtitle: 'edited' });
    expect(await world.person(marketoId)).toMatchObject({ title: 'edited' });
  });

  it('killed after the row was made is completed by the cycle, though nobody asks again', async () => {
    const { marketoId, email } = await personIn();
    world.crash('dynamics', 'after');
    await expect(create(marketoId)).rejects.toBeInstanceOf(Crash);
    await world.settled();
    const [row] = await rowsOf(email);
    expect(await world.person(marketoId)).toMatchObject({
      dynamicsId: row?.['leadid'],
      dynamicsType: 'lead',
    });
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'already-there' });
    expect(await rowsOf(email)).toHaveLength(1);
  });

  it('asked after the row was deleted in Dynamics makes a new one, and the person is not flagged', async () => {
    const { marketoId, email } = await personIn();
    const first = await world.request(marketoId);
    await world.settled();
    await world.doors.deleteRow('leads', first.dynamicsId ?? '');
    await world.cycle();
    const second = await world.request(marketoId);
    expect(second).toMatchObject({ outcome: 'created' });
    expect(second.dynamicsId).not.toBe(first.dynamicsId);
    await world.settled();
    expect(await rowsOf(email)).toHaveLength(1);
    expect(await world.person(marketoId)).toMatchObject({
      dynamicsId: second.dynamicsId,
      dynamicsDeleted: false,
    });
  });

  it.each([
    ['deleted', (leadid: string) => world.doors.deleteRow('leads', leadid), { dynamicsDeleted: true }],
    ['qualified', (leadid: string) => qualify(world, leadid), { dynamicsType: 'contact' }],
  ])(
    'tells the person its key too late where the row is %s meanwhile: it is told again',
    async (_what, deed, told) => {
      const { marketoId } = await personIn();
      const input = requestOf(marketoId);
      const result = await create(marketoId);
      const { marketo } = world.ports;
      let late = true;
      const syncPersons: typeof marketo.syncPersons = async (call, signal) => {
        if (late) {
          late = false;
          await deed(result.dynamicsId ?? '');
          await world.settled();
        }
        return marketo.syncPersons(call, signal);
      };
      const ports = { ...world.ports, marketo: { ...marketo, syncPersons } };
      await retried((attempt) => recordOutcome(ports, { ...input, result }, attempt));
      await world.settled();
      expect(await world.person(marketoId)).toMatchObject(told);
    },
  );

  it('is not undone by the flag for a deleted row that was still to be written', async () => {
    const marketoId = await personToBeFlagged();
    const second = await world.request(marketoId);
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({
      dynamicsId: second.dynamicsId,
      dynamicsDeleted: false,
    });
  });

  it('refused leaves the person to be flagged for the row that it lost before', async () => {
    const marketoId = await personToBeFlagged();
    await world.fault('dynamics', { ...CREATE, status: 400, code: '0x80040265', message: 'Not this one.' });
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'refused' });
    expect(await world.faultsStruck()).toBe(true);
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ dynamicsDeleted: true });
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'created' });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ dynamicsDeleted: false });
  });

  it('refused by Dynamics says so once, and may be asked again', async () => {
    const { marketoId, email } = await personIn({ title: 'Test Robot' });
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'refused', code: '0x80040265' });
    expect(await rowsOf(email)).toEqual([]);
    await world.doors.editPerson(marketoId, { title: 'Engineer' });
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'created' });
    await world.settled();
    expect(await rowsOf(email)).toHaveLength(1);
    expect(await logOf(marketoId)).toEqual(['refused logged', 'created logged']);
  });

  it('refused for the key of another row makes none, says so, and may be asked again', async () => {
    const { marketoId, email } = await personIn();
    await world.fault('dynamics', {
      ...CREATE,
      code: '0x80040237',
      message: 'Cannot insert duplicate key in new_territory.',
    });
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'refused', code: '0x80040237' });
    expect(await world.faultsStruck()).toBe(true);
    expect(await rowsOf(email)).toEqual([]);
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ dynamicsId: null });
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'created' });
    await world.settled();
    expect(await rowsOf(email)).toHaveLength(1);
    expect(await logOf(marketoId)).toEqual(['refused logged', 'created logged']);
  });

  it.each([
    ['of a gateway', { body: 'html' }],
    ['for the version of another row', { code: '0x80060882' }],
  ])('met by a 412 %s is in doubt, and made by the next attempt', async (_what, fault) => {
    const { marketoId, email } = await personIn();
    await world.fault('dynamics', { ...CREATE, ...fault });
    await expect(createPerson(world.ports, requestOf(marketoId), newAttempt())).rejects.toMatchObject({
      details: { type: 'Unavailable', effect: 'unknown' },
    });
    expect(await world.faultsStruck()).toBe(true);
    expect(await world.linkOfPerson(marketoId)).toMatchObject({ status: 'unmatched' });
    const result = await world.request(marketoId);
    expect(result).toMatchObject({ outcome: 'created' });
    expect((await rowsOf(email)).map(({ leadid }) => leadid)).toEqual([result.dynamicsId]);
    await world.settled();
  });

  it('met by a 412 of a gateway where the row is there all the same, is done', async () => {
    const { marketoId, email } = await personIn();
    world.crash('dynamics', 'after');
    await expect(create(marketoId)).rejects.toBeInstanceOf(Crash);
    await world.fault('dynamics', { ...CREATE, body: 'html' });
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'created' });
    expect(await world.faultsStruck()).toBe(true);
    await world.settled();
    expect(await rowsOf(email)).toHaveLength(1);
  });

  it('is told once although it is recorded twice', async () => {
    const { marketoId } = await personIn();
    const input = requestOf(marketoId);
    const result = await retried((attempt) => createPerson(world.ports, input, attempt));
    await recordOutcome(world.ports, { ...input, result }, newAttempt());
    await recordOutcome(world.ports, { ...input, result }, newAttempt());
    expect(await logOf(marketoId)).toEqual(['created logged']);
    await world.settled();
  });

  it('for two persons of one e-mail at once guesses nothing and repeats nothing', async () => {
    const { marketoId, email } = await personIn();
    const [twin = 0] = await world.doors.createPersons([{ email, lastName: 'Ito' }]);
    await world.doors.createRows('leads', [{ lastname: 'Ito', emailaddress1: email }]);
    const results = await Promise.all([create(marketoId), create(twin)]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['ambiguous', 'ambiguous']);
    expect(await rowsOf(email)).toHaveLength(1);
  });

  // Found by the model (seed 20261127).
  it('whose flag is on its way, is told its new row all the same', async () => {
    const { marketoId } = await personIn();
    const { dynamicsId } = await world.request(marketoId);
    await world.settled();
    await world.doors.deleteRow('leads', dynamicsId ?? '');
    const { ports } = world;
    const { marketo } = ports;
    let asked = false;
    const syncPersons: typeof marketo.syncPersons = async (call, signal) => {
      if (!asked && call.records.some(({ dynamicsDeleted }) => dynamicsDeleted === true)) {
        asked = true;
        expect(await world.request(marketoId)).toMatchObject({ outcome: 'created' });
      }
      return marketo.syncPersons(call, signal);
    };
    Object.assign(ports, { marketo: { ...marketo, syncPersons } });
    await world.cycle();
    Object.assign(ports, { marketo });
    expect(asked).toBe(true);
    await world.settled();
    const link = await world.linkOfPerson(marketoId);
    expect(await world.person(marketoId)).toMatchObject({
      ...{ dynamicsId: link.dynamicsId, dynamicsDeleted: false },
    });
  });
});
