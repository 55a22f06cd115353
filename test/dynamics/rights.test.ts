import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { ColumnAccess } from '../../dynamics/index.js';
import { heardParts } from './batch-wire.js';
import { errorReply, id } from './fake-dataverse.js';
import {
  ALL_NAMES,
  allRoles,
  ATTRIBUTE_PRIVILEGES,
  column,
  everything,
  LEAD,
  nothing,
  ok,
  type Part,
  privileges,
  refused,
  roles,
  secured,
  serve,
  TABLE_PRIVILEGES,
  USER,
} from './rights.js';
import { scene } from './scene.js';

const at = scene();

interface Answers {
  readonly grants?: Part;
  readonly tables?: Part;
  readonly attributes?: readonly unknown[];
  readonly more?: Readonly<Record<string, Part>>;
}
async function rights({ grants, tables, attributes, more }: Answers): Promise<Record<string, ColumnAccess>> {
  serve(at.fake, {
    [ATTRIBUTE_PRIVILEGES]: grants ?? privileges(),
    [TABLE_PRIVILEGES]: tables ?? allRoles,
    [LEAD]: ok({ value: attributes ?? [column(1, 'one'), column(2, 'two', secured)] }),
    ...more,
  });
  return (await at.dynamics.access(USER, ['lead'])).lead;
}
const all = (number: number): object => ({ AttributeId: id(number), CanRead: 4, CanCreate: 4, CanUpdate: 4 });
const told = (access: ColumnAccess | undefined): string => access?.withheld ?? '';

describe('rights on the table as a whole', () => {
  it('take away what no role grants, and say which privilege is missing', async () => {
    const { one } = await rights({ tables: roles(['prvCreateLead', 'prvReadContact', 'PRVWRITELEAD']) });
    expect(one).toMatchObject({ readable: false, creatable: true, updatable: true });
    expect(told(one)).toBe('No role of the sync user has prvReadLead.');
    expect((await rights({ tables: roles(['prvReadLead']) }))['one']).toEqual({
      readable: true,
      creatable: false,
      updatable: false,
      secured: false,
    });
  });

  it.each([
    ['refused', refused, /refused RetrieveUserPrivileges \(0x80040220\): give .* prvReadUser/],
    ['not there', errorReply(404, '0x8006088a'), /refused .* \(0x8006088a\)/],
    ['HTML', { status: 200, body: '<html/>' }, /not understood/],
    ['empty', { status: 200, body: '' }, /not understood/],
    [
      'of another shape',
      ok({ value: [{ PrivilegeName: 'prvReadLead', Depth: 'Global' }] }),
      /not understood/,
    ],
    ['a list in words', ok({ RolePrivileges: 'all' }), /not understood/],
    ['an empty list', ok({ RolePrivileges: [] }), /prvReadLead/],
    ['a list of nonsense', ok({ RolePrivileges: [null, 7, 'prvReadLead', {}, []] }), /prvReadLead/],
    [
      'without names that anybody knows',
      ok({ RolePrivileges: [{ Depth: 'Global', PrivilegeId: id(1) }] }),
      /prvReadLead/,
    ],
    ['without a depth', ok({ RolePrivileges: [{ PrivilegeName: 'prvReadLead' }] }), /prvReadLead/],
    ['of a depth that is no word', roles(ALL_NAMES, 'Everywhere'), /prvReadLead/],
    ['of no depth', roles(ALL_NAMES, null), /prvReadLead/],
  ] satisfies [string, Part, RegExp][])(
    'are none where the answer is %s, which is said',
    async (_what, tables, why) => {
      const { one } = await rights({ tables });
      expect(one).toMatchObject({ readable: false, creatable: false, updatable: false });
      expect(told(one)).toMatch(why);
    },
  );

  it.each(['Global', 'global', ' GLOBAL ', 3, '3'])('may be read at depth %j', async (depth) => {
    expect((await rights({ tables: roles(ALL_NAMES, depth) }))['one']).toMatchObject(everything);
  });

  it.each(['Basic', 'Local', 'Deep', 0, 1, 2, '0'])(
    'at depth %j let write, not read changes',
    async (depth) => {
      const { one } = await rights({ tables: roles(ALL_NAMES, depth) });
      expect(one).toMatchObject({ readable: false, creatable: true, updatable: true });
      expect(told(one)).toMatch(/prvReadLead is held at the depth \w+, but .* organization level/);
    },
  );

  it('are as deep as the deepest role', async () => {
    const entry = (Depth: string): object => ({ Depth, PrivilegeName: 'prvReadLead', PrivilegeId: id(1) });
    for (const depths of [
      ['Basic', 'Global', 'Local'],
      ['Global', 'Basic'],
    ]) {
      const { one } = await rights({ tables: ok({ RolePrivileges: depths.map(entry) }) });
      expect(one?.readable).toBe(true);
    }
  });
});

