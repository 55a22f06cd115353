import { describe, expect, it } from 'vitest';
import type { Catalog, DynamicsColumn, MarketoField } from '../../rules/catalog.js';
import { mapFields } from '../../rules/map-fields.js';
import type { FieldChoice, Mapping } from '../../rules/mapping.js';
import { column, person } from './schema.js';

const choice = (over: Partial<FieldChoice> = {}): FieldChoice => ({
  marketo: 'title',
  lead: 'jobtitle',
  direction: 'both',
  consent: false,
  ...over,
});

interface Scene {
  readonly choice?: Partial<FieldChoice>;
  readonly field?: Partial<MarketoField>;
  readonly column?: Partial<DynamicsColumn>;
}

function mapped(scene: Scene): Mapping {
  const jobtitle = column('string', { name: 'jobtitle', ...scene.column });
  const catalog: Catalog = {
    marketo: { title: person('string', { name: 'title', ...scene.field }) },
    dynamics: { lead: { jobtitle }, contact: { jobtitle } },
  };
  return mapFields({ choices: [choice(scene.choice)], catalog });
}

const directions = ({ fields }: Mapping): readonly string[] => fields.lead.map(({ direction }) => direction);
const codes = ({ notices }: Mapping): readonly string[] => notices.map(({ code }) => code);

describe('a stamp column', () => {
  const stampsOf = (...columns: readonly Partial<DynamicsColumn>[]): Mapping => {
    const [lead, contact] = columns.map((over) => ({
      new_stamp: column('string', { name: 'new_stamp', ...over }),
    }));
    const catalog: Catalog = { marketo: {}, dynamics: { lead: lead ?? {}, contact: contact ?? {} } };
    return mapFields({ choices: [], stampColumn: 'new_stamp', catalog });
  };

  it('is used on each table where it can be read and written', () => {
    expect(stampsOf({}, {})).toMatchObject({
      ...{ stampColumns: { lead: 'new_stamp', contact: 'new_stamp' }, notices: [] },
    });
    expect(mapped({}).stampColumns).toEqual({ lead: null, contact: null });
  });

  it.each([
    ['that is not there', [{}], 'unknown-column', 'The Dynamics table contact has no column new_stamp'],
    ['of another type', [{}, { type: 'memo' }], 'types-cannot-meet', 'is of type memo'],
    ['that is too short', [{}, { maxLength: 35 }], 'types-cannot-meet', 'takes 35 characters'],
    ['that may not be read', [{}, { readable: false }], 'unreadable', 'may not read contact.new_stamp'],
    ['that may not be changed', [{}, { updatable: false }], 'read-only', 'may not change contact.new_stamp'],
  ] as const)('%s is told, and not used there', (_, columns, code, message) => {
    const { stampColumns, notices } = stampsOf(...columns);
    expect(stampColumns).toEqual({ lead: 'new_stamp', contact: null });
    expect(notices).toMatchObject([{ kind: 'contact', field: 'stampColumn', code }]);
    expect(notices[0]?.message).toContain(message);
    expect(notices[0]?.message).toContain('rows are written without a stamp');
  });
});

