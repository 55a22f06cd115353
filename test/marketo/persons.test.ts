import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchFilterValues } from '../../marketo/filter-values.js';
import { halve } from '../../rules/halve.js';
import { FAILURES } from '../../rules/failures.js';
import { failureOf, ok, refuse, startRemote, type Seen } from './remote.js';

const valuesOf = ({ query }: Seen): string[] => (query.get('filterValues') ?? '').split(',');

describe('Persons', () => {
  it('are read by their filter, with id and filter field beside what was asked', async () => {
    const remote = await startRemote();
    remote.answer = () => ok([{ id: 501, email: 'a@x.io', isCustomer: false, leadScore: 10 }]);
    const query = { by: 'email', values: ['a@x.io'], fields: ['isCustomer', 'leadScore', 'title'] } as const;
    expect(await remote.connect().readPersons(query)).toEqual({
      persons: [
        { id: 501, values: { id: 501, email: 'a@x.io', isCustomer: false, leadScore: 10, title: null } },
      ],
      unaskable: [],
    });
    expect(remote.calls[0]).toMatchObject({ method: 'GET', path: '/rest/v1/leads.json' });
    expect(Object.fromEntries(remote.calls[0]?.query ?? [])).toEqual({
      filterType: 'email',
      filterValues: 'a@x.io',
      fields: 'id,email,isCustomer,leadScore,title',
      batchSize: '300',
    });
  });

  it('that nobody is come as an empty list, also when Marketo leaves the result out', async () => {
    const remote = await startRemote();
    remote.answer = () => ok();
    const query = { by: 'dynamicsId', values: ['7d1e'], fields: [] } as const;
    expect(await remote.connect().readPersons(query)).toEqual({ persons: [], unaskable: [] });
  });

  it('are read from all result pages, empty ones among them', async () => {
    const remote = await startRemote();
    remote.answer = (_seen, place) =>
      [
        ok([{ id: 1 }], { moreResult: true, nextPageToken: 'P1=' }),
        ok(undefined, { moreResult: true, nextPageToken: 'P2+/' }),
        ok([{ id: 2 }], { nextPageToken: 'P3' }),
        ok([{ id: 3 }], { moreResult: false, nextPageToken: 'P4' }),
      ][place] ?? refuse('610');
    const query = { by: 'email', values: ['a@x.io'], fields: ['id'] } as const;
    const { persons } = await remote.connect().readPersons(query);
    expect(persons.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(remote.calls.map((call) => call.query.get('nextPageToken'))).toEqual([null, 'P1=', 'P2+/', 'P3']);
  });

  it('are asked for 300 values at a time, in a body when the address would be too long', async () => {
    const remote = await startRemote();
    remote.answer = (seen) => ok(valuesOf(seen).map((value) => ({ id: Number(value.slice(-12)) })));
    const ids = Array.from({ length: 700 }, (_, index) => index);
    const values = ids.map((id) => `7d1e0000-0000-4000-8000-${String(id).padStart(12, '0')}`);
    const { persons } = await remote.connect().readPersons({ by: 'dynamicsId', values, fields: ['id'] });
    expect(persons.map(({ id }) => id)).toEqual(ids);
    expect(remote.calls.map((call) => valuesOf(call).length)).toEqual([300, 300, 100]);
    expect(remote.calls.map(({ method }) => method)).toEqual(['POST', 'POST', 'GET']);
    expect(remote.calls[0]?.query.get('_method')).toBe('GET');
    expect(remote.calls[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded');
  });

  it('with one e-mail in two spellings are asked for once', async () => {
    const remote = await startRemote();
    const values = ['Ada@Acme.example', 'ada@acme.example', 'bo+b@acme.example'];
    await remote.connect().readPersons({ by: 'email', values, fields: [] });
    expect(remote.calls.map(valuesOf)).toEqual([['Ada@Acme.example', 'bo+b@acme.example']]);
  });

  it('whose value holds a comma, or nothing, are not asked for but named', async () => {
    const remote = await startRemote();
    const values = ['"doe, jo"@acme.example', '', 'jo@acme.example'];
    const { unaskable } = await remote.connect().readPersons({ by: 'email', values, fields: [] });
    expect(unaskable).toEqual([
      { value: '"doe, jo"@acme.example', because: 'comma' },
      { value: '', because: 'blank' },
    ]);
    expect(remote.calls.map(valuesOf)).toEqual([['jo@acme.example']]);
  });

  it('cost no call when there is nothing to ask', async () => {
    const remote = await startRemote();
    expect(await remote.connect().readPersons({ by: 'id', values: [], fields: ['email'] })).toEqual({
      persons: [],
      unaskable: [],
    });
    expect(remote.signIns).toEqual([]);
  });

  it('of which there are too many are asked for in halves, down to the value that has them', async () => {
    const remote = await startRemote();
    remote.answer = (seen) =>
      valuesOf(seen).includes('info@acme.example')
        ? refuse('1003', 'Too many results match the filter')
        : ok(valuesOf(seen).map((email) => ({ id: Number.parseInt(email), email })));
    const others = Array.from({ length: 9 }, (_, index) => `${index + 1}@acme.example`);
    const values = [...others.slice(0, 4), 'info@acme.example', ...others.slice(4)];
    const { persons, unaskable } = await remote.connect().readPersons({ by: 'email', values, fields: [] });
    expect(persons.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(unaskable).toEqual([{ value: 'info@acme.example', because: 'tooMany' }]);
  });

  it('by id cannot be too many: 1003 surfaces', async () => {
    const remote = await startRemote();
    remote.answer = () => refuse('1003');
    const work = remote.connect().readPersons({ by: 'id', values: [1, 2, 3], fields: [] });
    expect(await failureOf(work)).toMatchObject({ type: FAILURES.refusedCall, code: '1003' });
    expect(remote.calls).toHaveLength(1);
  });

  it('with a value that is no field value are garbage, named by place and not by value', async () => {
    const remote = await startRemote();
    remote.answer = () => ok([{ id: 1, title: { secret: 'life' } }]);
    const failure = await failureOf(
      remote.connect().readPersons({ by: 'id', values: [1], fields: ['title'] }),
    );
    expect(failure).toMatchObject({ type: FAILURES.unavailable, code: 'garbage' });
    expect(failure.message).toContain('result.0.title');
    expect(failure.message).not.toContain('life');
  });
});

describe('Batches of filter values', () => {
  const anyValue = fc.oneof(
    fc.string(),
    fc.emailAddress(),
    fc.integer(),
    fc.constantFrom('a@x', 'A@x', 'a,b', ' '),
  );

  it('hold every value once in some spelling, in order, at most 300 together and no comma', () => {
    fc.assert(
      fc.property(fc.array(anyValue, { maxLength: 1_000 }), (values) => {
        const { batches, unaskable } = batchFilterValues(values);
        const asked = batches.flat();
        const all = [...asked, ...unaskable.map(({ value }) => value)];
        const spellings = new Set(values.map((value) => String(value).toLowerCase()));
        expect(new Set(all.map((value) => value.toLowerCase()))).toEqual(spellings);
        expect(all).toHaveLength(spellings.size);
        expect(asked.join(',').split(',').filter(Boolean)).toEqual(asked);
        for (const batch of batches) expect(batch.length).toBeGreaterThan(0);
        for (const batch of batches.slice(0, -1)) expect(batch).toHaveLength(300);
        expect(batches.at(-1)?.length ?? 0).toBeLessThanOrEqual(300);
      }),
    );
  });

  it('in halves lose nothing and always become smaller', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 2 }), (batch) => {
        const [first, second] = halve(batch);
        expect([...first, ...second]).toEqual(batch);
        expect(Math.min(first.length, second.length)).toBeGreaterThan(0);
      }),
    );
  });

  it('bring back every person over HTTP, whatever the number of values and the one that has too many', async () => {
    const remote = await startRemote();
    const marketo = remote.connect();
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(100_000), { maxLength: 650 }), fc.nat(), async (ids, pick) => {
        const crowded = ids[pick % Math.max(1, ids.length)];
        const held = ids.map((id) => `p${id}`);
        remote.answer = (seen) =>
          valuesOf(seen).includes(`p${crowded ?? ''}`)
            ? refuse('1003')
            : ok(valuesOf(seen).map((value) => ({ id: Number(value.slice(1)), dynamicsId: value })));
        const read = await marketo.readPersons({ by: 'dynamicsId', values: held, fields: [] });
        expect(read.persons.map(({ id }) => id)).toEqual(ids.filter((id) => id !== crowded));
        expect(read.unaskable).toEqual(
          crowded === undefined ? [] : [{ value: `p${crowded}`, because: 'tooMany' }],
        );
      }),
      { numRuns: 15 },
    );
  });
});