describe('privileges without names', () => {
  const unnamed = ok({
    RolePrivileges: ALL_NAMES.map((_name, index) => ({
      Depth: 'Global',
      PrivilegeId: id(index).toUpperCase(),
    })),
  });
  const named = (names: readonly string[]): Record<string, Part> => ({
    '/privileges': ok({ value: names.map((name, index) => ({ name, privilegeid: `{${id(index)}}` })) }),
  });

  it('are named by one more call, for just the privileges that matter', async () => {
    expect((await rights({ tables: unnamed, more: named(ALL_NAMES) }))['one']).toMatchObject(everything);
    expect(at.fake.heard).toHaveLength(2);
    const [part] = heardParts(at.fake.heard[1] ?? { headers: {}, body: '' });
    expect(decodeURIComponent(part?.url ?? '')).toBe(
      "/api/data/v9.2/privileges?$select=name,privilegeid&$filter=name eq 'prvReadLead' or name eq 'prvCreateLead' or name eq 'prvWriteLead'",
    );
  });

  it('are none where the names are refused, or contradict each other', async () => {
    for (const more of [
      { '/privileges': refused },
      { '/privileges': ok('no') },
      named([]),
      {
        '/privileges': ok({
          value: ['prvReadLead', 'prvReadContact'].map((name) => ({ name, privilegeid: id(0) })),
        }),
      },
    ]) {
      const { one } = await rights({ tables: unnamed, more });
      expect(one).toMatchObject({ readable: false, creatable: false, updatable: false });
    }
  });

  it('beside all that matter cost nothing', async () => {
    const mixed = { RolePrivileges: [{ Depth: 'Global', PrivilegeId: id(1) }] };
    mixed.RolePrivileges.push(...(allRoles.body as typeof mixed).RolePrivileges);
    expect((await rights({ tables: ok(mixed) }))['one']).toMatchObject(everything);
    expect(at.fake.heard).toHaveLength(1);
  });
});

describe('rights on a secured column', () => {
  it.each([
    ['by number', { CanRead: 4, CanCreate: 0, CanUpdate: 4 }, [true, false, true]],
    ['by number in quotes', { CanRead: '4', CanCreate: '0', CanUpdate: '4' }, [true, false, true]],
    ['in words', { CanRead: 'Allowed', CanCreate: true, CanUpdate: 'true' }, [false, false, false]],
    ['by other numbers', { CanRead: 1, CanCreate: 5, CanUpdate: 44 }, [false, false, false]],
    ['in part', { CanRead: 4 }, [true, false, false]],
    ['with null', { CanRead: null, CanCreate: 4, CanUpdate: null }, [false, true, false]],
    ['in another case', { canread: 4, cancreate: 4, canupdate: 4 }, [false, false, false]],
    ['all unmasked', { CanRead: 4, CanCreate: 4, CanUpdate: 4, CanReadUnmasked: 3 }, [true, true, true]],
    ['without a word of masks', { CanRead: 4, CanReadUnmasked: null }, [true, false, false]],
    ['not unmasked', { CanRead: 4, CanUpdate: 4, CanReadUnmasked: 0 }, [true, false, true]],
    ['unmasked one by one', { CanRead: 4, CanUpdate: 4, CanReadUnmasked: 1 }, [true, false, true]],
  ])('are read as they are meant: %s', async (_what, entry, [readable, creatable, updatable]) => {
    const { two } = await rights({ grants: privileges({ AttributeId: id(2), ...entry }) });
    expect(two).toMatchObject({ readable, creatable, updatable });
  });

  it('take ids in any case and in braces, and none of other tables', async () => {
    const grants = privileges({ ...all(2), AttributeId: `{${id(2).toUpperCase()}}` }, all(99), {
      ...all(1),
      AttributeId: 'x',
    });
    expect((await rights({ grants }))['two']).toMatchObject(everything);
    expect((await rights({ grants: privileges(all(98), all(99)) }))['two']).toMatchObject(nothing);
  });
});

