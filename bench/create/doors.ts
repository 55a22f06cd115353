import * as z from 'zod';
import { randomBytes } from 'node:crypto';
import { adminDoors } from '../../simulators/admin-doors.js';

/** Where the administrative doors are. */
export interface Doors {
  readonly marketo: string;
  readonly dataverse: string;
}

/** Calls of the API, as the simulators counted them, by remote and by what was called. */
export interface CallCounts {
  readonly marketo: Readonly<Record<string, number>>;
  readonly dynamics: Readonly<Record<string, number>>;
}

const counts = z.record(z.string(), z.number());
const stats = z.object({ calls: z.number(), writes: z.number() });
const writes = z.object({
  writes: z.array(
    z.object({
      ...{ n: z.number(), at: z.string(), table: z.string(), id: z.string().nullable() },
      ...{ kind: z.string(), status: z.number() },
    }),
  ),
  next: z.number(),
});
const row = z.object({ row: z.record(z.string(), z.unknown()) });

const ask = async (url: string, change?: object): Promise<unknown> => {
  const answer = await fetch(url, change && patch(change));
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return await answer.json();
};

const patch = (change: object): RequestInit => ({
  method: 'PATCH',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(change),
});

/** Sign-ins are not counted: a token lasts an hour. Parts of batches are in the call that carried them. */
const ofApi = (summary: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(summary).filter(([name]) => /\/(rest|api)\//.test(name) && !name.endsWith(' in $batch')),
  );

export const countCalls = async ({ marketo, dataverse }: Doors): Promise<CallCounts> => ({
  marketo: ofApi(counts.parse(await ask(`${marketo}/admin/journal/summary`))),
  dynamics: ofApi(counts.parse(await ask(`${dataverse}/admin/journal/summary`))),
});

const minus = (
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Record<string, number> =>
  Object.fromEntries(
    Object.entries(after).flatMap(([name, count]) => {
      const made = count - (before[name] ?? 0);
      return made === 0 ? [] : [[name, made] as const];
    }),
  );

export const callsBetween = (before: CallCounts, after: CallCounts): CallCounts => ({
  marketo: minus(after.marketo, before.marketo),
  dynamics: minus(after.dynamics, before.dynamics),
});

export const total = (some: Readonly<Record<string, number>>): number =>
  Object.values(some).reduce((sum, count) => sum + count, 0);

/** Both remotes take the time of real ones from now on. */
export const slowDown = async (
  { marketo, dataverse }: Doors,
  times: { readonly marketo: object; readonly dataverse: object },
): Promise<void> => {
  await ask(`${marketo}/admin/settings`, times.marketo);
  await ask(`${dataverse}/admin/settings`, times.dataverse);
};

/** Records that the API wrote in Marketo so far, in calls. */
export const writesOfMarketo = async ({ marketo }: Doors): Promise<number> =>
  stats.parse(await ask(`${marketo}/admin/stats`)).writes;

export interface NewPerson {
  readonly id: number;
  readonly email: string;
}

/** Persons whom nobody knows in Dynamics, each with an e-mail of its own. */
export const newPersons = async (doors: Doors, count: number): Promise<NewPerson[]> => {
  const made: NewPerson[] = [];
  for (let left = count; left > 0; left -= 500) {
    const input = Array.from({ length: Math.min(left, 500) }, newcomer);
    const ids = await adminDoors(doors).createPersons(input);
    made.push(...ids.map((id, index) => ({ id, email: input[index]?.email ?? '' })));
  }
  return made;
};

const newcomer = () => ({
  email: `${randomBytes(8).toString('hex')}@example.com`,
  firstName: 'Ada',
  lastName: 'Byron',
  company: 'Analytical Engines',
  title: 'Analyst',
  phone: '+44 20 7946 0000',
  city: 'London',
  postalCode: 'SW1Y 4JH',
});

/** A lead that the API made: it was readable from `at` on, in milliseconds since the epoch. */
export interface MadeLead {
  readonly id: string;
  readonly at: number;
}

/** Number of the latest write of Dataverse: what `leadsSince` goes on from. */
export const latestWrite = async ({ dataverse }: Doors): Promise<number> =>
  writes.parse(await ask(`${dataverse}/admin/journal/writes?after=0`)).next;

/** Leads that were made since that write. */
export const leadsSince = async ({ dataverse }: Doors, after: number): Promise<MadeLead[]> => {
  const { writes: all } = writes.parse(await ask(`${dataverse}/admin/journal/writes?after=${after}`));
  return all.flatMap(({ id, at, table, kind, status }) =>
    id !== null && table === 'lead' && kind === 'create' && status < 300 ? [{ id, at: Date.parse(at) }] : [],
  );
};

export const emailOfLead = async ({ dataverse }: Doors, id: string): Promise<string> => {
  const found = row.parse(await ask(`${dataverse}/admin/rows/leads/${id}`));
  return String(found.row['emailaddress1']);
};
