import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { VersionedRows } from '../../../simulators/dataverse/rows/versioned-rows.js';

interface Step {
  readonly id: string;
  readonly kind: 'put' | 'delete';
  readonly email: string;
}

const step: fc.Arbitrary<Step> = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd'),
  kind: fc.constantFrom('put', 'put', 'delete'),
  email: fc.constantFrom('x', 'y', 'z'),
});

const emails = ['x', 'y', 'z'];

/** Everything that a reader can see of rows, from the first version on. */
const seen = (rows: VersionedRows): unknown => ({
  size: rows.size,
  keys: [...rows.inKeyOrder()].map(({ id, version }) => [id, version]),
  changed: [...rows.changedAfter(0)].map(({ id, version }) => [id, version]),
  deleted: [...rows.deletedAfter(0)],
  byEmail: emails.map((email) => rows.withValues('emailaddress1', [email])?.map(({ id }) => id)),
});

/** Carries out steps under growing versions; `each` is called before a row is touched. */
const run = (
  rows: VersionedRows,
  steps: readonly Step[],
  first: number,
  each: (id: string) => void = () => undefined,
): void => {
  steps.forEach(({ id, kind, email }, index) => {
    each(id);
    const version = first + index;
    if (kind === 'delete') rows.delete(id, version);
    else rows.put({ id, version, cells: { emailaddress1: email } });
  });
};

it('leaves nothing behind of writes that are taken back, and goes on as if they had not been', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 12 }),
      fc.array(step, { maxLength: 12 }),
      fc.array(step, { maxLength: 6 }),
      // More writes than the log keeps, so that it is tidied up in the middle of what is taken back.
      fc.boolean(),
      (before, undone, after, long) => {
        const [rows, twin] = [new VersionedRows(['emailaddress1']), new VersionedRows(['emailaddress1'])];
        run(rows, before, 1);
        run(twin, before, 1);
        const again = long && undone.length > 0 ? Array.from({ length: 300 }, () => undone).flat() : undone;
        const back: (() => void)[] = [];
        run(rows, again, 100, (id) => back.push(rows.restorePoint(id)));
        for (const undo of back.reverse()) undo();
        expect(seen(rows)).toEqual(seen(twin));
        run(rows, after, 10_000);
        run(twin, after, 10_000);
        expect(seen(rows)).toEqual(seen(twin));
      },
    ),
    { numRuns: 60 },
  );
});