describe('rights on secured columns where the function is refused', () => {
  const profileOf = (number: number): object => ({ fieldsecurityprofileid: id(number) });
  const permission = (profile: number, name: string, level: unknown, more: object = {}): object => ({
    _fieldsecurityprofileid_value: id(profile),
    entityname: 'lead',
    attributelogicalname: name,
    canread: level,
    cancreate: level,
    canupdate: level,
    ...more,
  });
  const elsewhere = (own: unknown[], teams: unknown[], permissions: unknown[]): Record<string, Part> => ({
    '/systemuserprofiles_association': ok({ value: own }),
    '/teammembership_association': ok({ value: teams }),
    '/fieldpermissions': ok({ value: permissions }),
  });

  it('come from the profiles of the user and of its teams, by one call more', async () => {
    const attributes = ['own', 'ofTeam', 'ofOthers', 'mixed'].map((name, index) =>
      column(index + 1, name, secured),
    );
    const access = await rights({
      grants: refused,
      attributes,
      more: elsewhere(
        [profileOf(31)],
        [{ teamid: id(40), teamprofiles_association: [profileOf(32)] }, { teamid: id(41) }],
        [
          permission(31, 'own', 4),
          permission(32, 'ofTeam', 4, { canupdate: 0 }),
          permission(33, 'ofOthers', 4),
          permission(31, 'mixed', 0),
          permission(32, 'mixed', 4),
          permission(31, 'own', 4, { entityname: 'contact' }),
        ],
      ),
    });
    expect(access).toMatchObject({
      own: everything,
      ofTeam: { readable: true, creatable: true, updatable: false },
      ofOthers: nothing,
      mixed: everything,
    });
    expect(at.fake.heard).toHaveLength(2);
  });

  it("come from the administrators' profile like from any other", async () => {
    const administrators = { fieldsecurityprofileid: '572329C1-A042-4E22-BE47-367C6374EA45' };
    const granted = permission(0, 'two', 4, {
      _fieldsecurityprofileid_value: administrators.fieldsecurityprofileid.toLowerCase(),
    });
    const { two } = await rights({ grants: refused, more: elsewhere([administrators], [], [granted]) });
    expect(two).toMatchObject(everything);
  });

  it.each([
    ['not unmasked', [permission(31, 'two', 4, { canreadunmasked: 0 })], true],
    ['unmasked', [permission(31, 'two', 4, { canreadunmasked: 3 })], true],
    ['against themselves', [permission(31, 'two', 4), permission(31, 'two', 0)], false],
    ['in words', [permission(31, 'two', 'Allowed')], false],
    ['without a column', [permission(31, '', 4), 'two', null], false],
  ])('where they are %s', async (_what, permissions, readable) => {
    const { two } = await rights({ grants: refused, more: elsewhere([profileOf(31)], [], permissions) });
    expect(two?.readable).toBe(readable);
  });

  it('go with masks, which are asked about in the same call', async () => {
    const rules = [{ entityname: 'lead', attributelogicalname: 'two' }];
    for (const [level, answer, readable] of [
      [0, ok({ value: rules }), false],
      [0, refused, false],
      [0, ok({ value: [] }), true],
      [undefined, refused, true],
    ] as const) {
      at.fake.heard.length = 0;
      const permissions = [permission(31, 'two', 4, { canreadunmasked: level })];
      const more = { ...elsewhere([profileOf(31)], [], permissions), '/attributemaskingrules': answer };
      const { two } = await rights({ grants: refused, more });
      expect(two?.readable).toBe(readable);
      expect(at.fake.heard).toHaveLength(2);
    }
  });

  it('are none where those tables are refused too, and the advice is to let us read them', async () => {
    const good = elsewhere([profileOf(31)], [], [permission(31, 'two', 4)]);
    const denied = [
      { ...good, '/fieldpermissions': refused },
      { ...good, '/fieldpermissions': ok({ rows: [] }) },
      { ...good, '/systemuserprofiles_association': refused, '/teammembership_association': refused },
    ];
    for (const more of denied) {
      const { one, two } = await rights({ grants: refused, more });
      expect(two).toMatchObject(nothing);
      expect(told(two)).toMatch(
        /refused RetrievePrincipalAttributePrivileges \(0x80040220\): give .*prvReadUser/,
      );
      expect(one).toEqual({ ...everything, secured: false });
    }
  });

  it('are not asked for where no column is secured', async () => {
    const access = await rights({ grants: refused, attributes: [column(1, 'one')] });
    expect(access['one']).toMatchObject(everything);
    expect(at.fake.heard).toHaveLength(1);
  });

  it('wait for a better answer where the server is only busy', async () => {
    const more = { ...elsewhere([], [], []), '/fieldpermissions': { status: 503 } };
    await expect(rights({ grants: refused, more })).rejects.toMatchObject({
      details: { type: 'Unavailable' },
    });
  });
});

