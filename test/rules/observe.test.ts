import { describe, expect, it } from 'vitest';
import type { Link } from '../../rules/link.js';
import { observe, type Observation, type Observed } from '../../rules/observe.js';
import { plan } from '../../rules/plan.js';
import type { FieldValue, Side } from '../../rules/terms.js';
import { at, field, noon, titled, write } from './pair.js';

const FIELDS = [field('title'), field('city')];
const OVERLAP_SECONDS = 300;

const read = (link: Link, observation: Observation, seconds = 1): Observed =>
  observe(link, observation, {
    fields: FIELDS,
    now: noon + seconds * 1000,
    overlapMs: OVERLAP_SECONDS * 1000,
  });

const readTitle = (link: Link, side: Side, title: FieldValue, seconds?: number): Observed =>
  read(link, { side, values: { title } }, seconds);

const states = (link: Link): string[] => link.writes.map(({ state }) => state);

describe('what was read', () => {
  it('is kept as seen only where it differs from what was agreed', () => {
    expect(readTitle(titled('A'), 'marketo', 'B').link.seen.marketo).toEqual({ title: 'B' });
    expect(readTitle(titled('A', { marketo: 'B' }), 'marketo', 'A').link.seen.marketo).toEqual({});
  });

  it('makes the pair dirty when it differs, and only then', () => {
    const clean = titled('A', {}, { dirty: false });
    expect(readTitle(clean, 'dynamics', 'B').link.dirty).toBe(true);
    expect(readTitle(clean, 'dynamics', 'A').link.dirty).toBe(false);
  });

  it('leaves a field that could not be read as it was: it is no blank', () => {
    const { link } = read(titled('A', { dynamics: 'B' }), { side: 'dynamics', values: { city: null } });
    expect(link.seen.dynamics).toEqual({ title: 'B', city: null });
    expect(link.agreed.dynamics).toEqual({ title: 'A' });
  });
});

describe('a write to Marketo that is open', () => {
  const answered = (over = {}): Link => titled('A', { dynamics: 'B' }, { writes: [write(over)] });

  it('is settled when its value is read, whether it was answered or not', () => {
    for (const state of ['sent', 'answered'] as const) {
      const { link } = readTitle(answered({ state }), 'marketo', 'B');
      expect(states(link)).toEqual(['settled']);
      expect(link.agreed).toEqual({ marketo: { title: 'B' }, dynamics: { title: 'B' } });
      expect(link.seen).toEqual({ marketo: {}, dynamics: {} });
    }
  });

  it('settles for the value that it carried: what Dynamics holds since is an edit', () => {
    const { link } = readTitle(titled('A', { dynamics: 'C' }, { writes: [write()] }), 'marketo', 'B');
    expect(link.agreed.dynamics).toEqual({ title: 'B' });
    expect(link.seen.dynamics).toEqual({ title: 'C' });
    expect(link.dirty).toBe(true);
  });

  it('is refused in silence if the old value is still there after the overlap, and not before', () => {
    const early = readTitle(answered(), 'marketo', 'A', OVERLAP_SECONDS - 1);
    expect(early.refusals).toEqual([]);
    expect(states(early.link)).toEqual(['answered']);
    const late = readTitle(answered(), 'marketo', 'A', OVERLAP_SECONDS);
    expect(late.refusals).toMatchObject([{ write: { field: 'title', to: 'B' } }]);
    expect(states(late.link)).toEqual(['superseded']);
  });

  it('is given up without a refusal if it got no answer and its call is over', () => {
    const sent = answered({ state: 'sent' });
    expect(states(readTitle(sent, 'marketo', 'A', 29).link)).toEqual(['sent']);
    const over = readTitle(sent, 'marketo', 'A', 30);
    expect(states(over.link)).toEqual(['superseded']);
    expect(over.refusals).toEqual([]);
  });

  it('stays in doubt, though another value is there, until its call is over', () => {
    const { link } = readTitle(answered({ state: 'sent' }), 'marketo', 'C', 29);
    expect(states(link)).toEqual(['sent']);
    expect(link.seen.marketo).toEqual({ title: 'C' });
    expect(plan(link, { fields: FIELDS.slice(0, 1), cycle: 2, at: at(29) }).waiting).toEqual(['title']);
    expect(states(readTitle(link, 'marketo', 'C', 30).link)).toEqual(['superseded']);
  });

  it('is in doubt again when another value is found after its answer: the log will tell which came first', () => {
    const { link } = readTitle(answered(), 'marketo', 'C');
    expect(link.writes).toMatchObject([{ state: 'sent', deadline: at(OVERLAP_SECONDS) }]);
  });
});

describe('a write to Dynamics whose answer was lost', () => {
  const lost = titled(
    'A',
    { marketo: 'B' },
    { writes: [write({ side: 'dynamics', state: 'sent' })], etag: 'e1' },
  );

  it('is settled when its value is read', () => {
    const { link } = read(lost, { side: 'dynamics', values: { title: 'B' }, etag: 'e2' });
    expect(states(link)).toEqual(['settled']);
    expect(link.seen).toEqual({ marketo: {}, dynamics: {} });
    expect(link.etag).toBe('e2');
  });

  it('may still take effect while the row has not moved: its value would be ours', () => {
    const { link } = read(lost, { side: 'dynamics', values: { title: 'A' }, etag: 'e1' });
    expect(states(link)).toEqual(['superseded']);
    const landed = read(link, { side: 'dynamics', values: { title: 'B' }, etag: 'e2' }).link;
    const next = plan(
      { ...landed, seen: { ...landed.seen, marketo: { title: 'C' } } },
      {
        fields: FIELDS.slice(0, 1),
        cycle: 2,
        at: at(60),
      },
    );
    expect(next.decisions).toMatchObject([{ rule: 'restore', winner: 'marketo', value: 'C' }]);
  });

  it('can do so no more once the row has moved: who types its value then is a person', () => {
    const moved = read(lost, { side: 'dynamics', values: { title: 'A' }, etag: 'e2' }).link;
    expect(moved.writes).toEqual([]);
    const idle = read(lost, { side: 'dynamics', values: { title: 'A' }, etag: 'e1' }).link;
    expect(read(idle, { side: 'dynamics', values: { title: 'A' }, etag: 'e2' }).link.writes).toEqual([]);
  });
});
