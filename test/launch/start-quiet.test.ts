import { describe, expect, it } from 'vitest';
import type { EndedCycle } from '../../launch/start/cycles.js';
import { stillMoving, type Unfinished } from '../../launch/start/quiet.js';

const since = 1_000_000;
const finished: Unfinished = { dirty: 0, rereads: 0, open: 0, backfill: 0, entries: 0, requests: 0 };

const cycle = (counts: Record<string, number> = {}, known: Partial<EndedCycle> = {}): EndedCycle => ({
  ...{ number: 4, startedAt: since, endedAt: since + 500, outcome: 'completed', counts },
  ...known,
});

describe('it is quiet', () => {
  it('after a cycle that began after the last edit and found nothing', () => {
    expect(stillMoving(cycle(), finished, since)).toEqual([]);
  });

  it('also when that cycle read the echo of our own writes', () => {
    const echo = { 'fetched.persons': 12, 'fetched.leads': 40, 'diff.links': 40, 'diff.converged': 40 };
    expect(stillMoving(cycle(echo), finished, since)).toEqual([]);
  });
});

describe('it is not quiet', () => {
  it('before such a cycle', () => {
    expect(stillMoving(null, finished, since)).toEqual(['no cycle has started since the last edit']);
    expect(stillMoving(cycle({}, { startedAt: since - 1 }), finished, since)).toHaveLength(1);
  });

  it('after a cycle that failed', () => {
    expect(stillMoving(cycle({}, { outcome: 'failed' }), finished, since)).toEqual(['cycle 4 failed']);
  });

  it.each([
    ['diff.marketoEdits', '1 edits found'],
    ['diff.dynamicsEdits', '1 edits found'],
    ['resolve.collisions', '1 collisions decided'],
    ['toMarketo.records', '1 records written'],
    ['toDynamics.records', '1 records written'],
    ['toMarketo.created', '1 records created'],
    ['resolve.linked', '1 links made'],
    ['toDynamics.deferred', '1 records left for the next cycle'],
    ['rejections.logged', '1 refusals logged'],
  ])('when the cycle counted %s', (name, words) => {
    expect(stillMoving(cycle({ [name]: 1 }), finished, since)).toEqual([words]);
  });

  it.each([
    ['dirty', 'links to look at'],
    ['rereads', 'records to read again'],
    ['backfill', 'links with fields to be read'],
    ['open', 'links with a write that has not settled'],
    ['entries', 'activity log entries to write'],
  ] as const)('while the store has %s', (name, words) => {
    expect(stillMoving(cycle(), { ...finished, [name]: 2 }, since)).toEqual([`2 ${words}`]);
  });
});
