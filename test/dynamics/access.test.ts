import { describe, expect, it } from 'vitest';

import type { Access } from '../../dynamics/index.js';
import { batchReply, heardParts } from './batch-wire.js';
import { errorReply, id } from './fake-dataverse.js';
import {
  allRoles,
  ATTRIBUTE_PRIVILEGES,
  column,
  LEAD,
  nothing,
  ok,
  type Part,
  privileges,
  secured,
  serve,
  TABLE_PRIVILEGES,
  USER,
} from './rights.js';
import { scene } from './scene.js';

const at = scene();

async function leadAccess(
  grants: Part,
  attributes: readonly unknown[],
  tables: Part = allRoles,
): Promise<Access['lead']> {
  serve(at.fake, {
    [ATTRIBUTE_PRIVILEGES]: grants,
    [TABLE_PRIVILEGES]: tables,
    [LEAD]: ok({ value: attributes }),
  });
  return (await at.dynamics.access(USER, ['lead'])).lead;
}

describe('what the sync user may do', () => {
  it('is asked in one call, past the caches of the server', async () => {
    serve(at.fake, { [LEAD]: ok({ value: [column(1, 'firstname')] }) });
    const access = await at.dynamics.access(USER, ['lead', 'contact']);
    expect(access).toEqual({
      lead: { firstname: { readable: true, creatable: true, updatable: true, secured: false } },
      contact: {},
    });
    expect(at.fake.heard).toHaveLength(1);
    const [batch] = at.fake.heard;
    expect(batch?.headers['consistency']).toBe('Strong');
    expect(batch && heardParts(batch).map(({ headers }) => headers['consistency'])).toEqual([
      'Strong',
      'Strong',
      'Strong',
      'Strong',
    ]);
    expect(batch && heardParts(batch).some(({ headers }) => 'content-type' in headers)).toBe(false);
  });

  it('is granted column by column where columns are secured', async () => {
    const access = await leadAccess(
      privileges(
        { AttributeId: id(1).toUpperCase(), CanRead: 4, CanCreate: 4, CanUpdate: 0 },
        { AttributeId: id(2), CanRead: 0, CanCreate: 0, CanUpdate: 4 },
      ),
      [column(1, 'one', secured), column(2, 'two', secured), column(3, 'three', secured), column(4, 'open')],
    );
    expect(access).toEqual({
      one: { readable: true, creatable: true, updatable: false, secured: true },
      two: { readable: false, creatable: false, updatable: true, secured: true },
      three: nothing,
      open: { readable: true, creatable: true, updatable: true, secured: false },
    });
  });

  it('is never more than the column allows anybody', async () => {
    const all = { AttributeId: id(1), CanRead: 4, CanCreate: 4, CanUpdate: 4 };
    const access = await leadAccess(privileges(all), [
      column(1, 'fullname', { ...secured, IsValidForCreate: false, IsValidForUpdate: false }),
      column(2, 'createdon', { IsValidForCreate: false, IsValidForUpdate: false }),
    ]);
    expect(access).toMatchObject({
      fullname: { readable: true, creatable: false, updatable: false },
      createdon: { readable: true, creatable: false, updatable: false },
    });
  });

  it.each([
    ['refused', errorReply(403, '0x80040220')],
    ['not there', errorReply(404, '0x8006088a')],
    ['HTML', { status: 200, body: '<html/>' }],
    ['of another shape', ok({ value: [{ AttributeId: id(1), CanRead: 4 }] })],
    ['a list of nonsense', privileges({ AttributeId: 7, CanRead: 4 })],
    ['empty', privileges()],
    ['in words', privileges({ AttributeId: id(1), CanRead: 'Allowed', CanCreate: 'yes', CanUpdate: true })],
    [
      'against itself',
      privileges(
        { AttributeId: id(1), CanRead: 4, CanCreate: 4, CanUpdate: 4 },
        { AttributeId: id(1), CanRead: 0, CanCreate: 0, CanUpdate: 0 },
      ),
    ],
  ])('is nothing on a secured column when the answer is %s', async (_what, grants) => {
    const access = await leadAccess(grants, [column(1, 'one', secured), column(2, 'open')]);
    expect(access['one']).toMatchObject(nothing);
    expect(access['open']).toMatchObject({ readable: true });
  });

  it('is nothing on a column whose flags are not understood', async () => {
    const odd = { LogicalName: 'odd', IsSecured: 'no', IsValidForRead: 'yes' };
    expect(await leadAccess(privileges(), [odd, 'nonsense', {}])).toEqual({ odd: { ...nothing } });
  });

  it('waits for a better answer where the server is only busy', async () => {
    await expect(leadAccess({ status: 503 }, [column(1, 'one', secured)])).rejects.toMatchObject({
      details: { type: 'Unavailable' },
    });
    serve(at.fake, { [LEAD]: { status: 200, body: '{"value":[' } });
    await expect(at.dynamics.access(USER, ['lead'])).rejects.toMatchObject({
      details: { type: 'Unavailable' },
    });
    at.fake.answer = () => batchReply([privileges()]);
    await expect(at.dynamics.access(USER, ['lead'])).rejects.toMatchObject({
      details: { type: 'Unavailable', effect: 'none' },
    });
  });
});

