import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { releaseRemapped } from '../../activities/remapped.js';
import { ageCatalog } from '../../store/catalogs.js';
import { rejectionLeaks, setPlugIns } from '../support/rejections.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  const rule = { table: 'lead', column: 'jobtitle', contains: 'Robot', message: 'No robots.' };
  await setPlugIns(world.dataverse, [rule]);
});
afterAll(() => world.close());

interface Refused {
  readonly leadid: string;
  readonly marketoId: number;
  readonly linkId: number;
}

const pair = async (): Promise<Refused> => {
  const leadid = randomUUID();
  const email = `${leadid}@example.com`;
  await world.doors.createRows('leads', [{ leadid, lastname: 'Ruiz', emailaddress1: email }]);
  await world.settled();
  const link = (await world.links()).find(({ dynamicsId }) => dynamicsId === leadid);
  return { leadid, marketoId: link?.marketoId ?? 0, linkId: link?.id ?? 0 };
};

/** A pair of which the title was refused. */
const refused = async (title = 'Robot'): Promise<Refused> => {
  const made = await pair();
  await world.doors.editPerson(made.marketoId, { title });
  await world.settled();
  expect(await open(made)).toHaveLength(1);
  return made;
};

const open = async ({ linkId }: Refused): Promise<string[]> => {
  const found = world.db.selectFrom('rejections').select('code').where('link_id', '=', linkId);
  return (await found.where('closed_at', 'is', null).execute()).map(({ code }) => code);
};

const ask = async (method: string, path: string, body: unknown): Promise<void> => {
  const response = await fetch(`${world.dataverse}/admin/${path}`, {
    method,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
  if (!response.ok) throw new Error(await response.text());
};

describe('A refusal is closed', () => {
  it.each([
    [
      'its value moves in Marketo',
      ({ marketoId }: Refused) => world.doors.editPerson(marketoId, { title: 'CEO' }),
    ],
    [
      'its value moves in Dynamics',
      ({ leadid }: Refused) => world.doors.editRow('leads', leadid, { jobtitle: 'X' }),
    ],
    ['the row is deleted', ({ leadid }: Refused) => world.doors.deleteRow('leads', leadid)],
    ['the person is deleted', ({ marketoId }: Refused) => world.doors.deletePerson(marketoId)],
    ['the lead is qualified', ({ leadid }: Refused) => ask('POST', `rows/leads/${leadid}/qualify`, {})],
    [
      'the row is merged into one without a person',
      async ({ leadid }: Refused) => {
        const winner = randomUUID();
        await world.doors.createRows('leads', [{ leadid: winner, lastname: 'Ruiz', statecode: 0 }]);
        await ask('POST', `rows/leads/${winner}/merge`, { subordinate: leadid });
      },
    ],
  ])('when %s', async (_way, mend) => {
    const made = await refused();
    await mend(made);
    await world.settled();
    expect(await rejectionLeaks(world.db)).toEqual([]);
    const stillRobot = await world.db
      .selectFrom('rejections')
      .select('passed')
      .where('link_id', '=', made.linkId)
      .orderBy('at')
      .execute();
    expect(stillRobot[0]?.passed).toBe(false);
    const first = await world.db
      .selectFrom('rejections')
      .select('closed_at')
      .where('link_id', '=', made.linkId)
      .orderBy('at')
      .executeTakeFirst();
    expect(first?.closed_at).not.toBeNull();
  });

  it('when its field is no longer selected, and told anew when it is selected again', async () => {
    const made = await refused();
    const choices = world.ports.choices.filter(({ marketo }) => marketo !== 'title');
    await releaseRemapped({ ...world.ports, choices }, world.attempt());
    expect(await open(made)).toEqual([]);
    await releaseRemapped(world.ports, world.attempt());
    await world.settled();
    expect(await open(made)).toEqual([]);
    await world.doors.editPerson(made.marketoId, { city: 'Oslo' });
    await world.settled();
    expect(await open(made)).toEqual(['0x80040265']);
  });
});

describe('What metadata refuses', () => {
  it('is judged again when the metadata changes, without a trial call and without being told twice', async () => {
    const long =
      'Chief of everything that a company can be chief of, and of some more things, all at once and for ever';
    const made = await refused(long);
    expect(await open(made)).toEqual(['too-long']);
    const entries = async (): Promise<number> =>
      (
        await world.db
          .selectFrom('activity_entries')
          .select('id')
          .where('link_id', '=', made.linkId)
          .execute()
      ).length;
    expect(await entries()).toBe(1);
    await ask('PATCH', 'columns/lead/jobtitle', { maxLength: 90 });
    await ageCatalog(world.db);
    await world.settled();
    expect(await open(made)).toEqual(['too-long']);
    await ask('PATCH', 'columns/lead/jobtitle', { maxLength: 200 });
    await ageCatalog(world.db);
    await world.settled();
    expect(await open(made)).toEqual([]);
    expect((await world.row('leads', made.leadid))['jobtitle']).toBe(long);
    expect(await entries()).toBe(1);
  });
});
