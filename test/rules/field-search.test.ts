import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  mostSearchCalls,
  searchFields,
  type FieldAnswer,
  type FieldsFound,
} from '../../rules/field-search.js';

const refused = (code: string): FieldAnswer => ({ passed: false, code, message: `refused: ${code}` });
const PASSED: FieldAnswer = { passed: true };

interface Run {
  readonly found: FieldsFound;
  readonly calls: number;
  readonly written: ReadonlySet<string>;
}

/** Runs a search against a target that answers by what is written now, and what was written before. */
const run = (
  search: ReturnType<typeof searchFields>,
  target: (sent: readonly string[], held: ReadonlySet<string>) => FieldAnswer,
): Run => {
  const written = new Set<string>();
  let calls = 0;
  for (let step = search.next(); ;) {
    if (step.done === true) return { found: step.value, calls, written };
    const answer = target(step.value, written);
    calls += 1;
    if (answer.passed) for (const field of step.value) written.add(field);
    step = search.next(answer);
  }
};

const names = (count: number): string[] => Array.from({ length: count }, (_each, at) => `f${String(at)}`);
const guiltyOf = ({ found }: Run): string[] => found.guilty.map(({ field }) => field).toSorted();
const rejects =
  (guilty: readonly string[]) =>
  (sent: readonly string[]): FieldAnswer =>
    sent.some((field) => guilty.includes(field)) ? refused('0x80040265') : PASSED;

const counts = fc.integer({ min: 2, max: 200 });

describe('The search for the field that a refusal does not name', () => {
  it('finds the one guilty field, and writes all the others, within the bound', () => {
    fc.assert(
      fc.property(counts, fc.nat(), (count, at) => {
        const fields = names(count);
        const guilty = fields[at % count] ?? '';
        const outcome = run(searchFields(fields), rejects([guilty]));
        expect(guiltyOf(outcome)).toEqual([guilty]);
        expect(outcome.found.unresolved).toEqual([]);
        expect(outcome.written.size).toBe(count - 1);
        expect(outcome.calls).toBeLessThanOrEqual(mostSearchCalls(count));
      }),
    );
  });

  it('blames nobody who is innocent, loses no field and ends, however many are guilty', () => {
    fc.assert(
      fc.property(counts, fc.array(fc.nat(), { minLength: 1, maxLength: 12 }), (count, places) => {
        const fields = names(count);
        const guilty = [...new Set(places.map((at) => fields[at % count] ?? ''))];
        // Each in words of its own, as Dynamics' messages hold the value.
        const target = (sent: readonly string[]): FieldAnswer => {
          const first = sent.find((field) => guilty.includes(field));
          return first === undefined ? PASSED : refused(first);
        };
        let open = fields;
        const blamed: string[] = [];
        const written = new Set<string>();
        for (let cycle = 0; open.length > 1 && !target(open).passed; cycle += 1) {
          expect(cycle).toBeLessThanOrEqual(guilty.length);
          const outcome = run(searchFields(open), target);
          expect(outcome.calls).toBeLessThanOrEqual(mostSearchCalls(open.length));
          expect(outcome.found.whole).toBeUndefined();
          blamed.push(...guiltyOf(outcome));
          for (const field of outcome.written) written.add(field);
          const settled = new Set([...outcome.written, ...guiltyOf(outcome)]);
          expect(open.filter((field) => !settled.has(field)).toSorted()).toEqual(
            [...outcome.found.unresolved].toSorted(),
          );
          expect(settled.size).toBeGreaterThan(0);
          open = [...outcome.found.unresolved];
        }
        expect(blamed.every((field) => guilty.includes(field))).toBe(true);
        expect([...written].some((field) => guilty.includes(field))).toBe(false);
      }),
    );
  });

  it('recognises a record that is refused whatever is written, in at most four writes', () => {
    fc.assert(
      fc.property(counts, (count) => {
        const outcome = run(searchFields(names(count)), () => refused('0x80040265'));
        expect(outcome.found.whole?.fields.toSorted()).toEqual(names(count).toSorted());
        expect(outcome.found.guilty).toEqual([]);
        expect(outcome.calls).toBeLessThanOrEqual(4);
      }),
    );
  });

  it('writes all of it where only the combination in one write is refused', () => {
    fc.assert(
      fc.property(counts, fc.nat(), fc.nat(), (count, a, b) => {
        const fields = names(count);
        const pair = [fields[a % count], fields[b % count]];
        fc.pre(pair[0] !== pair[1]);
        const target = (sent: readonly string[]): FieldAnswer =>
          pair.every((field) => sent.includes(field ?? '')) ? refused('together') : PASSED;
        const outcome = run(searchFields(fields), target);
        expect(outcome.found.guilty).toEqual([]);
        expect(outcome.found.unresolved).toEqual([]);
        expect(outcome.written.size).toBe(count);
      }),
    );
  });

  it('writes one of two that the row may not hold together, and refuses the other', () => {
    fc.assert(
      fc.property(counts, fc.nat(), fc.nat(), (count, a, b) => {
        const fields = names(count);
        const pair = [fields[a % count], fields[b % count]];
        fc.pre(pair[0] !== pair[1]);
        const target = (sent: readonly string[], held: ReadonlySet<string>): FieldAnswer =>
          pair.every((field) => sent.includes(field ?? '') || held.has(field ?? ''))
            ? refused('together')
            : PASSED;
        const outcome = run(searchFields(fields), target);
        expect(outcome.found.guilty).toHaveLength(1);
        expect(outcome.found.unresolved).toEqual([]);
        expect(outcome.written.size).toBe(count - 1);
        expect(outcome.calls).toBeLessThanOrEqual(mostSearchCalls(count));
      }),
    );
  });

  it('needs two writes where the guilty field is known from another record', () => {
    const outcome = run(searchFields(names(30), ['f7']), rejects(['f7']));
    expect(guiltyOf(outcome)).toEqual(['f7']);
    expect(outcome.calls).toBe(2);
    expect(outcome.written.size).toBe(29);
  });

  it('leaves open what it may not ask any more', () => {
    const outcome = run(searchFields(names(30), ['f7'], 2), rejects(['f3']));
    expect(outcome.calls).toBe(2);
    expect(outcome.written).toEqual(new Set(['f7']));
    expect(outcome.found.unresolved).toHaveLength(29);
  });
});
