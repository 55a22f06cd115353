import { describe, expect, it } from 'vitest';
import { judgeLog, type LogEntry, type LogJudgement } from '../../rules/change-log.js';
import type { Link, Overtaken } from '../../rules/link.js';
import { observe } from '../../rules/observe.js';
import { plan } from '../../rules/plan.js';
import type { FieldValue } from '../../rules/terms.js';
import { at, field, noon, titled, write } from './pair.js';

const FIELDS = [field('title')];

const entry = (
  oldValue: FieldValue,
  newValue: FieldValue,
  by: 'us' | 'person' | 'program' = 'us',
  seconds = 1,
): LogEntry => ({ field: 'title', oldValue, newValue, at: at(seconds), viaApi: by !== 'person' });

const judged = (link: Link, ...entries: LogEntry[]): LogJudgement => judgeLog(link, entries, FIELDS);

/** B of Dynamics was written over A of Marketo, at noon. */
const written = (over = {}): Link =>
  titled('A', { dynamics: 'B' }, { writes: [write({ sentAt: at(0), ...over })] });

const overtaken = (link: Link): Overtaken | undefined => link.overtaken['title'];

describe('an entry of ours', () => {
  it('settles its write and needs no read', () => {
    const { link, readNeeded, changed } = judged(written(), entry('A', 'B'));
    expect(link.writes).toMatchObject([{ state: 'settled', logged: true }]);
    expect(link.agreed.marketo).toEqual({ title: 'B' });
    expect(link.overtaken).toEqual({});
    expect({ readNeeded, changed }).toEqual({ readNeeded: false, changed: true });
  });

  it('settles a write without an answer too', () => {
    expect(judged(written({ state: 'sent' }), entry('A', 'B')).link.writes).toMatchObject([
      { state: 'settled' },
    ]);
  });

  it('makes the pair dirty if Dynamics was edited while the write was under way', () => {
    const link = titled('A', { dynamics: 'C' }, { writes: [write({ sentAt: at(0) })], dirty: false });
    expect(judged(link, entry('A', 'B')).link).toMatchObject({
      dirty: true,
      seen: { dynamics: { title: 'C' } },
    });
  });

  it('costs no read when it comes after the value was read', () => {
    const settled = titled('B', {}, { writes: [write({ sentAt: at(0), state: 'settled' })] });
    expect(judged(settled, entry('A', 'B'))).toMatchObject({ readNeeded: false, link: { overtaken: {} } });
  });

  it('shows the edit that it covered, which collides with what we wrote', () => {
    const { link } = judged(written(), entry('A', 'C', 'person'), entry('C', 'B'));
    expect(overtaken(link)).toEqual({ value: 'C', as: 'collision', written: 'B', source: 'B' });
    expect(link.dirty).toBe(true);
  });

  it('is known for ours by a clock of Marketo that is three seconds behind, and cuts its stamps to seconds', () => {
    const sent = written({ sentAt: at(0.9), at: at(0.9) });
    const { link } = judged(sent, entry('A', 'C', 'person', -3), entry('C', 'B', 'us', -3));
    expect(overtaken(link)).toMatchObject({ value: 'C', as: 'collision' });
  });

  it('shows a later edit when the same write is applied once more', () => {
    const { link } = judged(
      written(),
      entry('A', 'B'),
      entry('B', 'C', 'person', 2),
      entry('C', 'B', 'us', 3),
    );
    expect(overtaken(link)).toMatchObject({ value: 'C', as: 'later' });
  });

  it('shows a later edit when a given-up write wakes after the write that replaced it was settled', () => {
    const link = titled(
      'E',
      {},
      {
        writes: [
          write({ sentAt: at(0), state: 'superseded' }),
          write({
            sentAt: at(60),
            at: at(60),
            from: 'A',
            to: 'E',
            source: 'E',
            state: 'settled',
            logged: true,
          }),
        ],
      },
    );
    const { link: after, readNeeded } = judged(
      link,
      entry('E', 'C', 'person', 90),
      entry('C', 'B', 'us', 95),
    );
    expect(overtaken(after)).toEqual({ value: 'C', as: 'later', written: 'B', source: 'E' });
    expect(readNeeded).toBe(true);
  });

  it('that covered only a value of ours asks for a read, because Marketo holds an old value again', () => {
    const link = titled(
      'E',
      {},
      {
        writes: [
          write({ sentAt: at(0), state: 'superseded' }),
          write({ from: 'A', to: 'E', state: 'settled' }),
        ],
      },
    );
    const { link: after, readNeeded } = judged(link, entry('E', 'B', 'us', 95));
    expect(after.overtaken).toEqual({});
    expect(readNeeded).toBe(true);
  });

  it('does not speak for a call that began later', () => {
    const link = titled(
      'A',
      { marketo: 'C', dynamics: 'B' },
      {
        writes: [
          write({ sentAt: at(0), state: 'superseded' }),
          write({ sentAt: at(60), at: at(60), from: 'C', state: 'sent', deadline: at(90) }),
        ],
      },
    );
    const { link: after, readNeeded } = judged(link, entry('A', 'B', 'us', 20));
    expect(after.writes).toMatchObject([
      { state: 'superseded', logged: true },
      { state: 'sent', logged: false },
    ]);
    expect(readNeeded).toBe(true);
  });

  it('keeps a value that was read before it, when that was typed over our write', () => {
    const link = titled(
      'A',
      { marketo: 'C', dynamics: 'B' },
      { writes: [write({ sentAt: at(0), state: 'sent' })] },
    );
    expect(judged(link, entry('A', 'B')).link).toMatchObject({
      agreed: { marketo: { title: 'B' } },
      seen: { marketo: { title: 'C' } },
    });
  });
});

