import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { same } from '../../rules/codecs/index.js';
import type { DynamicsColumn } from '../../rules/catalog.js';
import { decide } from '../../rules/decide.js';
import { across, type Direction, type FieldValue, type Side } from '../../rules/terms.js';
import { DYNAMICS, MARKETO, OPTIONS, PAIRS, type Meeting } from './type-pairs.js';

const SIDES: readonly Side[] = ['marketo', 'dynamics'];
const DIRECTIONS: readonly Direction[] = ['both', 'toMarketo', 'toDynamics'];

/** Every form in which a side is known, or feared, to hold a value of a family of types. */
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.constantFrom(
    '',
    ' ',
    'a\r\nb',
    'a\rb',
    '\r',
    ' spaced ',
    '👩‍👩‍👧',
    'e\u0301',
    'é',
    '\ud83d',
    'a\u0000b',
    '\u00a0',
  ),
  fc.constantFrom('Ünï@Ex.com', 'Ada@Example.COM', 'ada@bücher.de', 'no address', 'ada@', 'İ@x.com'),
  fc.constantFrom('🎌'.repeat(7_500), `${'🎌'.repeat(7_500)}.`, 'e\u0301'.repeat(10_000), 'a'.repeat(30_000)),
);
const day = fc
  .oneof(
    fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    }),
    fc
      .constantFrom('0001-01-01', '1752-12-31', '1753-01-01', '2000-02-29', '9999-12-31')
      .map((at) => new Date(at)),
  )
  .map((date) => date.toISOString());
const offset = fc.constantFrom('Z', '', '+00:00', '+0000', 'Z+0000', '-05:00', '+14:00', '+05:30');
const labels = fc.constantFrom(
  ...OPTIONS.map(({ label }) => label),
  ...['WEB', 'internet', 'Carrier Pigeon', '', ';', '1', '🚀', 'smith, jones', 'label:x', 'a', 'b'],
);
const values = fc.constantFrom(...OPTIONS.map(({ value }) => value), 77, 99, -1);
const blank = fc.constantFrom<FieldValue>(null, '');
const number = fc.oneof(
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.double({ min: -1e4, max: 1e4, noNaN: true }),
  fc.constantFrom(
    0.1 + 0.2,
    -0,
    1e14,
    1e14 + 0.01,
    Number('99999999999999.1234'),
    922337203685477.5,
    2 ** 53,
    1.005,
    -2.5,
    1e21,
  ),
);

type Forms = Readonly<Record<Side, fc.Arbitrary<FieldValue>>>;
const texts: Forms = { marketo: text, dynamics: text };
const numbers: Forms = {
  marketo: fc.oneof(number, number.map(String), fc.constant('12 apples')),
  dynamics: number,
};
const options: Forms = { marketo: labels, dynamics: values };

const FORMS: Readonly<Partial<Record<DynamicsColumn['type'], Forms>>> = {
  string: texts,
  memo: texts,
  lookup: texts,
  boolean: {
    marketo: fc.constantFrom<FieldValue>(true, false, 'true', '0', 'Yes', 'maybe'),
    dynamics: fc.boolean(),
  },
  integer: numbers,
  decimal: numbers,
  double: numbers,
  money: numbers,
  dateOnly: {
    marketo: fc.oneof(
      day.map((at) => at.slice(0, 10)),
      fc.constantFrom('2026-02-30', '1900-02-29', 'soon'),
    ),
    dynamics: day.map((at) => at.slice(0, 10)),
  },
  datetime: {
    marketo: fc.tuple(day, offset).map(([at, zone]) => at.slice(0, 19) + zone),
    dynamics: day,
  },
  picklist: options,
  state: options,
  status: options,
  multiselect: {
    marketo: fc.tuple(fc.array(labels), fc.constantFrom(';', '; ')).map(([some, by]) => some.join(by)),
    dynamics: fc.array(values).map((some) => some.join(',')),
  },
};

const CODES = new Set<string>([
  ...['too-long', 'out-of-range', 'not-whole', 'unknown-option', 'ambiguous-option', 'not-a-date'],
  ...['not-a-number', 'not-a-boolean', 'not-an-email', 'not-ascii-email', 'too-precise', 'name-of-a-record'],
]);

const met = PAIRS.filter(({ meetings }) => meetings.length > 0);
const refused = PAIRS.filter(({ meetings }) => meetings.length === 0);
const sources = met.flatMap((pair) => SIDES.map((source) => ({ ...pair, source })));

const formOf = ({ column }: Meeting, source: Side): fc.Arbitrary<FieldValue> => {
  const form = FORMS[column.type]?.[source];
  if (form === undefined) throw new Error(`No values for ${column.type}.`);
  return fc.oneof({ weight: 9, arbitrary: form }, { weight: 1, arbitrary: blank });
};

const wholeText = (value: FieldValue): string => String(value).replace(/\r\n?/g, '\n');

