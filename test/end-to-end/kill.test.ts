import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimsOf, explanationsOf, readAccount } from '../../launch/start/explanations.js';
import { adminDoors } from '../../simulators/admin-doors.js';
import { compareSides } from '../../simulators/compare/index.js';
import { FIELD_PAIRS } from '../../simulators/population/index.js';
import { lastCompletedCycle } from '../../store/cycles.js';
import { eventually, startInstallation, type Installation } from '../support/running.js';
import { startScratchTemporal, type ScratchTemporal } from '../support/scratch-temporal.js';

const PEOPLE = 1_000;
/** Silence of two seconds is death here; a call in doubt is looked up after five. */
const TIMING = { overlap: '5s', doubt: '1s', call: '4s', takeover: '2s' };

let temporal: ScratchTemporal;
beforeAll(async () => {
  temporal = await startScratchTemporal();
});
afterAll(() => temporal.close());

type Json = Readonly<Record<string, unknown>>;

const get = async (url: string): Promise<Json> => (await (await fetch(url)).json()) as Json;

const post = async (url: string, body: Json): Promise<void> => {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body), headers });
  if (!response.ok) throw new Error(`${url} answered ${String(response.status)}: ${await response.text()}`);
};

/** A moment in the life of a worker: how to be sure to meet it, and how to see that it has come. */
interface Moment {
  readonly name: string;
  arm?(at: Installation): Promise<void>;
  reached(at: Installation): Promise<boolean>;
}

/** While a call is on its way; what it asks for is done when its caller is long dead. */
const during = (
  name: string,
  side: 'marketo' | 'dataverse',
  fault: Readonly<{ method: string; path: string; skip?: number; part?: boolean }>,
): Moment => ({
  name,
  arm: (at) => post(`${at[side]}/admin/faults`, { ...fault, kind: 'slow', delayMs: 1_500 }),
  reached: async (at) => ((await get(`${at[side]}/admin/faults`))['faults'] as unknown[]).length === 0,
});

const CREATE = { method: 'POST', path: '/rest/v1/leads.json' };
const LOG = { method: 'POST', path: '/activities/external.json' };

const FIRST: readonly Moment[] = [
  during('reading the first page of leads', 'dataverse', { method: 'GET', path: '/leads?' }),
  during('reading contacts when the leads are stored', 'dataverse', { method: 'GET', path: '/contacts?' }),
  during('looking for the persons of rows', 'marketo', {
    method: 'GET',
    path: '/rest/v1/leads.json',
    skip: 1,
  }),
  during('creating the first persons', 'marketo', CREATE),
  during('telling the first refusals', 'marketo', LOG),
];

const SECOND: readonly Moment[] = [
  {
    name: 'when the first rows are stored',
    reached: async ({ db }) => (await db.selectFrom('links').select('id').limit(1).execute()).length > 0,
  },
  during('creating more persons, the first being there', 'marketo', { ...CREATE, skip: 1 }),
  during('writing a batch of rows', 'dataverse', { method: 'POST', path: '$batch' }),
  during('in the middle of a batch of rows', 'dataverse', {
    method: 'PATCH',
    path: '/leads(',
    part: true,
    skip: 3,
  }),
  {
    ...during('when the first refusals were told and nobody has heard of it', 'marketo', LOG),
    arm: ({ marketo }) => post(`${marketo}/admin/faults`, { ...LOG, kind: 'dropAfterWrite' }),
  },
];

/** Starts the cycles, and kills the worker at each moment. */
const killAt = async (at: Installation, moments: readonly Moment[]): Promise<void> => {
  for (const [index, moment] of moments.entries()) {
    await moment.arm?.(at);
    const worker = await at.startWorker();
    if (index === 0) await at.command('start');
    await eventually(moment.name, () => moment.reached(at));
    await worker.kill();
  }
};

const isQuiet = async ({ db }: Installation): Promise<boolean> => {
  const open = await db
    .selectFrom('links')
    .select('id')
    .where((eb) =>
      eb.or([eb('dirty', '=', true), eb('reread_marketo', '=', true), eb('check_at', 'is not', null)]),
    )
    .limit(1)
    .execute();
  const untold = await db
    .selectFrom('activity_entries')
    .select('id')
    .where('state', 'in', ['pending', 'sent'])
    .limit(1)
    .execute();
  const cycle = await lastCompletedCycle(db);
  const idle = cycle !== undefined && Object.keys(cycle.counts).every((name) => !name.startsWith('diff.'));
  return open.length === 0 && untold.length === 0 && idle;
};

/** Persons with a row's id, by that id. */
const personsByRow = async ({ marketo, dataverse }: Installation): Promise<Map<string, number[]>> => {
  const found = new Map<string, number[]>();
  for await (const page of adminDoors({ marketo, dataverse }).persons())
    for (const { id, dynamicsId } of page)
      if (typeof dynamicsId === 'string')
        found.set(dynamicsId, [...(found.get(dynamicsId) ?? []), Number(id)]);
  return found;
};

const rowCount = async ({ dataverse }: Installation): Promise<number> => {
  const { leads, contacts } = await get(`${dataverse}/admin/stats`);
  return Number(leads) + Number(contacts);
};

/** How often each refusal stands in the persons' logs. */
const tellings = async ({ marketo }: Installation): Promise<number[]> => {
  const { activities } = (await get(`${marketo}/admin/activities`)) as {
    activities: { activityTypeId: number; attributes: { apiName?: string; value: unknown }[] }[];
  };
  const ledgerIds = activities.flatMap(({ attributes }) =>
    attributes.filter(({ apiName }) => apiName === 'ledgerId').map(({ value }) => String(value)),
  );
  const counts = new Map<string, number>();
  for (const id of ledgerIds) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...counts.values()];
};

describe.concurrent.each([
  { name: 'first', moments: FIRST },
  { name: 'second', moments: SECOND },
])('A worker killed with -9 at five moments of a first cycle ($name five)', ({ name, moments }) => {
  it('doubles nothing and loses nothing; the cycle goes on to its end', { timeout: 240_000 }, async () => {
    const at = await startInstallation({
      name: `kill-${name}`,
      people: PEOPLE,
      temporal: temporal.address,
      timing: TIMING,
    });
    try {
      await at.command('setup');
      const rows = await rowCount(at);
      await killAt(at, moments);
      expect(await lastCompletedCycle(at.db)).toBeUndefined();
      await at.startWorker();
      await eventually('both sides at rest', () => isQuiet(at), 150_000);

      const cycles = await at.db.selectFrom('cycles').selectAll().orderBy('number').execute();
      expect(cycles[0]).toMatchObject({ number: 1, outcome: 'completed' });
      expect(cycles.map(({ number }) => number)).toEqual(cycles.map((_, index) => index + 1));

      const persons = await personsByRow(at);
      expect([...persons].filter(([, ids]) => ids.length > 1)).toEqual([]);
      expect(await rowCount(at)).toBe(rows);
      const told = await tellings(at);
      expect(told.length).toBeGreaterThan(0);
      expect(told.filter((times) => times !== 1)).toEqual([]);

      const account = await readAccount(at.db);
      expect(persons.size).toBe(account.links.filter(({ status }) => status === 'linked').length);
      const { different, equal } = await compareSides({
        ...{ marketo: at.marketo, dataverse: at.dataverse },
        fields: FIELD_PAIRS,
        links: claimsOf(account),
        explained: explanationsOf(account),
      });
      expect(different).toEqual([]);
      expect(equal).toBeGreaterThan(PEOPLE / 2);
    } finally {
      await at.close();
    }
  });
});