describe('a chosen field', () => {
  it('is mapped on each table that names a column for it, and only there', () => {
    const onBoth = mapped({ choice: { contact: 'jobtitle', consent: true } });
    expect(onBoth.fields.contact).toMatchObject([
      {
        name: 'title',
        column: 'jobtitle',
        direction: 'both',
        consent: true,
        creatable: true,
        updatable: true,
      },
    ]);
    expect(onBoth.fields.lead[0]?.codec.encode('dynamics', 'CTO')).toEqual({ ok: true, value: 'CTO' });
    expect(onBoth.notices).toEqual([]);
    expect(mapped({}).fields.contact).toEqual([]);
  });

  it.each([
    ['that Marketo does not have', { choice: { marketo: 'constructor' } }, 'unknown-field'],
    ['whose column the table does not have', { choice: { lead: 'toString' } }, 'unknown-column'],
    ['whose types cannot meet', { column: { type: 'integer' } }, 'types-cannot-meet'],
    ['that the sync user cannot read', { column: { readable: false } }, 'unreadable'],
    [
      'that neither side lets us write',
      { column: { updatable: false }, field: { updateable: false } },
      'read-only',
    ],
    [
      'to Marketo that Marketo refuses',
      { choice: { direction: 'toMarketo' }, field: { updateable: false } },
      'read-only',
    ],
    [
      'to Dynamics that Dynamics refuses',
      { choice: { direction: 'toDynamics' }, column: { updatable: false } },
      'read-only',
    ],
  ] satisfies readonly [string, Scene, string][])(
    '%s is left out with one notice',
    (_words, scene: Scene, code) => {
      const mapping = mapped(scene);
      expect(mapping.fields.lead).toEqual([]);
      expect(codes(mapping)).toEqual([code]);
      expect(mapping.notices[0]).toMatchObject({ field: scene.choice?.marketo ?? 'title', kind: 'lead' });
    },
  );

  it('is told with the reason that Dynamics gave for withholding a right', () => {
    const withheld = 'No role of the sync user has prvReadLead.';
    const told = (column: Parameters<typeof mapped>[0]['column']) =>
      mapped({ column: { ...column, withheld } }).notices.map(({ message }) => message);
    expect(told({ readable: false })).toEqual([
      `The sync user may not read lead.jobtitle, so it is not synced. ${withheld}`,
    ]);
    expect(told({ updatable: false })).toEqual([
      `The sync user may not change lead.jobtitle, so it is synced to Marketo only. ${withheld}`,
    ]);
  });

  it('goes to Marketo only, with one notice, where Dynamics lets nobody change it', () => {
    const mapping = mapped({ column: { updatable: false, creatable: false } });
    expect(directions(mapping)).toEqual(['toMarketo']);
    expect(mapping.fields.lead).toMatchObject([{ updatable: false, creatable: false }]);
    expect(mapping.notices.map(({ message }) => message)).toEqual([
      'The sync user may not change lead.jobtitle, so it is synced to Marketo only.',
    ]);
  });

  it('may still be given to a new row where only changes are refused', () => {
    expect(mapped({ column: { updatable: false } }).fields.lead).toMatchObject([{ creatable: true }]);
  });

  it('goes to Dynamics only, with one notice, where Marketo lets nobody change it', () => {
    const mapping = mapped({ field: { updateable: false } });
    expect(directions(mapping)).toEqual(['toDynamics']);
    expect(codes(mapping)).toEqual(['read-only']);
  });

  it('that is chosen one way needs no right for the other', () => {
    const toMarketo = mapped({ choice: { direction: 'toMarketo' }, column: { updatable: false } });
    const toDynamics = mapped({ choice: { direction: 'toDynamics' }, field: { updateable: false } });
    expect([directions(toMarketo), codes(toMarketo)]).toEqual([['toMarketo'], []]);
    expect([directions(toDynamics), codes(toDynamics)]).toEqual([['toDynamics'], []]);
    expect(toMarketo.fields.lead).toMatchObject([{ creatable: false, updatable: false }]);
  });

  it('that is a lookup goes to Marketo only, by name, and is never given to a new row', () => {
    const lookup = { type: 'lookup' } as const;
    const mapping = mapped({ column: lookup });
    expect(directions(mapping)).toEqual(['toMarketo']);
    expect(mapping.fields.lead).toMatchObject([{ creatable: false, updatable: false }]);
    expect(mapping.notices.map(({ message }) => message)).toEqual([
      'Marketo holds only the name of what lead.jobtitle points at, so it is synced to Marketo only.',
    ]);
    expect(codes(mapped({ choice: { direction: 'toMarketo' }, column: lookup }))).toEqual([]);
    const never = mapped({ choice: { direction: 'toDynamics' }, column: lookup });
    expect([never.fields.lead, codes(never)]).toEqual([[], ['read-only']]);
  });

  it('that is a state is read, never written', () => {
    const mapping = mapped({ column: { type: 'state', options: [{ value: 0, label: 'Open' }] } });
    expect(directions(mapping)).toEqual(['toMarketo']);
    expect(mapping.fields.lead).toMatchObject([{ creatable: false }]);
  });
});

describe('lookups that tell which row follows which', () => {
  const lookup = (name: string, readable = true) => column('lookup', { name, readable });
  const lineageOf = (contact: Readonly<Record<string, DynamicsColumn>>) =>
    mapFields({
      choices: [],
      catalog: {
        marketo: {},
        dynamics: {
          lead: { masterid: lookup('masterid'), parentcontactid: lookup('parentcontactid') },
          contact,
        },
      },
    }).lineage;

  it('are selected only where the table has them', () => {
    expect(lineageOf({ masterid: lookup('masterid') })).toEqual({
      lead: ['masterid', 'parentcontactid'],
      contact: ['masterid'],
    });
  });

  it('and only where we may read them: a null would tell nothing', () => {
    const originatingleadid = lookup('originatingleadid', false);
    expect(lineageOf({ masterid: lookup('masterid'), originatingleadid }).contact).toEqual(['masterid']);
  });
});