describe('no answer worse than a good one', () => {
  const GOOD = {
    grants: { AttributePrivileges: [all(2), { AttributeId: id(3), CanRead: 4, CanCreate: 0, CanUpdate: 0 }] },
    tables: allRoles.body as object,
    attributes: [
      column(1, 'one'),
      column(2, 'two', secured),
      column(3, 'three', secured),
      column(4, 'four', secured),
    ],
  };
  type Path = readonly (string | number)[];
  const pathsIn = (value: unknown, path: Path = []): Path[] =>
    typeof value !== 'object' || value === null
      ? [path]
      : [
          path,
          ...Object.entries(value).flatMap(([key, inner]) =>
            pathsIn(inner, [...path, Array.isArray(value) ? Number(key) : key]),
          ),
        ];
  const nonsense = fc.oneof(
    fc.constantFrom(undefined, null, '', 0, -1, 1, 7, 'yes', '{}', [], {}, [null], 'Glob', '4.0', 'null'),
    fc.jsonValue(),
  );
  /** Puts nonsense at a place; `undefined` takes the member away. */
  const spoilt = (value: unknown, [step, ...rest]: Path, by: unknown): unknown => {
    if (step === undefined) return by;
    if (Array.isArray(value)) {
      return value.flatMap((inner: unknown, at) =>
        at !== step ? [inner] : rest.length === 0 && by === undefined ? [] : [spoilt(inner, rest, by)],
      );
    }
    return { ...(value as object), [step]: spoilt((value as Record<string, unknown>)[step], rest, by) };
  };
  const granted = (access: Record<string, ColumnAccess>): string[] =>
    Object.entries(access).flatMap(([name, { readable, creatable, updatable }]) => [
      ...(readable ? [`${name} read`] : []),
      ...(creatable ? [`${name} create`] : []),
      ...(updatable ? [`${name} update`] : []),
    ]);
  const answerOf = (good: typeof GOOD): Answers => ({
    grants: ok(good.grants),
    tables: ok(good.tables),
    attributes: good.attributes,
  });

  it('grants more', async () => {
    const most = new Set(granted(await rights(answerOf(GOOD))));
    expect([...most]).toHaveLength(3 + 3 + 1);
    const places = pathsIn(GOOD).filter((path) => path.length > 1);
    // An open column is open by this very flag, a level of 4 is a right, and by another name it is another column: to
    // say so is no damage.
    const meaning = (path: Path, by: unknown): boolean =>
      (path.at(-1) === 'IsSecured' && by === false) ||
      (path.at(-1) === 'LogicalName' && typeof by === 'string') ||
      by === 4 ||
      by === '4' ||
      by === true;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), nonsense, async (path, by) => {
        fc.pre(!meaning(path, by));
        const bad = spoilt(GOOD, path, by) as typeof GOOD;
        const found = await rights(answerOf(bad)).catch(() => ({}));
        for (const right of granted(found)) expect(most).toContain(right);
      }),
      { numRuns: 200 },
    );
  });
});