describe('every pair of types', () => {
  it('is in the table, and either meets or has one reason', () => {
    expect(PAIRS).toHaveLength(MARKETO.length * DYNAMICS.length);
    for (const { meetings, reason } of PAIRS) expect(meetings.length > 0).toBe(reason === undefined);
  });

  it.each(sources)(
    '$marketo and $dynamics: what comes from $source stays what it was',
    ({ meetings, source }) => {
      const target = across(source);
      for (const meeting of meetings) {
        const { codec } = meeting;
        const check = (value: FieldValue): void => {
          const canonical = codec.canonical(source, value);
          const converted = codec.convert(source, value);
          const encoded = codec.encode(target, canonical);
          expect(converted.ok).toBe(encoded.ok);
          for (const result of [encoded, converted]) {
            if (result.ok) expect(codec.canonical(target, result.value)).toBe(canonical);
            else expect(CODES).toContain(result.code);
          }
          if (!converted.ok) return;
          // Both sides hold it now: nothing more is written, whichever way the field goes.
          const pair = { [source]: value, [target]: converted.value } as Record<Side, FieldValue>;
          for (const direction of DIRECTIONS) {
            const field = { codec, direction, narrowed: false, column: '', consent: false } as const;
            expect(decide({ ...pair, ...field, kind: 'lead', base: undefined })).toEqual({ rule: 'equal' });
          }
        };
        fc.assert(fc.property(formOf(meeting, source), check), { numRuns: 60 });
      }
    },
  );

  it.each(sources)(
    '$marketo and $dynamics: null, missing and "" on $source are one blank',
    ({ meetings, source }) => {
      for (const { codec } of meetings) {
        for (const value of [null, undefined, '']) expect(codec.canonical(source, value)).toBe(codec.blank);
        expect(codec.encode(across(source), codec.blank)).toEqual({ ok: true, value: codec.blank });
      }
    },
  );
});

describe('nothing is cut or rounded unseen', () => {
  const textual = sources.filter(({ dynamics }) => ['string', 'memo', 'lookup'].includes(dynamics));
  it.each(textual)('a text of $source, $marketo and $dynamics, arrives whole or not at all', (pair) => {
    for (const meeting of pair.meetings) {
      fc.assert(
        fc.property(formOf(meeting, pair.source), (value) => {
          const result = meeting.codec.convert(pair.source, value);
          if (!result.ok || result.value === null) return;
          const whole = pair.marketo === 'email' ? String(value).trim() : wholeText(value);
          expect(result.value).toBe(whole);
        }),
        { numRuns: 60 },
      );
    }
  });

  const numeric = sources.filter(({ dynamics }) =>
    ['integer', 'decimal', 'double', 'money'].includes(dynamics),
  );
  it.each(numeric)(
    'a number of $source, $marketo and $dynamics, is off by no more than the column drops',
    (pair) => {
      for (const meeting of pair.meetings) {
        const places = meeting.column.type === 'integer' ? 10 : (meeting.column.precision ?? 2);
        fc.assert(
          fc.property(formOf(meeting, pair.source), (value) => {
            const result = meeting.codec.convert(pair.source, value);
            if (!result.ok || typeof result.value !== 'number') return;
            const held = Number(value);
            expect(Math.abs(result.value - held)).toBeLessThanOrEqual(
              0.5000001 / 10 ** places + Math.abs(held) * 2 ** -52,
            );
          }),
          { numRuns: 60 },
        );
      }
    },
  );
});

describe('types that may not meet', () => {
  it.each(refused)(
    '$marketo and $dynamics say why, naming both, and what to do',
    ({ marketo, dynamics, reason }) => {
      expect(reason).toContain(
        `${marketo}Field (${marketo}) and new_${dynamics.toLowerCase()} (${dynamics}): `,
      );
      expect(reason).toMatch(/: \S.+\. (Map .+ to a (field|column) of type .+|Leave the row out)\.$/);
      expect(reason).not.toMatch(/undefined|null|\bof type [.,]/);
    },
  );

  it('are advised to types that do meet', () => {
    for (const { marketo, dynamics, reason = '' } of refused) {
      const [, fields = ''] = / to a field of type ([^;.]+?)(?:, or \S+Field to|[;.])/.exec(reason) ?? [];
      const [, columns = ''] = / to a column of type ([^;.]+)/.exec(reason) ?? [];
      const named = (words: string): string[] => words.split(/, | or /).filter((word) => word !== '');
      for (const type of named(fields)) {
        expect(met.some((pair) => pair.marketo === type && pair.dynamics === dynamics)).toBe(true);
      }
      for (const type of named(columns)) {
        expect(met.some((pair) => pair.marketo === marketo && pair.dynamics === type)).toBe(true);
      }
    }
  });

  it.each([
    ['date', 'datetime', 'time zone'],
    ['date', 'datetime', 'behavior Date Only'],
    ['datetime', 'dateOnly', 'time zone'],
    ['string', 'integer', 'many ways'],
    ['integer', 'string', 'many ways'],
    ['boolean', 'picklist', 'holds its label'],
    ['email', 'picklist', 'holds its label'],
    ['email', 'integer', 'nothing but e-mail addresses'],
    ['integer', 'lookup', 'shows the name'],
    ['string', 'bigint', 'all their digits'],
    ['string', 'uniqueidentifier', 'dynamicsId'],
    ['formula', 'string', 'computes'],
    ['reference', 'lookup', 'cannot write one'],
    ['integer', 'boolean', 'no value in common'],
  ] as const)('%s and %s: %s', (marketo, dynamics, why) => {
    expect(refused.find((pair) => pair.marketo === marketo && pair.dynamics === dynamics)?.reason).toContain(
      why,
    );
  });
});

it('two values are the same or not, whichever is named first', () => {
  for (const { meetings } of met) {
    for (const meeting of meetings) {
      const { codec } = meeting;
      fc.assert(
        fc.property(formOf(meeting, 'marketo'), formOf(meeting, 'dynamics'), (m, d) => {
          const [a, b] = [{ side: 'marketo', value: m } as const, { side: 'dynamics', value: d } as const];
          expect(same(codec, a, b)).toBe(same(codec, b, a));
        }),
        { numRuns: 10 },
      );
    }
  }
});
