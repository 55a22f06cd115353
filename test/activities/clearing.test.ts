import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** A field of each type of the default selection: a value in each side's form, and its column. */
const FIELDS = [
  ['text', 'title', 'jobtitle', 'CTO', 'CTO'],
  ['phone', 'phone', 'telephone1', '555', '555'],
  ['long text', 'mktoPersonNotes', 'description', 'a\nb', 'a\nb'],
  ['integer', 'numberOfEmployees', 'numberofemployees', 7, 7],
  ['money', 'annualRevenue', 'revenue', 1000, 1000],
  ['moment', 'lastDemoAt', 'new_lastdemoon', '2026-03-01T10:00:00Z', '2026-03-01T10:00:00Z'],
  ['choice', 'leadSource', 'leadsourcecode', 'Web', 8],
] as const;

const BLANK: readonly unknown[] = [null, undefined, ''];

/** A pair whose field is filled on both sides, at rest. */
const filled = async (field: string, column: string, held: string | number) => {
  const leadid = randomUUID();
  const row = { leadid, lastname: 'Ruiz', emailaddress1: `${leadid}@example.com`, [column]: held };
  await world.doors.createRows('leads', [row]);
  await world.settled();
  const marketoId = (await world.links()).find(({ dynamicsId }) => dynamicsId === leadid)?.marketoId ?? 0;
  expect(BLANK).not.toContain((await world.person(marketoId))[field]);
  return { leadid, marketoId };
};

describe.each(FIELDS)('A %s', (_type, field, column, _value, held) => {
  it('that is cleared in Marketo is cleared in Dynamics', async () => {
    const { leadid, marketoId } = await filled(field, column, held);
    await world.doors.editPerson(marketoId, { [field]: null });
    await world.settled();
    expect(BLANK).toContain((await world.row('leads', leadid))[column]);
    expect(BLANK).toContain((await world.person(marketoId))[field]);
  });

  it('that is cleared in Dynamics is cleared in Marketo', async () => {
    const { leadid, marketoId } = await filled(field, column, held);
    await world.doors.editRow('leads', leadid, { [column]: null });
    await world.settled();
    expect(BLANK).toContain((await world.person(marketoId))[field]);
    expect(BLANK).toContain((await world.row('leads', leadid))[column]);
  });
});
