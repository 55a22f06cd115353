import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DynamicsColumn, MarketoField, Option } from '../../rules/catalog.js';
import { codecFor, fromLog, meets, same, type Codec, type Encoded } from '../../rules/codecs/index.js';
import { column, person } from './schema.js';

const OPTIONS: readonly Option[] = [
  { value: 1, label: 'Advertisement' },
  { value: 2, label: 'Employee Referral' },
  { value: 8, label: 'Web' },
  { value: 9, label: ' web ' },
  { value: 10, label: '日本語 🎌' },
  { value: 11, label: '' },
  { value: 12, label: 'a;b' },
];

function codec(field: MarketoField, dynamics: DynamicsColumn): Codec {
  const found = codecFor(field, dynamics);
  if (!meets(found)) throw new Error(found.cannotMeet);
  return found;
}

const refusal = (result: Encoded): string => (result.ok ? `took ${String(result.value)}` : result.code);

describe('text', () => {
  const plain = codec(person('string'), column('string', { maxLength: 4 }));

  it('keeps spaces, letter case and every character, and knows one line end', () => {
    expect(plain.canonical('marketo', ' Ada ')).toBe(' Ada ');
    expect(same(plain, { side: 'marketo', value: 'a' }, { side: 'dynamics', value: 'A' })).toBe(false);
    expect(same(plain, { side: 'marketo', value: 'a\r\nb' }, { side: 'dynamics', value: 'a\nb' })).toBe(true);
  });

  it('is never cut: too long is refused, counted as each side counts', () => {
    expect(plain.encode('dynamics', '🚀🚀')).toEqual({ ok: true, value: '🚀🚀' });
    expect(refusal(plain.encode('dynamics', '🚀🚀.'))).toBe('too-long');
    expect(plain.encode('marketo', '🚀'.repeat(255)).ok).toBe(true);
    expect(refusal(plain.encode('marketo', '🚀'.repeat(256)))).toBe('too-long');
  });

  it('is counted in bytes for a text field of Marketo', () => {
    const memo = codec(person('text', { length: 8 }), column('memo'));
    expect(memo.encode('marketo', '🚀🚀').ok).toBe(true);
    expect(memo.encode('marketo', 'éé日n')).toMatchObject({ ok: true });
    expect(refusal(memo.encode('marketo', '🚀🚀.'))).toBe('too-long');
  });

  it('of exactly 30,000 bytes fits into a text field, whatever its characters, and of one more does not', () => {
    const memo = codec(person('text'), column('memo', { maxLength: 1_048_576 }));
    for (const whole of [
      'a'.repeat(30_000),
      '🎌'.repeat(7_500),
      'e\u0301'.repeat(10_000),
      '日'.repeat(10_000),
    ]) {
      expect(memo.convert('dynamics', whole)).toEqual({ ok: true, value: whole });
      expect(refusal(memo.convert('dynamics', `${whole}.`))).toBe('too-long');
    }
  });

  it('keeps an accent apart from its letter where it was typed so', () => {
    expect(same(plain, { side: 'marketo', value: 'é' }, { side: 'dynamics', value: 'e\u0301' })).toBe(false);
    expect(plain.convert('marketo', 'e\u0301')).toEqual({ ok: true, value: 'e\u0301' });
  });
});

describe('an e-mail field', () => {
  const email = codec(person('email'), column('string', { maxLength: 100 }));

  it('is compared without letter case, and carried with it', () => {
    expect(
      same(email, { side: 'marketo', value: 'Ada@X.com' }, { side: 'dynamics', value: ' ada@x.COM' }),
    ).toBe(true);
    expect(email.convert('marketo', ' Ada@X.com ')).toEqual({ ok: true, value: 'Ada@X.com' });
  });

  it('takes only ASCII in Marketo, and anything in Dynamics', () => {
    expect(refusal(email.convert('dynamics', 'jürgen@example.com'))).toBe('not-ascii-email');
    expect(email.convert('marketo', 'jürgen@example.com').ok).toBe(true);
    expect(email.convert('dynamics', 'ada@bücher.example')).toMatchObject({
      code: 'not-ascii-email',
      message: expect.stringContaining('Write a domain of other letters as "xn--…".') as string,
    });
    expect(email.convert('dynamics', 'ada@xn--bcher-kva.example').ok).toBe(true);
  });

  it('that is none is refused before Marketo skips the whole person for it', () => {
    for (const none of ['none', 'ada@', '@example.com', 'ada @example.com']) {
      expect(refusal(email.convert('dynamics', none))).toBe('not-an-email');
      expect(email.convert('marketo', none).ok).toBe(true);
    }
  });
});