describe('an edit typed over one that we were giving back', () => {
  const giving = (over: Partial<Link>): Link =>
    titled(
      'B',
      {},
      {
        overtaken: { title: { value: 'C', as: 'collision', written: 'B', source: 'B' } },
        writes: [write({ sentAt: at(60), at: at(60), deadline: at(90), from: 'B', to: 'C', returns: true })],
        ...over,
      },
    );

  it('takes its place', () => {
    const { link } = judged(giving({}), entry('D', 'C', 'us', 61));
    expect(overtaken(link)).toEqual({ value: 'D', as: 'collision', written: 'C', source: 'B' });
  });

  it('is a later edit once Dynamics has that one', () => {
    const agreed = { marketo: { title: 'C' }, dynamics: { title: 'C' } };
    const { link } = judged(giving({ agreed }), entry('D', 'C', 'us', 61));
    expect(overtaken(link)).toEqual({ value: 'D', as: 'later', written: 'C', source: 'C' });
  });
});

describe('an entry of somebody else', () => {
  it('asks for a read unless its value is the one we hold', () => {
    expect(judged(titled('A'), entry('A', 'B', 'person')).readNeeded).toBe(true);
    expect(judged(titled('A', { marketo: 'B' }), entry('A', 'B', 'person')).readNeeded).toBe(false);
    expect(judged(titled('A'), entry('B', 'A', 'person')).readNeeded).toBe(false);
  });

  it('asks for a read while a write is open, whatever its value', () => {
    expect(judged(written(), entry('B', 'A', 'program', -60)).readNeeded).toBe(true);
  });

  it('is ignored for a field that is not synced', () => {
    const other = { ...entry('A', 'B', 'person'), field: 'phone' };
    expect(judged(titled('A'), other)).toMatchObject({ readNeeded: false, changed: false });
  });

  it('that replaced our value proves that our write had taken effect: the edit is a later one', () => {
    const { link, readNeeded } = judged(written(), entry('B', 'C', 'person', 2));
    expect(link.writes).toMatchObject([{ state: 'settled', logged: false }]);
    expect(link.agreed.marketo).toEqual({ title: 'B' });
    expect(readNeeded).toBe(true);
  });

  it('by another program that sets a value of ours again, long after our call, is an edit like any other', () => {
    const link = titled(
      'E',
      {},
      {
        writes: [
          write({ sentAt: at(0), state: 'settled', logged: true }),
          write({
            sentAt: at(60),
            at: at(60),
            from: 'B',
            to: 'E',
            source: 'E',
            state: 'settled',
            logged: true,
          }),
        ],
      },
    );
    const { link: after, readNeeded } = judged(
      link,
      entry('E', 'C', 'person', 300),
      entry('C', 'B', 'program', 301),
    );
    expect(after.overtaken).toEqual({});
    expect(readNeeded).toBe(true);
  });
});

describe('a person who types an old value of ours', () => {
  const givenUp = titled('A', {}, { writes: [write({ sentAt: at(0), state: 'superseded' })] });
  const afterRead = (link: Link): Link =>
    observe(link, { side: 'marketo', values: { title: 'B' } }, { fields: FIELDS, now: noon, overlapMs: 1 })
      .link;
  const decisions = (link: Link) => plan(link, { fields: FIELDS, cycle: 2, at: at(60) }).decisions;

  it('is not taken for us', () => {
    const { link } = judged(givenUp, entry('A', 'B', 'person', 60));
    expect(decisions(afterRead(link))).toMatchObject([{ rule: 'one-sided', winner: 'marketo', value: 'B' }]);
  });

  it('is heard also when a write of ours covers it', () => {
    const link = titled(
      'A',
      { dynamics: 'E' },
      {
        writes: [
          write({ sentAt: at(-600), at: at(-600), deadline: at(-570), state: 'settled', logged: true }),
          write({ sentAt: at(0), to: 'E', source: 'E' }),
        ],
      },
    );
    const { link: after } = judged(link, entry('A', 'B', 'person'), entry('B', 'E', 'us', 2));
    expect(overtaken(after)).toMatchObject({ value: 'B', as: 'collision' });
  });

  it('does not make us forget the write, which may still wake', () => {
    const typed = judged(givenUp, entry('A', 'B', 'person', 60), entry('B', 'A', 'person', 70)).link;
    const woken = judged(typed, entry('A', 'B', 'us', 80)).link;
    expect(decisions(afterRead(woken))).toMatchObject([{ rule: 'restore', winner: 'dynamics' }]);
  });
});
