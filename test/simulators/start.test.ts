import { expect, onTestFinished, test } from 'vitest';
import { compareSides } from '../../simulators/compare/index.js';
import { startLife } from '../../simulators/life.js';
import { FIELD_PAIRS, generatePopulation } from '../../simulators/population/index.js';
import { startRemotes } from '../../simulators/start.js';

const PEOPLE = 2500;
const SEED = 'remotes';

async function remotes() {
  const started = await startRemotes({
    marketoPort: 0,
    dataversePort: 0,
    people: PEOPLE,
    limits: 'off',
    seed: SEED,
    tell: () => undefined,
  });
  onTestFinished(() => started.close());
  return started;
}

test('the whole population stands in both simulators, and nothing is linked yet', async () => {
  const { persons, leads, contacts, notes } = generatePopulation({ people: PEOPLE, seed: SEED });
  const { marketo, dataverse } = await remotes();
  // Marketo numbers seeded persons in their order; a person's e-mail address leads to the row.
  const rowsByEmail = new Map([...leads, ...contacts].map((row) => [lower(row['emailaddress1']), row]));
  const links = persons.flatMap((person, index) => {
    const row = rowsByEmail.get(lower(person['email']));
    if (row === undefined) return [];
    const kind = 'leadid' in row ? ('lead' as const) : ('contact' as const);
    return [
      {
        marketoId: 1001 + index,
        dynamicsId: String(row['leadid'] ?? row['contactid']),
        kind,
        state: 'linked',
      },
    ];
  });
  const result = await compareSides({ marketo, dataverse, fields: FIELD_PAIRS, links, explained: [] });
  const count = (what: string): number =>
    result.different.filter((difference) => difference.what === what).length;
  expect(count('person is missing')).toBe(0);
  expect(count('row is missing')).toBe(0);
  expect(count('linked twice')).toBe(notes.twinPersons);
  expect(result.unlinkedRows).toHaveLength(leads.length + contacts.length - links.length + notes.twinPersons);
  const differing = result.different.filter(({ what }) => what === 'value differs');
  expect(differing.length / result.compared).toBeGreaterThan(0.02);
  expect(differing.length / result.compared).toBeLessThan(0.25);
  expect(differing.some(({ field }) => field === 'email')).toBe(false);
});

test('contacts stand under the companies that they work for', async () => {
  const { dataverse } = await remotes();
  const rows = async (table: string): Promise<Record<string, unknown>[]> => {
    const response = await fetch(`${dataverse}/admin/rows/${table}?limit=5000`);
    return ((await response.json()) as { rows: Record<string, unknown>[] }).rows;
  };
  const accounts = await rows('accounts');
  expect(new Set(accounts.map(({ name }) => name)).size).toBe(accounts.length);
  const ids = new Set(accounts.map(({ accountid }) => accountid));
  const parents = (await rows('contacts')).map((row) => row['_parentcustomerid_value']);
  const employed = parents.filter((parent) => parent !== null);
  expect(employed.length / parents.length).toBeGreaterThan(0.8);
  expect(employed.filter((parent) => !ids.has(parent))).toEqual([]);
  expect(new Set(employed)).toEqual(ids);
});

test('both doors take every edit that simulated people make', async () => {
  const { marketo, dataverse } = await remotes();
  const errors: unknown[] = [];
  let edits = 0;
  await new Promise<void>((resolve) => {
    const life = startLife({
      marketo,
      dataverse,
      seed: 'busy',
      editsPerMinute: 600_000,
      onError: (error) => errors.push(error),
      onEdit: () => {
        edits += 1;
        if (edits === 600) void life.stop().then(() => resolve());
      },
    });
  });
  expect(errors).toEqual([]);
});

const lower = (value: unknown): string => (typeof value === 'string' ? value.toLowerCase() : '');
