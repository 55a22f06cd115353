import { describe, expect, it, vi } from 'vitest';
import type { CycleActivities } from '../../activities/contract.js';
import { withCycle } from './one-cycle.js';
import { detailsOf, temporalServer } from './servers.js';
import { chunksOf, gate, meeting, noneDiffed, nonePushed, noneResolved } from './steps.js';

const server = temporalServer('dev');

describe('A cycle with nothing to do', () => {
  it('rests, fetches, looks for chunks, and ends with some fifty events of history', async () => {
    const begin = () => Promise.resolve({ cycle: 1, notBefore: Date.now() + 1_000 });
    await withCycle(server, { begin }, async ({ told, report, events }) => {
      expect(await report()).toMatchObject({
        cycle: 1,
        outcome: 'completed',
        counts: { 'fetched.persons': 0, 'fetched.leads': 0, 'fetched.contacts': 0 },
      });
      const begun = told.log.filter((line) => !line.startsWith('/'));
      expect(begun.slice(0, 2)).toEqual(['begin', 'prepare']);
      expect(begun.slice(2, 5).sort()).toEqual(['fetchContacts', 'fetchLeads', 'fetchMarketo']);
      expect(begun.slice(5)).toEqual(['openChunks', 'complete']);
      // 46 to 52, as the three fetches end together or one by one.
      expect(await events()).toBeLessThanOrEqual(52);
    });
  });

  it('logs rejections that an earlier cycle left behind', async () => {
    const steps: Partial<CycleActivities> = {
      openChunks: () => Promise.resolve({ chunks: [], entries: 2 }),
      logRejections: () => Promise.resolve({ logged: 2 }),
    };
    await withCycle(server, steps, async ({ told, report }) => {
      expect((await report()).counts).toMatchObject({ 'rejections.logged': 2 });
      expect(told.log.slice(-4)).toEqual(['logRejections', '/logRejections', 'complete', '/complete']);
    });
  });
});

describe('A cycle that the guard on mass change stops', () => {
  it('decides and pushes nothing, logs what requests left, completes, and says why', async () => {
    const reason = { measure: 'clears', from: 'dynamics', kind: 'lead', field: 'title' } as const;
    const stopped = { since: 4, reasons: [{ ...reason, count: 1_900, of: 2_000 }] };
    const steps: Partial<CycleActivities> = {
      begin: () => Promise.resolve({ cycle: 5, notBefore: 0 }),
      openChunks: () => Promise.resolve({ chunks: [], entries: 1, stopped }),
      logRejections: () => Promise.resolve({ logged: 1 }),
    };
    await withCycle(server, steps, async ({ told, report, handle }) => {
      const { outcome, stopped: why, counts } = await report();
      expect({ outcome, why }).toEqual({ outcome: 'stopped: mass change', why: stopped });
      expect(counts).toMatchObject({ 'stopped.reasons': 1, 'rejections.logged': 1 });
      expect(told.log.filter((line) => /diff|resolve|push/.test(line))).toEqual([]);
      expect(told.completed).toMatchObject([{ outcome: 'completed', notBefore: null }]);
      const shown = await detailsOf(handle);
      expect(shown).toContain('**Stopped since cycle 4: mass change.** Nothing is pushed');
      expect(shown).toContain('- clears from dynamics, lead title: 1900 of 2000');
    });
  });
});

