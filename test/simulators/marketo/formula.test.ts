import { describe, expect, it } from 'vitest';
import { computed, fieldsIn } from '../../../simulators/marketo/fields/formula.js';
import { readAll, start, tokenSince, type Row } from './client.js';

describe('a formula', () => {
  const read = (values: Readonly<Record<string, string | number>>) => (name: string) => values[name] ?? null;

  it('shows its fields in its text, with single blanks', () => {
    const text = '{salutation} {firstName}  {lastName} ({leadScore})';
    expect(fieldsIn(text)).toEqual(['salutation', 'firstName', 'lastName', 'leadScore']);
    expect(computed(text, read({ firstName: 'Ada', leadScore: 0 }))).toBe('Ada (0)');
  });

  it('is empty when all its fields are', () => {
    expect(computed('{a}, {b}', read({}))).toBeNull();
  });
});

describe('a formula field', () => {
  it('is computed, described as not updateable, and never written', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io', firstName: 'Ada', lastName: 'Byron' }] });
    const read = async () =>
      (await subject.get('/lead/1001.json', { fields: 'formalName' })).result[0]?.['formalName'];
    expect(await read()).toBe('Ada Byron');
    await subject.sync([{ email: 'a@x.io', salutation: 'Countess', lastName: 'King' }]);
    expect(await read()).toBe('Countess Ada King');
    const { result } = await subject.sync([{ email: 'a@x.io', formalName: 'x' }]);
    expect(result).toMatchObject([{ status: 'skipped', reasons: [{ code: '1003' }] }]);
    await expect(subject.admin('PATCH', '/persons/1001', { formalName: 'x' })).rejects.toThrow('read-only');
    const fields = (await subject.get('/leads/describe2.json')).result[0]?.['fields'] as Row[];
    expect(fields.find(({ name }) => name === 'formalName')).toEqual({
      name: 'formalName',
      displayName: 'Formal Name',
      dataType: 'formula',
      updateable: false,
      crmManaged: false,
    });
  });

  it('is in no activity and among no lead changes, although what it shows is', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io', firstName: 'Ada' }] });
    const since = await tokenSince(subject, new Date().toISOString());
    await subject.sync([{ email: 'a@x.io', firstName: 'Augusta' }]);
    const changes = async (fields: string) =>
      (await readAll(subject, '/activities/leadchanges.json', since, { fields })).items;
    expect(await changes('formalName')).toEqual([]);
    expect(await changes('formalName,firstName')).toHaveLength(1);
    const { activities } = await subject.admin('GET', '/activities?typeId=13');
    expect((activities as Row[]).map((row) => row['field'])).toEqual(['firstName']);
  });

  it('can be made by an administrator, of fields that are there; other fields too', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io', city: 'Oslo', country: 'Norway' }] });
    const make = (field: Row) => subject.admin('POST', '/fields', field);
    const place = { name: 'place', displayName: 'Place', dataType: 'formula', formula: '{city}, {country}' };
    expect((await make(place))['field']).toMatchObject({ readOnly: true, apiCreated: false });
    expect((await subject.get('/lead/1001.json', { fields: 'place' })).result[0]?.['place']).toBe(
      'Oslo, Norway',
    );
    await make({ name: 'story', displayName: 'Story', dataType: 'text' });
    await subject.sync([{ email: 'a@x.io', story: 'x'.repeat(1000) }]);
    expect((await subject.get('/leads/schema/fields/story.json')).result).toMatchObject([
      { dataType: 'text', isCustom: true, isApiCreated: false },
    ]);
    await expect(make(place)).rejects.toThrow('already');
    await expect(make({ ...place, name: 'p2', formula: '{nope}' })).rejects.toThrow("names 'nope'");
    await expect(make({ ...place, name: 'p2', formula: '{place}' })).rejects.toThrow('a formula itself');
    await expect(make({ ...place, name: 'p2', dataType: 'string' })).rejects.toThrow('has a formula');
    await expect(make({ ...place, name: '2p' })).rejects.toThrow('letter');
  });
});
