import { expect, test } from 'vitest';
import { startLife, type LifeEdit, type LifeOptions } from '../../simulators/life.js';
import { crowdOf, planner, type Deed, type KnownRecord } from '../../simulators/life-plan.js';
import { seededRandom } from '../../simulators/population/random.js';
import { twoSides, type TwoSides } from './two-sides.js';

const FAST = 60_000;

function signal(): { promise: Promise<null>; resolve: (value: null) => void } {
  let resolve: (value: null) => void = () => undefined;
  const promise = new Promise<null>((done) => (resolve = done));
  return { promise, resolve };
}

const humans = (number: number) => ({
  persons: Array.from({ length: number }, (_, n) => ({ id: n + 1, email: `p${n}@example.com` })),
  leads: Array.from({ length: number }, (_, n) => ({
    leadid: `lead-${n}`,
    emailaddress1: `P${n}@example.com`,
  })),
  contacts: Array.from({ length: number }, (_, n) => ({ contactid: `contact-${n}`, emailaddress1: null })),
});

/** Lives until so many edits are made, then stops. */
async function lived(sides: TwoSides, edits: number, more: Partial<LifeOptions> = {}) {
  const made: LifeEdit[] = [];
  const enough = signal();
  const life = startLife({
    marketo: sides.origin,
    dataverse: sides.origin,
    seed: 'life',
    editsPerMinute: FAST,
    onEdit: (edit) => {
      made.push(edit);
      if (made.length === edits) enough.resolve(null);
    },
    ...more,
  });
  await enough.promise;
  return { made, stopped: await life.stop() };
}

/** What a planner decides for an unchanging crowd. */
function planned(seed: string, rounds: number): Deed[] {
  const { persons, leads, contacts } = humans(50);
  const records: KnownRecord[] = [
    ...persons.map(({ id, email }): KnownRecord => ({ side: 'marketo', id, email })),
    ...leads.map(({ leadid }, n): KnownRecord => ({
      side: 'dynamics',
      table: 'leads',
      id: leadid,
      email: `p${n}@example.com`,
    })),
    ...contacts.map(({ contactid }): KnownRecord => ({
      side: 'dynamics',
      table: 'contacts',
      id: contactid,
      email: '',
    })),
  ];
  const plan = planner(seededRandom(seed));
  const crowd = crowdOf(records);
  return Array.from({ length: rounds }, () => plan(crowd)).flat();
}

test('edits arrive on both sides, and all of them are counted', async () => {
  const sides = await twoSides(humans(20));
  const { made, stopped } = await lived(sides, 60);
  expect(stopped.edits).toBe(made.length);
  expect(sides.calls).toHaveLength(made.length);
  expect(sides.calls.some(({ call }) => call.startsWith('PATCH /admin/persons/'))).toBe(true);
  expect(sides.calls.some(({ call }) => call.startsWith('PATCH /admin/rows/leads/'))).toBe(true);
  expect(sides.calls.some(({ call }) => call.startsWith('PATCH /admin/rows/contacts/'))).toBe(true);
});

test('after stop no edit begins', async () => {
  const sides = await twoSides(humans(5));
  const { stopped } = await lived(sides, 10);
  const calls = sides.calls.length;
  await fetch(`${sides.origin}/admin/persons?afterId=0&limit=1`);
  expect(sides.calls).toHaveLength(calls);
  expect(stopped.edits).toBe(calls);
});

test('life can be stopped long before its first edit is due', async () => {
  const sides = await twoSides(humans(5));
  const life = startLife({
    marketo: sides.origin,
    dataverse: sides.origin,
    seed: 1,
    editsPerMinute: 0.000_01,
  });
  expect(await life.stop()).toEqual({ edits: 0 });
  expect(sides.calls).toEqual([]);
});

test('a door that fails is told of, and life goes on', async () => {
  const sides = await twoSides(humans(5));
  sides.failing = 3;
  const errors: unknown[] = [];
  const { made } = await lived(sides, 5, { onError: (error) => errors.push(error) });
  expect(errors).toHaveLength(3);
  expect(String(errors[0])).toContain('500');
  expect(made.length).toBeGreaterThanOrEqual(5);
});