describe('numbers', () => {
  const money = codec(person('currency'), column('money', { precision: 2, min: 0, max: 1000 }));
  const whole = codec(person('float'), column('integer'));

  it('are compared at the precision of the column', () => {
    expect(same(money, { side: 'marketo', value: 10.004 }, { side: 'dynamics', value: 10 })).toBe(true);
    expect(same(money, { side: 'marketo', value: 10.006 }, { side: 'dynamics', value: 10 })).toBe(false);
    expect(same(money, { side: 'marketo', value: 0.1 + 0.2 }, { side: 'dynamics', value: 0.3 })).toBe(true);
    expect(same(money, { side: 'marketo', value: -0.001 }, { side: 'dynamics', value: 0 })).toBe(true);
  });

  it('are refused outside the range, and as fractions where only whole ones fit', () => {
    expect(refusal(money.encode('dynamics', 1000.01))).toBe('out-of-range');
    expect(money.encode('marketo', 5000)).toEqual({ ok: true, value: 5000 });
    expect(refusal(whole.convert('marketo', 1.5))).toBe('not-whole');
    expect(refusal(whole.convert('marketo', 3e9))).toBe('out-of-range');
    expect(refusal(codec(person('percent'), column('decimal')).convert('dynamics', 12.5))).toBe('not-whole');
    expect(refusal(whole.convert('marketo', '12 apples'))).toBe('not-a-number');
  });
});

describe('money', () => {
  const money = (precision: number): Codec => codec(person('currency'), column('money', { precision }));
  const across = (codec: Codec, value: number): string | number => {
    const result = codec.convert('dynamics', value);
    return result.ok ? Number(result.value) : result.code;
  };

  it.each([
    [0, 5.4, 5],
    [2, 5000000.0, 5000000],
    [2, -12.34, -12.34],
    [2, 1e14, 1e14],
    [4, 10.1234, 10.1234],
    [4, 922337203.6854, 922337203.6854],
  ])('of %i places goes to Dynamics at those: %d as %d', (places, value, kept) => {
    expect(money(places).convert('marketo', value)).toEqual({ ok: true, value: kept });
  });

  it('whose currency has more places than its column says goes to Marketo with all of them', () => {
    expect(across(money(2), 10.1234)).toBe(10.1234);
    expect(across(money(2), 0.1 + 0.2)).toBe(0.3);
    expect(across(codec(person('percent'), column('money')), 10.001)).toBe(10);
  });

  it('with more digits than a JSON number holds is refused, not rounded, in words that are true', () => {
    expect(money(4).convert('dynamics', Number('99999999999999.1234'))).toEqual({
      ok: false,
      code: 'too-precise',
      message:
        'The value has more than 15 digits: the number that came, 99999999999999.12, stands for several values of 4 places, ' +
        'and currencyField might get another one.',
    });
    expect(across(money(4), 12345678901.2345)).toBe(12345678901.2345);
    expect(across(money(2), 12345678901234.56)).toBe(12345678901234.56);
  });

  it.each([
    ['decimal', 10, 2_000_000],
    ['decimal', 10, 1_234_567.5],
    ['decimal', 10, 1_234_567.89],
    ['decimal', 10, -99_999_999_999.1],
    ['money', 4, 2e12],
    ['money', 4, 1e14],
  ] as const)('and every plain number goes both ways: %s of %i places, %d', (type, precision, value) => {
    const codecOfPlaces = codec(person('float'), column(type, { precision }));
    for (const side of ['marketo', 'dynamics'] as const) {
      expect(codecOfPlaces.convert(side, value)).toEqual({ ok: true, value });
    }
  });

  it('of up to fifteen digits in all is never too precise, whatever the places of its column', () => {
    const sized = fc
      .record({ digits: fc.integer({ min: 1, max: 15 }), places: fc.integer({ min: 0, max: 10 }) })
      .chain(({ digits, places }) =>
        fc.record({
          units: fc.maxSafeNat().map((units) => units % 10 ** digits),
          decimals: fc.integer({ min: 0, max: places }),
          places: fc.constant(places),
        }),
      );
    fc.assert(
      fc.property(sized, fc.constantFrom(1, -1), ({ units, decimals, places }, sign) => {
        const value = sign * Number(`${units}e-${decimals}`) + 0;
        const bounds = { precision: places, min: -1e15, max: 1e15 };
        const wide = codec(person('float'), column('decimal', bounds));
        expect(wide.convert('marketo', value)).toEqual({ ok: true, value });
        expect(wide.convert('dynamics', value)).toEqual({ ok: true, value });
      }),
    );
  });

  it('is too precise only where another value of the column comes as the same number', () => {
    const places = fc.integer({ min: 0, max: 10 });
    const number = fc.double({ min: -1e15, max: 1e15, noNaN: true });
    fc.assert(
      fc.property(number, places, (value, precision) => {
        const wide = codec(person('float'), column('decimal', { precision, min: -1e15, max: 1e15 }));
        const result = wide.convert('dynamics', value);
        const kept = Number(value.toFixed(precision)) + 0;
        if (result.ok) {
          expect(result.value).toBe(kept);
          return;
        }
        expect(result.code).toBe('too-precise');
        const units = BigInt(kept.toFixed(precision).replace('.', ''));
        const others = [units - 1n, units + 1n].map((unit) => Number(`${unit}e-${precision}`));
        expect(others).toContain(kept);
        expect(String(kept).replace(/\D/g, '').length).toBeGreaterThan(15);
      }),
    );
  });

  it('for a whole number of Marketo is refused beyond 32 bits, and a fraction of percent is read', () => {
    expect(across(codec(person('integer'), column('decimal')), 2_147_483_648)).toBe('out-of-range');
    expect(across(codec(person('integer'), column('decimal')), -2_147_483_648)).toBe(-2_147_483_648);
    const percent = codec(person('percent'), column('decimal'));
    expect(percent.convert('marketo', 12.5)).toEqual({ ok: true, value: 12.5 });
    expect(across(percent, 12.5)).toBe('not-whole');
  });

  it('of a whole column keeps every fraction in sight', () => {
    const whole = codec(person('float'), column('integer'));
    expect(refusal(whole.convert('marketo', 1.00001))).toBe('not-whole');
    expect(whole.convert('marketo', 3 - 2 ** -50)).toEqual({ ok: true, value: 3 });
  });
});

