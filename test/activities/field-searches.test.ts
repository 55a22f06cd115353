import { describe, expect, it } from 'vitest';
import { FieldSearches, type RefusedAnswer } from '../../activities/field-searches.js';
import { mostSearchCalls, type FieldAnswer } from '../../rules/field-search.js';

const FIELDS = Array.from({ length: 16 }, (_each, at) => `f${String(at)}`);
const refusal = (message: string): RefusedAnswer => ({ passed: false, code: '0x80040265', message });

/** Runs the searches of many records as a push does, turn by turn; counts their writes. */
const run = (
  records: readonly number[],
  target: (record: number, sent: readonly string[]) => FieldAnswer,
): { readonly calls: number; readonly whole: number; readonly guilty: Map<number, string[]> } => {
  const searches = new FieldSearches();
  const guilty = new Map<number, string[]>();
  const done = new Map<number, Set<string>>(records.map((record) => [record, new Set()]));
  let [calls, whole] = [0, 0];
  for (const record of records) {
    const first = target(record, FIELDS);
    if (!first.passed) searches.begin(record, FIELDS, first);
  }
  for (let open = [...records], turn = 0; open.length > 0; turn += 1) {
    expect(turn).toBeLessThan(200);
    const ended = searches.admit(open);
    whole += ended.size;
    open = open.filter((record) => !ended.has(record));
    for (const record of [...open]) {
      const planned = FIELDS.filter((field) => done.get(record)?.has(field) !== true);
      const fields = searches.next(record, planned);
      if (fields.length === 0) continue;
      calls += 1;
      const answer = target(record, fields);
      if (answer.passed) for (const field of fields) done.get(record)?.add(field);
      const found = searches.answer(record, answer);
      if (found === undefined) continue;
      guilty.set(
        record,
        found.guilty.map(({ field }) => field),
      );
      if (found.whole !== undefined || found.unresolvedAnswer !== undefined) whole += 1;
      open = open.filter((each) => each !== record);
    }
  }
  return { calls, whole, guilty };
};

const records = Array.from({ length: 300 }, (_each, at) => at + 1);

describe('The searches of one push', () => {
  it('use what the first of them found: two writes for each other record of the cause', () => {
    const { calls, whole, guilty } = run(records, (record, sent) =>
      sent.includes('f7') ? refusal(`No: ${String(record)}`) : { passed: true },
    );
    expect([...guilty.values()].every(([field, ...more]) => field === 'f7' && more.length === 0)).toBe(true);
    expect([guilty.size, whole]).toEqual([300, 0]);
    expect(calls).toBeLessThanOrEqual(10 * mostSearchCalls(16) + 290 * 2);
  });

  it('end after twenty-five where nothing is found: the others are refused without another write', () => {
    const { calls, whole } = run(records, () => refusal('Frozen.'));
    expect(whole).toBe(300);
    expect(calls).toBeLessThanOrEqual(25 * 4);
  });

  it('are bounded where every record has another guilty field', () => {
    const { calls } = run(records, (record, sent) =>
      sent.includes(FIELDS[record % 16] ?? '') ? refusal(`No: ${String(record)}`) : { passed: true },
    );
    expect(calls).toBeLessThanOrEqual(300 * (2 + mostSearchCalls(16)));
  });

  it('know nothing of a record that is not searched, which carries all that is due', () => {
    const searches = new FieldSearches();
    expect(searches.next(1, ['a', 'b'])).toEqual(['a', 'b']);
    expect(searches.answer(1, { passed: true })).toBeUndefined();
    expect(searches.isSearching(1)).toBe(false);
  });
});
