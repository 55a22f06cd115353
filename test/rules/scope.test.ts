import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scopeOf } from '../../rules/map-scope.js';
import {
  isInScope,
  SCOPE_CAUSES,
  withFlag,
  withHold,
  without,
  type OutOfScope,
  type ScopeFlag,
} from '../../rules/scope.js';
import type { FieldValue } from '../../rules/terms.js';
import { at } from './pair.js';
import { column, person } from './schema.js';

interface Scoped {
  readonly outOfScope: OutOfScope | null;
  readonly dirty: boolean;
}

const inScope: Scoped = { outOfScope: null, dirty: false };
const readable: ScopeFlag = { name: 'flag', readable: true };
const unreadable: ScopeFlag = { name: 'flag', readable: false };

const read = (
  cause: 'row' | 'person',
  flag: ScopeFlag | null,
  value: FieldValue | undefined,
  second = 0,
) => ({
  cause,
  flag,
  value,
  at: at(second),
});

type Step = (link: Scoped) => Scoped;

const flags = fc.record({
  cause: fc.constantFrom('row' as const, 'person' as const),
  flag: fc.constantFrom(readable, readable, unreadable, null),
  value: fc.constantFrom<FieldValue | undefined>(true, false, null, undefined),
  second: fc.nat(100),
});
const steps: fc.Arbitrary<Step> = fc.oneof(
  flags.map(
    ({ cause, flag, value, second }): Step =>
      (link) =>
        withFlag(link, read(cause, flag, value, second)),
  ),
  fc.nat(100).map(
    (second): Step =>
      (link) =>
        withHold(link, { since: at(second), by: 'ana', note: null }),
  ),
  fc.constant<Step>((link) => without(link, 'hold')),
  // A cycle came and left nothing to do.
  fc.constant<Step>((link) => ({ ...link, dirty: false })),
);

describe('the flag of a record', () => {
  it.each<['row' | 'person', FieldValue, boolean]>([
    ['row', false, false],
    ['row', null, true],
    ['row', true, true],
    ['person', true, false],
    ['person', false, true],
    ['person', null, true],
  ])('of a %s that says %s leaves it in: %s', (cause, value, isIn) => {
    expect(isInScope(withFlag(inScope, read(cause, readable, value)))).toBe(isIn);
  });

  it('keeps since when it leaves out, however often it is read', () => {
    const first = withFlag(inScope, read('row', readable, false, 1));
    expect(withFlag(first, read('row', readable, false, 2)).outOfScope).toEqual({ row: { since: at(1) } });
  });

  it('that cannot be read lets a new record wait until it can', () => {
    const waiting = withFlag(inScope, read('row', unreadable, null, 1), true);
    expect(waiting.outOfScope).toEqual({ row: { since: at(1), unread: true } });
    expect(withFlag(waiting, read('row', readable, false, 2)).outOfScope).toEqual({ row: { since: at(2) } });
    expect(withFlag(waiting, read('row', readable, null, 2))).toEqual({ outOfScope: null, dirty: true });
  });
});

describe('whatever comes in whatever order,', () => {
  const links = fc
    .array(steps, { maxLength: 12 })
    .map((all) => all.reduce((link, step) => step(link), inScope));

  it('a link is out of scope exactly as long as a cause is left', () => {
    fc.assert(
      fc.property(links, ({ outOfScope }) => {
        expect(outOfScope === null || Object.keys(outOfScope).length > 0).toBe(true);
      }),
    );
  });

  it('a link that comes back is dirty, so that nothing seen meanwhile is lost', () => {
    fc.assert(
      fc.property(links, steps, (link, step) => {
        const next = step({ ...link, dirty: true });
        const quiet = step({ ...link, dirty: false });
        if (!isInScope(link) && isInScope(quiet)) expect(quiet.dirty).toBe(true);
        expect(next.outOfScope).toEqual(quiet.outOfScope);
      }),
    );
  });

  it('a flag that cannot be read changes nothing, and each cause moves only itself', () => {
    fc.assert(
      fc.property(links, flags, (link, { cause, flag, value, second }) => {
        const next = withFlag(link, read(cause, flag, value, second));
        if (flag?.readable === false || (flag !== null && value === undefined)) expect(next).toEqual(link);
        for (const other of SCOPE_CAUSES.filter((each) => each !== cause)) {
          expect(next.outOfScope?.[other]).toEqual(link.outOfScope?.[other]);
        }
      }),
    );
  });

  it('reading the same flag again changes nothing', () => {
    fc.assert(
      fc.property(links, flags, (link, { cause, flag, value, second }) => {
        const once = withFlag(link, read(cause, flag, value, second));
        expect(withFlag(once, read(cause, flag, value, second + 1))).toEqual(once);
      }),
    );
  });
});

describe('the flags of the configuration', () => {
  const flag = column('boolean', { name: 'new_flag' });
  const catalog = {
    marketo: {
      excluded: person('boolean', { name: 'excluded' }),
      title: person('string', { name: 'title' }),
    },
    dynamics: { lead: { new_flag: flag }, contact: { new_flag: { ...flag, readable: false } } },
  };

  it('count where both schemas have them and they may be read', () => {
    expect(scopeOf({ lead: 'new_flag', person: 'excluded' }, catalog)).toEqual({
      scope: {
        lead: { name: 'new_flag', readable: true },
        contact: null,
        person: { name: 'excluded', readable: true },
      },
      notices: [],
    });
  });

  it.each([
    [{ contact: 'new_flag' }, 'contact scope.contact unreadable'],
    [{ lead: 'constructor' }, 'lead scope.lead unknown-column'],
    [{ person: 'title' }, 'lead scope.person types-cannot-meet'],
    [{ person: 'toString' }, 'lead scope.person unknown-field'],
  ])('that cannot be read any more, as in %j, are one notice', (choice, told) => {
    const { notices } = scopeOf(choice, catalog);
    expect(notices.map(({ kind, field, code }) => `${kind} ${field} ${code}`)).toEqual([told]);
    expect(notices[0]?.message).toContain('records stay in or out of scope as they were last known');
  });
});