test('a record that somebody else deleted is no edit and no error', async () => {
  const sides = await twoSides(humans(10));
  const errors: unknown[] = [];
  const gone = (call: string): boolean => /persons|lead-|contact-/.test(call);
  let edits = 0;
  const { promise, resolve } = signal();
  const life = startLife({
    marketo: sides.origin,
    dataverse: sides.origin,
    seed: 'life',
    editsPerMinute: FAST,
    onError: (error) => errors.push(error),
    onEdit: ({ what }) => {
      edits += 1;
      sides.persons.clear();
      sides.leads.clear();
      sides.contacts.clear();
      if (what === 'create') resolve(null);
    },
  });
  await promise;
  expect((await life.stop()).edits).toBe(edits);
  expect(sides.calls.filter(({ call }) => gone(call)).length).toBeGreaterThan(0);
  expect(errors).toEqual([]);
});

test('an empty world fills with new leads', async () => {
  const sides = await twoSides();
  await lived(sides, 4);
  expect(sides.leads.size).toBeGreaterThanOrEqual(4);
  for (const lead of sides.leads.values())
    expect(lead['emailaddress1']).toMatch(/^[\x21-\x7e]+@[\x21-\x7e]+$/);
});

test('people fill in forms when they are asked to, most of them new, and all with an address', async () => {
  const sides = await twoSides(humans(20));
  const { made } = await lived(sides, 60, { forms: 1 });
  expect(new Set(made.map(({ what }) => what))).toEqual(new Set(['form']));
  expect(sides.calls.every(({ call }) => call === 'POST /admin/forms/fill')).toBe(true);
  expect(sides.persons.size).toBeGreaterThan(50);
  expect(sides.persons.size).toBeLessThan(20 + made.length);
  for (const { email } of sides.persons.values()) expect(email).toMatch(/^[\x21-\x7e]+@[\x21-\x7e]+$/);
});

test('without forms people do what they always did', () => {
  expect(planned('one', 200).some(({ what }) => what === 'form')).toBe(false);
});

test.each([0, -1, NaN])('%d edits a minute are refused', (editsPerMinute) => {
  const origin = 'http://127.0.0.1:9';
  expect(() => startLife({ marketo: origin, dataverse: origin, seed: 1, editsPerMinute })).toThrow(
    RangeError,
  );
});

test('the seed decides what people do', () => {
  expect(planned('one', 200)).toEqual(planned('one', 200));
  expect(planned('one', 200)).not.toEqual(planned('two', 200));
});

test('people edit, opt out, collide, make leads, and rarely delete', () => {
  const deeds = planned('shares', 4000);
  const share = (what: Deed['what']): number =>
    deeds.filter((deed) => deed.what === what).length / deeds.length;
  expect(share('edit')).toBeGreaterThan(0.8);
  expect(share('unsubscribe')).toBeGreaterThan(0.02);
  expect(share('create')).toBeGreaterThan(0.02);
  expect(share('delete')).toBeGreaterThan(0);
  expect(share('delete')).toBeLessThan(0.01);
});

test('nobody edits the address by which records are matched', () => {
  const edited = planned('fields', 4000).flatMap((deed) =>
    deed.what === 'edit' ? Object.keys(deed.values) : [],
  );
  expect(edited).toContain('phone');
  expect(edited).toContain('telephone1');
  expect(edited).not.toContain('email');
  expect(edited).not.toContain('emailaddress1');
});

test('a collision edits one field of one human on both sides', () => {
  const pair: readonly KnownRecord[] = [
    { side: 'marketo', id: 1, email: 'a@example.com' },
    { side: 'dynamics', table: 'contacts', id: 'c', email: 'a@example.com' },
  ];
  const plan = planner(seededRandom('collisions'));
  const twos = Array.from({ length: 500 }, () => plan(crowdOf([...pair]))).filter(
    (deeds) => deeds.length === 2,
  );
  expect(twos.length).toBeGreaterThan(10);
  for (const deeds of twos) {
    expect(deeds.map((deed) => (deed.what === 'edit' ? deed.record.side : deed.what)).sort()).toEqual([
      'dynamics',
      'marketo',
    ]);
  }
});
