import { describe, expect, it } from 'vitest';
import type { Link, Write } from '../../rules/link.js';
import {
  explain,
  giveUp,
  markAnswered,
  markSent,
  markUnsent,
  park,
  plannedWrites,
  pruneWrites,
  settleSent,
} from '../../rules/outcome.js';
import { at, field, noon, titled, write } from './pair.js';

const FIELDS = [field('title'), field('city')];

const dynamics = (over: Partial<Write> = {}): Write => write({ side: 'dynamics', state: 'planned', ...over });
const states = (link: Link): string[] => link.writes.map(({ field: name, state }) => `${name} ${state}`);

describe('a call', () => {
  const planned = titled(
    'A',
    {},
    { writes: [dynamics(), dynamics({ field: 'city' }), write({ state: 'planned' })] },
  );

  it('carries what is planned for its side', () => {
    expect(plannedWrites(planned, 'dynamics').map(({ field: name }) => name)).toEqual(['title', 'city']);
  });

  it('bears its own stamp or none, never that of a call before', () => {
    const stamped = markSent(planned, 'dynamics', { at: at(1), deadline: at(31), rowStamp: 'one' });
    const again = markSent(markUnsent(stamped, 'dynamics'), 'dynamics', { at: at(2), deadline: at(32) });
    expect(again.writes.map(({ rowStamp }) => rowStamp)).toEqual([undefined, undefined, undefined]);
  });

  it('is under way from a moment to its deadline, for its side alone', () => {
    const link = markSent(planned, 'dynamics', { at: at(1), deadline: at(31) });
    expect(link.writes).toMatchObject([
      { state: 'sent', at: at(1), sentAt: at(1), deadline: at(31) },
      { state: 'sent' },
      { state: 'planned' },
    ]);
  });

  it('that did not run leaves its writes as planned', () => {
    const sent = markSent(planned, 'dynamics', { at: at(1), deadline: at(31) });
    expect(states(markUnsent(sent, 'dynamics'))).toEqual(['title planned', 'city planned', 'title planned']);
  });
});

describe('the answer of a call', () => {
  const inDoubt = (side: Write['side']): Link =>
    markSent(
      titled(
        'A',
        {},
        {
          writes: [
            write({ side, state: 'sent', sentAt: at(0) }),
            write({ side, field: 'city', state: 'planned' }),
          ],
        },
      ),
      side,
      { at: at(60), deadline: at(90) },
    );

  it('says nothing about an earlier call in doubt', () => {
    expect(states(markAnswered(inDoubt('marketo'), 'marketo', at(61)))).toEqual([
      'title sent',
      'city answered',
    ]);
    expect(states(markUnsent(inDoubt('marketo'), 'marketo'))).toEqual(['title sent', 'city planned']);
    expect(states(markUnsent(inDoubt('dynamics'), 'dynamics'))).toEqual(['title sent', 'city planned']);
  });

  it('of Dynamics settles its own writes, and proves that an earlier call with that ETag had no effect', () => {
    const link = settleSent(inDoubt('dynamics'), 'dynamics', FIELDS, 'e2');
    expect(states(link)).toEqual(['title planned', 'city settled']);
    expect(link.agreed.dynamics).toEqual({ title: 'A', city: 'B' });
    expect(link.etag).toBe('e2');
  });

  it('of Dynamics ends the trace of writes given up: their calls carried an older ETag', () => {
    const link = titled(
      'A',
      { marketo: 'B' },
      {
        writes: [dynamics({ state: 'superseded', to: 'X' }), dynamics({ state: 'sent' })],
      },
    );
    expect(states(settleSent(link, 'dynamics', FIELDS, 'e2'))).toEqual(['title settled']);
  });

  it('settles the write of a field that is no longer synced, so that nobody asks for it again', () => {
    const link = titled('A', {}, { writes: [dynamics({ field: 'gone', state: 'sent' })] });
    expect(states(settleSent(link, 'dynamics', FIELDS, 'e2'))).toEqual(['gone settled']);
  });

  it('of Marketo proves nothing yet', () => {
    const link = markAnswered(titled('A', {}, { writes: [write({ state: 'sent' })] }), 'marketo', at(5));
    expect(link.writes).toMatchObject([{ state: 'answered', at: at(5) }]);
    expect(link.agreed.marketo).toEqual({ title: 'A' });
  });
});

describe('a write', () => {
  it('that is given up is kept as a trace, or forgotten when it was refused for certain', () => {
    const link = titled('A', {}, { writes: [write({ state: 'sent' })] });
    expect(states(giveUp(link, link.writes, true))).toEqual(['title superseded']);
    expect(giveUp(link, link.writes, false).writes).toEqual([]);
  });

  it('is forgotten when nothing of it can turn up any more, and never while it is open', () => {
    const writes = (['planned', 'sent', 'answered', 'settled', 'superseded'] as const).map((state) =>
      write({ state }),
    );
    const link = titled('A', {}, { writes });
    expect(pruneWrites(link, noon + 39_999, 10_000).writes).toHaveLength(5);
    expect(states(pruneWrites(link, noon + 40_000, 10_000))).toEqual([
      'title planned',
      'title sent',
      'title answered',
    ]);
  });
});

describe('a field', () => {
  it('is parked for exactly the values that it has', () => {
    const values = { marketo: 'A', dynamics: 'B' };
    expect(park(titled('A'), 'title', values, 'refused', 'r1').parked).toEqual({
      title: { reason: 'refused', rejectionId: 'r1', ...values },
    });
  });

  it('remembers why it has its value', () => {
    const cause = { rule: 'authority', winner: 'marketo', cycle: 3, at: at(0) } as const;
    expect(explain(titled('A'), 'title', cause).causes).toEqual({ title: cause });
  });
});