describe('the columns of a table', () => {
  const text = (label: string | null): object => ({
    UserLocalizedLabel: label === null ? null : { Label: label, LanguageCode: 1033 },
    LocalizedLabels: [{ Label: 'erste', LanguageCode: 1031 }],
  });
  const cast = (type: string, ...value: object[]): Record<string, Part> => ({
    [`Microsoft.Dynamics.CRM.${type}AttributeMetadata`]: ok({ value }),
  });

  it('come with type, limits, options and rights, in one call', async () => {
    serve(at.fake, {
      [ATTRIBUTE_PRIVILEGES]: privileges({ AttributeId: id(2), CanRead: 4, CanCreate: 0, CanUpdate: 0 }),
      [LEAD]: ok({
        value: [
          column(1, 'firstname'),
          column(2, 'revenue', { ...secured, AttributeType: 'Money' }),
          column(3, 'leadsourcecode', { AttributeType: 'Picklist' }),
          column(4, 'new_tags', {
            AttributeType: 'Virtual',
            AttributeTypeName: { Value: 'MultiSelectPicklistType' },
          }),
          column(5, 'estimatedclosedate', { AttributeType: 'DateTime' }),
          column(6, 'modifiedon', { AttributeType: 'DateTime', IsValidForUpdate: false }),
          column(7, 'masterid', { AttributeType: 'Lookup' }),
          column(8, 'new_strange', { AttributeType: 'Hologram' }),
          column(9, 'leadsourcecodename', { AttributeType: 'Virtual', AttributeOf: 'leadsourcecode' }),
          column(10, 'entityimage', { AttributeType: 'Virtual', AttributeTypeName: { Value: 'ImageType' } }),
        ],
      }),
      ...cast('String', { LogicalName: 'firstname', MaxLength: 50 }),
      ...cast('Money', { LogicalName: 'revenue', MinValue: 0, MaxValue: 100000000000000, Precision: 2 }),
      ...cast('Picklist', {
        LogicalName: 'leadsourcecode',
        OptionSet: {
          Options: [
            { Value: 1, Label: text('Web') },
            { Value: 2, Label: text(null) },
            { Value: 3, Label: null },
          ],
        },
        GlobalOptionSet: null,
      }),
      ...cast('MultiSelectPicklist', {
        LogicalName: 'new_tags',
        OptionSet: null,
        GlobalOptionSet: { Options: [{ Value: 9, Label: text('Blue') }] },
      }),
      ...cast(
        'DateTime',
        { LogicalName: 'estimatedclosedate', DateTimeBehavior: { Value: 'DateOnly' } },
        { LogicalName: 'modifiedon', DateTimeBehavior: { Value: 'UserLocal' } },
      ),
    });
    const open = { secured: false, readable: true, creatable: true, updatable: true };
    expect(await at.dynamics.columns('lead', USER)).toEqual([
      { name: 'firstname', type: 'string', maxLength: 50, ...open },
      {
        name: 'revenue',
        type: 'money',
        min: 0,
        max: 1e14,
        precision: 2,
        secured: true,
        readable: true,
        creatable: false,
        updatable: false,
      },
      {
        name: 'leadsourcecode',
        type: 'picklist',
        ...open,
        options: [
          { value: 1, label: 'Web' },
          { value: 2, label: 'erste' },
          { value: 3, label: '3' },
        ],
      },
      { name: 'new_tags', type: 'multiselect', options: [{ value: 9, label: 'Blue' }], ...open },
      { name: 'estimatedclosedate', type: 'dateOnly', ...open },
      { name: 'modifiedon', type: 'datetime', ...open, updatable: false },
      { name: 'masterid', type: 'lookup', ...open },
      { name: 'new_strange', type: 'unknown', ...open },
    ]);
    expect(at.fake.heard).toHaveLength(1);
    expect(at.fake.heard[0]?.headers).not.toHaveProperty('consistency');
  });

  it('are read past the caches when asked so', async () => {
    serve(at.fake, {});
    expect(await at.dynamics.columns('lead', USER, { strong: true })).toEqual([]);
    expect(at.fake.heard[0]?.headers['consistency']).toBe('Strong');
  });

  it('are not given by halves', async () => {
    serve(at.fake, { 'Microsoft.Dynamics.CRM.PicklistAttributeMetadata': errorReply(500, '0x80040216') });
    await expect(at.dynamics.columns('lead', USER)).rejects.toMatchObject({
      details: { type: 'Unavailable' },
    });
  });
});