describe('a lookup', () => {
  const owner = codec(person('string', { length: 10 }), column('lookup', { name: 'ownerid' }));

  it('is a name in Marketo, whole or not at all', () => {
    expect(owner.convert('dynamics', 'Jane Roe')).toEqual({ ok: true, value: 'Jane Roe' });
    expect(refusal(owner.convert('dynamics', 'Maya Lindqvist'))).toBe('too-long');
  });

  it('takes no name in Dynamics', () => {
    expect(owner.convert('marketo', 'Jane Roe')).toEqual({
      ok: false,
      code: 'name-of-a-record',
      message: 'ownerid points at a record; the name "Jane Roe" does not tell which.',
    });
  });
});

describe('dates', () => {
  it('are one instant in every notation, to the second', () => {
    const datetime = codec(person('datetime'), column('datetime'));
    const notations = ['Z', '.999Z', '+00:00', '+0000', 'Z+0000', ''].map(
      (end) => `2026-11-20T10:00:00${end}`,
    );
    for (const notation of [
      ...notations,
      '2026-11-20 10:00:00',
      '2026-11-20T05:00:00-05:00',
      '2026-11-20T10:00Z',
    ]) {
      expect(datetime.canonical('marketo', notation)).toBe('2026-11-20T10:00:00Z');
    }
  });

  it('that no calendar has are refused, and so are those before 1753 in Dynamics', () => {
    const date = codec(person('date'), column('dateOnly'));
    const datetime = codec(person('datetime'), column('datetime'));
    for (const none of ['2026-02-30', '2026-13-01', '20-11-2026', 'tomorrow', '0000-00-00']) {
      expect(refusal(date.convert('marketo', none))).toBe('not-a-date');
    }
    for (const none of ['2026-11-20', '2026-11-20T25:00:00Z', '2026-02-30T10:00:00Z', 'now']) {
      expect(refusal(datetime.convert('marketo', none))).toBe('not-a-date');
    }
    expect(refusal(date.convert('marketo', '1752-12-31'))).toBe('out-of-range');
    expect(date.convert('marketo', '1753-01-01')).toEqual({ ok: true, value: '1753-01-01' });
    expect(refusal(datetime.convert('marketo', '1752-12-31T23:59:59Z'))).toBe('out-of-range');
    expect(date.convert('dynamics', '1753-01-01').ok).toBe(true);
  });
});