describe('The steps', () => {
  it('fetch both sides at the same time', async () => {
    const meet = meeting(3);
    const steps: Partial<CycleActivities> = {
      fetchMarketo: () => meet().then(() => ({ entries: 9, deleted: 0, read: 5 })),
      fetchLeads: () => meet().then(() => ({ rows: 6, deleted: 0, read: 0, full: true })),
      fetchContacts: () => meet().then(() => ({ rows: 7, deleted: 0, read: 0, full: true })),
    };
    await withCycle(server, steps, async ({ report }) => {
      expect((await report()).counts).toMatchObject({
        'fetched.persons': 5,
        'fetched.leads': 6,
        'fetched.contacts': 7,
      });
    });
  });

  it('go in order within a chunk: diff, resolve, then push to both sides at the same time', async () => {
    const meet = meeting(2);
    const steps: Partial<CycleActivities> = {
      openChunks: () => Promise.resolve({ chunks: chunksOf(1), entries: 0 }),
      pushToDynamics: () => meet().then(() => nonePushed),
      pushToMarketo: () => meet().then(() => nonePushed),
    };
    await withCycle(server, steps, async ({ told, report }) => {
      await report();
      const lines = told.log.slice(told.log.indexOf('/openChunks') + 1);
      expect(lines.slice(0, 4)).toEqual(['diff 1-10', '/diff 1-10', 'resolve 1-10', '/resolve 1-10']);
      expect(lines.slice(4, 6).sort()).toEqual(['pushToDynamics 1-10', 'pushToMarketo 1-10']);
      expect(lines.slice(8)).toEqual(['logRejections', '/logRejections', 'complete', '/complete']);
    });
  });

  it('work on three chunks at the same time and no more', async () => {
    const meet = meeting(3);
    let open = 0;
    let most = 0;
    const steps: Partial<CycleActivities> = {
      openChunks: () => Promise.resolve({ chunks: chunksOf(7), entries: 0 }),
      diff: async ({ chunk }) => {
        open += 1;
        most = Math.max(most, open);
        if (chunk.from <= 21) await meet();
        return { ...noneDiffed, links: 10 };
      },
      pushToMarketo: () => {
        open -= 1;
        return Promise.resolve(nonePushed);
      },
    };
    await withCycle(server, steps, async ({ report }) => {
      await report();
      expect(most).toBe(3);
    });
  });

  it('leave a chunk whose links all agree, and add the counts of the others up', async () => {
    const steps: Partial<CycleActivities> = {
      openChunks: () => Promise.resolve({ chunks: chunksOf(3), entries: 0 }),
      diff: ({ chunk }) =>
        Promise.resolve(
          chunk.from === 11
            ? { ...noneDiffed, links: 10, converged: 10 }
            : { ...noneDiffed, links: 10, converged: 4, marketoEdits: 5, dynamicsEdits: 2 },
        ),
      resolve: () =>
        Promise.resolve({ ...noneResolved, toDynamics: 5, toMarketo: 1, collisions: 1, marketoWon: 1 }),
      pushToDynamics: () => Promise.resolve({ ...nonePushed, records: 5, refused: 1 }),
      pushToMarketo: () => Promise.resolve({ ...nonePushed, records: 1 }),
      logRejections: () => Promise.resolve({ logged: 2 }),
    };
    await withCycle(server, steps, async ({ told, report, progress, handle }) => {
      const { counts } = await report();
      expect(counts).toMatchObject({
        'diff.links': 30,
        'diff.converged': 18,
        'diff.marketoEdits': 10,
        'diff.dynamicsEdits': 4,
        'resolve.toDynamics': 10,
        'resolve.toMarketo': 2,
        'resolve.collisions': 2,
        'resolve.marketoWon': 2,
        'toDynamics.records': 10,
        'toDynamics.refused': 2,
        'toMarketo.records': 2,
        'rejections.logged': 2,
      });
      // Chunks go side by side: which of them is first, nobody promises.
      expect(told.log.filter((line) => line.startsWith('resolve')).sort()).toEqual([
        'resolve 1-10',
        'resolve 21-30',
      ]);
      expect(told.completed).toEqual([expect.objectContaining({ cycle: 1, outcome: 'completed', counts })]);
      expect(await progress()).toEqual({
        cycle: 1,
        step: 'done',
        restUntil: null,
        chunksDone: 3,
        chunks: 3,
        counts,
      });
      const shown = await detailsOf(handle);
      expect(shown).toContain('**Cycle 1**: done\nChunks: 3 of 3\n');
      expect(shown).toContain('\n- toDynamics.records: 10\n');
      expect(shown).not.toContain('toMarketo.refused');
    });
  });

  it('stay under 3,000 events with a hundred chunks', async () => {
    const steps: Partial<CycleActivities> = {
      openChunks: () => Promise.resolve({ chunks: chunksOf(100), entries: 0 }),
    };
    await withCycle(server, steps, async ({ report, events, told }) => {
      expect((await report()).counts['diff.links']).toBe(1000);
      expect(told.log.filter((line) => line.startsWith('pushToMarketo'))).toHaveLength(100);
      // Some 1,900 as measured; 28 a chunk, and never more than a task for each of its four steps.
      expect(await events()).toBeLessThan(3000);
    });
  });
});

describe('What the cycle is doing', () => {
  it('is answered at once during the rest, and while a step works', async () => {
    const working = gate();
    const notBefore = Date.now() + 2_000;
    const steps: Partial<CycleActivities> = {
      begin: () => Promise.resolve({ cycle: 7, notBefore }),
      openChunks: () => Promise.resolve({ chunks: chunksOf(2), entries: 0 }),
      resolve: () => working.pass().then(() => noneResolved),
    };
    await withCycle(server, steps, async ({ progress, report, handle }) => {
      const restUntil = new Date(notBefore).toISOString();
      await vi.waitFor(async () =>
        expect(await progress()).toMatchObject({ cycle: 7, step: 'rest', restUntil }),
      );
      expect(await detailsOf(handle)).toBe(`**Cycle 7**: rest until ${restUntil}`);
      const ended = report();
      await working.reached;
      await vi.waitFor(async () =>
        expect(await progress()).toMatchObject({ step: 'sync', restUntil: null, chunksDone: 0, chunks: 2 }),
      );
      expect(await detailsOf(handle)).toContain('**Cycle 7**: sync\nChunks: 0 of 2');
      working.open();
      expect(Date.parse((await ended).startedAt)).toBeGreaterThanOrEqual(notBefore);
    });
  });
});
