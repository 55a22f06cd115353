import { describe, expect, it } from 'vitest';

import type { ColumnAccess } from '../../dynamics/index.js';
import { heardParts } from './batch-wire.js';
import { errorReply, id } from './fake-dataverse.js';
import {
  ATTRIBUTE_PRIVILEGES,
  column,
  everything,
  LEAD,
  ok,
  type Part,
  privileges,
  refused,
  secured,
  serve,
  USER,
} from './rights.js';
import { scene } from './scene.js';

const at = scene();
const MASKS = '/attributemaskingrules';

/** Rights on leads: an open column and a secured one, under these masking rules. */
async function rights(
  grants: Part,
  rules: Part,
  attributes: readonly unknown[] = [column(1, 'one'), column(2, 'two', secured)],
): Promise<Record<string, ColumnAccess>> {
  serve(at.fake, { [ATTRIBUTE_PRIVILEGES]: grants, [LEAD]: ok({ value: attributes }), [MASKS]: rules });
  return (await at.dynamics.access(USER, ['lead'])).lead;
}
const all = (number: number): object => ({ AttributeId: id(number), CanRead: 4, CanCreate: 4, CanUpdate: 4 });
const told = (access: ColumnAccess | undefined): string => access?.withheld ?? '';
const rule = (entityname: string, attributelogicalname: string): object => ({
  attributemaskingruleid: id(60),
  entityname,
  attributelogicalname,
});
const masks = (...list: unknown[]): Part => ok({ value: list });
const granted = (level: unknown): Part => privileges({ ...all(2), CanReadUnmasked: level });
const writable = { creatable: true, updatable: true };

describe('masks of secured columns', () => {
  it.each([0, 1, 3, '0', 'AllRecords'])(
    'are none where no masking rule names the column, at the level %j',
    async (level) => {
      const rules = masks(rule('lead', 'one'), rule('contact', 'two'));
      expect((await rights(granted(level), rules))['two']).toMatchObject(everything);
      expect(at.fake.heard).toHaveLength(2);
      const [part] = heardParts(at.fake.heard[1] ?? { headers: {}, body: '' });
      expect(part?.url).toMatch(/attributemaskingrules\?\$select=attributelogicalname,entityname$/);
    },
  );

  it.each([0, 1, 3])('hide a text that a masking rule names, at the level %j', async (level) => {
    for (const rules of [masks(rule('lead', 'two')), masks(rule('contact', 'one'), rule('Lead', 'TWO'))]) {
      const { two } = await rights(granted(level), rules);
      expect(two).toMatchObject({ readable: false, ...writable });
      expect(told(two)).toMatch(/masking rule is attached .* take the rule off/);
    }
  });

  it.each([
    ['refused', refused],
    ['not there', errorReply(404, '0x80060888')],
    ['HTML', { status: 200, body: '<html/>' }],
    ['of another form', ok({ rules: [] })],
    ['not the whole list', ok({ value: [], '@odata.nextLink': 'https://contoso.example/next' })],
    ['a list with a rule that names no column', ok({ value: [rule('lead', ''), rule('contact', 'one')] })],
    ['a list of nonsense', ok({ value: [null] })],
  ] satisfies [string, Part][])(
    'may hide any text where the rules are %s, and the advice is how to mend it',
    async (_what, answer) => {
      const { two } = await rights(granted(0), answer);
      expect(two).toMatchObject({ readable: false, ...writable });
      expect(told(two)).toMatch(/may come masked: .*prvReadAttributeMaskingRule.*, or .* not secured/);
    },
  );

  it.each([
    ['holds no text', granted(0), { AttributeType: 'Money' }],
    ['may not be read anyway', privileges({ ...all(2), CanRead: 0, CanReadUnmasked: 0 }), {}],
    ['is of a version that knows no masks', privileges(all(2)), {}],
  ])('are not asked about where the column %s', async (_what, grants, flags) => {
    const attributes = [column(1, 'one'), column(2, 'two', { ...secured, ...flags })];
    const { two } = await rights(grants, refused, attributes);
    expect(two?.creatable).toBe(true);
    expect(told(two)).toBe('');
    expect(at.fake.heard).toHaveLength(1);
  });

  it('may hide a column whose type is not told', async () => {
    const attributes = [column(2, 'two', { ...secured, AttributeType: undefined })];
    const { two } = await rights(granted(0), refused, attributes);
    expect(two?.readable).toBe(false);
  });

  it('are read with the strongest consistency, in one call for all columns', async () => {
    const attributes = [column(1, 'one', secured), column(2, 'two', secured)];
    const grants = privileges({ ...all(1), CanReadUnmasked: 0 }, { ...all(2), CanReadUnmasked: 1 });
    const found = await rights(grants, masks(rule('lead', 'two')), attributes);
    expect([found['one']?.readable, found['two']?.readable]).toEqual([true, false]);
    expect(at.fake.heard).toHaveLength(2);
    const [part] = heardParts(at.fake.heard[1] ?? { headers: {}, body: '' });
    expect(part?.headers).toMatchObject({ consistency: 'Strong' });
  });

  it('wait for a better answer where the server is only busy', async () => {
    await expect(rights(granted(0), { status: 503 })).rejects.toMatchObject({
      details: { type: 'Unavailable' },
    });
  });
});