describe('options', () => {
  const formerOptions = [
    { value: 8, label: 'Website' },
    { value: 2, label: 'Web' },
    { value: 99, label: 'Removed' },
  ];
  const source = codec(
    person('string'),
    column('picklist', { name: 'leadsourcecode', options: OPTIONS, formerOptions }),
  );

  it('meet their label, without letter case and outer spaces', () => {
    expect(same(source, { side: 'marketo', value: ' WEB ' }, { side: 'dynamics', value: 8 })).toBe(true);
    expect(source.convert('dynamics', 8)).toEqual({ ok: true, value: 'Web' });
    expect(source.convert('marketo', 'employee referral')).toEqual({ ok: true, value: 2 });
  });

  it('know the labels that they had before, below those that they have', () => {
    expect(source.canonical('marketo', 'website')).toBe(8);
    expect(source.canonical('marketo', 'web')).toBe(8);
  });

  it('that were removed are still the value that they were, and are written nowhere', () => {
    expect(same(source, { side: 'marketo', value: 'removed' }, { side: 'dynamics', value: 99 })).toBe(true);
    for (const written of [source.convert('marketo', 'Removed'), source.convert('dynamics', 99)]) {
      expect(written).toMatchObject({ message: 'leadsourcecode has no option "Removed".' });
    }
  });

  it('without a label are refused by value', () => {
    expect(source.convert('dynamics', 11)).toMatchObject({
      code: 'unknown-option',
      message: 'The option 11 of leadsourcecode has no label.',
    });
  });

  it('refuse a label that none of them has, by name', () => {
    expect(source.canonical('marketo', 'Carrier Pigeon')).toBe('label:Carrier Pigeon');
    expect(source.convert('marketo', 'Carrier Pigeon')).toEqual({
      ok: false,
      code: 'unknown-option',
      message: 'leadsourcecode has no option "Carrier Pigeon".',
    });
    expect(refusal(source.convert('dynamics', 77))).toBe('unknown-option');
  });

  it('that share a label are one', () => {
    expect(same(source, { side: 'dynamics', value: 8 }, { side: 'dynamics', value: 9 })).toBe(true);
  });

  it('of several choices are compared as a set', () => {
    const many = codec(person('string'), column('multiselect', { options: OPTIONS }));
    expect(
      same(many, { side: 'marketo', value: 'web; Advertisement' }, { side: 'dynamics', value: '1,8' }),
    ).toBe(true);
    expect(many.convert('dynamics', '8,1,8')).toEqual({ ok: true, value: 'Advertisement;Web' });
    expect(many.convert('marketo', 'Web;Advertisement')).toEqual({ ok: true, value: '1,8' });
    expect(refusal(many.convert('marketo', 'Web;Pigeon'))).toBe('unknown-option');
    expect(refusal(many.convert('dynamics', '12'))).toBe('ambiguous-option');
    const options = Array.from({ length: 151 }, (_, value) => ({ value, label: `L${value}` }));
    const wide = codec(person('text'), column('multiselect', { options }));
    expect(refusal(wide.convert('marketo', options.map(({ label }) => label).join(';')))).toBe('too-long');
  });
});

describe('a value that is none of its type', () => {
  it.each([
    ['date', 'dateOnly', '2026-02-30', '"2026-02-30" is not a date.'],
    ['datetime', 'datetime', 'tomorrow', '"tomorrow" is not a date.'],
    ['integer', 'integer', 'twelve', '"twelve" is not a number.'],
    ['float', 'decimal', ' ', '" " is not a number.'],
    ['boolean', 'boolean', 'perhaps', '"perhaps" is neither true nor false.'],
    ['date', 'dateOnly', 'not-a-date:x', '"not-a-date:x" is not a date.'],
    ['string', 'picklist', 'value:7', 'target has no option "value:7".'],
    ['string', 'multiselect', 'label:x', 'target has no option "label:x".'],
  ] as const)('is shown to people as it was typed: %s to %s, %j', (type, target, typed, message) => {
    const found = codec(person(type), column(target, { name: 'target', options: [] }));
    expect(found.convert('marketo', typed)).toMatchObject({ ok: false, message });
  });
});

describe("a value of Marketo's change log", () => {
  it.each([
    ['boolean', 'true', true],
    ['boolean', '1', true],
    ['boolean', '0', false],
    ['boolean', null, false],
    ['boolean', 'perhaps', 'perhaps'],
    ['integer', '12', 12],
    ['score', '-3', -3],
    ['currency', '10.50', 10.5],
    ['integer', 'twelve', 'twelve'],
    ['integer', ' ', ' '],
    ['string', '007', '007'],
    ['string', '', null],
    ['string', null, null],
    ['datetime', '2026-11-20 10:00:00', '2026-11-20 10:00:00'],
  ] as const)('of a %s field, %j, is %j', (type, logged, value) => {
    expect(fromLog(person(type), logged)).toBe(value);
  });
});
