import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Lane } from '../../rules/terms.js';
import { createCallQueue, type CallQueue } from '../../store/budget-queue.js';
import type { Answer, Lease } from '../../store/budget-statements.js';

interface Asked {
  readonly lane: Lane;
  readonly answer: (answer: Answer) => Promise<void>;
  readonly fail: (error: Error) => Promise<void>;
}

interface Nap {
  readonly ms: number;
  readonly end: () => Promise<void>;
}

const granted = (slot: number): Answer => ({ lease: { slot, holder: `holder ${slot}` } });
const noRate = (waitMs: number): Answer => ({ lease: undefined, lack: 'rate', waitMs });
const noSlot: Answer = { lease: undefined, lack: 'slot' };

/** A queue whose store and clock are driven by hand: every question and every nap waits for the test. */
const scene = ({ leeway = 0 } = {}) => {
  const asked: Asked[] = [];
  const naps: Nap[] = [];
  const givenBack: Lease[] = [];
  const queue: CallQueue = createCallQueue({
    attempt: (lane) =>
      new Promise((resolve, reject) => {
        asked.push({
          lane,
          answer: async (answer) => {
            resolve(answer);
            await turn();
          },
          fail: async (error) => {
            reject(error);
            await turn();
          },
        });
      }),
    giveBack: (lease) => {
      givenBack.push(lease);
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve());
        naps.push({
          ms,
          end: async () => {
            resolve();
            await turn();
          },
        });
      }),
    random: () => 1,
    leewayMs: () => leeway,
    dayOver: ({ used }) => new Error(`the day is over after ${used}`),
  });
  const acquire = (lane: Lane, signal?: AbortSignal): Promise<Lease> =>
    queue.acquire({ lane, deadlineMs: 1_000, signal });
  const lastAsked = (): Asked => asked.at(-1) ?? expect.fail('the store was not asked');
  const lastNap = (): Nap => naps.at(-1) ?? expect.fail('nobody slept');
  return { queue, acquire, asked, naps, givenBack, lastAsked, lastNap };
};

describe('the queue of a process', () => {
  it('asks the store one question at a time: after the one under way, by lane, then in order of arrival', async () => {
    const { acquire, asked, lastAsked } = scene();
    const order: string[] = [];
    const note = (name: string) => (): number => order.push(name);
    const all = [
      acquire('cycle').then(note('first')),
      acquire('backfill').then(note('backfill')),
      acquire('cycle').then(note('cycle')),
      acquire('on-demand').then(note('on-demand')),
    ];
    for (let call = 0; call < 5 && order.length < 4; call += 1) {
      expect(asked).toHaveLength(call + 1);
      await lastAsked().answer(granted(call));
    }
    await Promise.all(all);
    expect(order).toEqual(['first', 'on-demand', 'cycle', 'backfill']);
  });

  it('sleeps as long as the store tells, then asks again', async () => {
    const { acquire, asked, naps, lastAsked, lastNap } = scene();
    const lease = acquire('cycle');
    await lastAsked().answer(noRate(208));
    expect(naps.map(({ ms }) => ms)).toEqual([208]);
    expect(asked).toHaveLength(1);
    await lastNap().end();
    await lastAsked().answer(granted(3));
    await expect(lease).resolves.toEqual({ slot: 3, holder: 'holder 3' });
    expect(asked).toHaveLength(2);
  });

  it('asks less and less often for a slot that another process holds', async () => {
    const { acquire, naps, lastAsked, lastNap } = scene();
    const lease = acquire('cycle');
    for (let poll = 0; poll < 9; poll += 1) {
      await lastAsked().answer(noSlot);
      await lastNap().end();
    }
    await lastAsked().answer(granted(0));
    await lease;
    expect(naps.map(({ ms }) => Math.round(ms))).toEqual([20, 30, 45, 68, 101, 152, 228, 250, 250]);
  });

  it('asks at once when a slot of its own becomes free, also when it does while the store is answering', async () => {
    const { queue, acquire, asked, naps, lastAsked } = scene();
    const lease = acquire('cycle');
    queue.slotFreed();
    await lastAsked().answer(noSlot);
    expect(asked).toHaveLength(2);
    expect(naps).toHaveLength(0);
    await lastAsked().answer(noSlot);
    expect(naps).toHaveLength(1);
    queue.slotFreed();
    await turn();
    expect(asked).toHaveLength(3);
    await lastAsked().answer(granted(0));
    await lease;
  });

  it('does not trouble the store about a free slot while it is the rate that lacks', async () => {
    const { queue, acquire, asked, lastAsked, lastNap } = scene();
    const lease = acquire('cycle');
    await lastAsked().answer(noRate(100));
    queue.slotFreed();
    await turn();
    expect(asked).toHaveLength(1);
    await lastNap().end();
    await lastAsked().answer(granted(0));
    await lease;
  });

  it('wakes for a request of an earlier lane, and not for one that must wait its turn', async () => {
    const { acquire, asked, lastAsked } = scene();
    const leases = [acquire('cycle')];
    await lastAsked().answer(noRate(5_000));
    leases.push(acquire('cycle'), acquire('backfill'));
    await turn();
    expect(asked).toHaveLength(1);
    leases.push(acquire('on-demand'));
    await turn();
    expect(asked.map(({ lane }) => lane)).toEqual(['cycle', 'on-demand']);
    for (let slot = 0; slot < 4; slot += 1) await lastAsked().answer(granted(slot));
    await Promise.all(leases);
  });

  it('comes late to its turn by chance, within the leeway, so that processes take turns', async () => {
    const { acquire, naps, lastAsked } = scene({ leeway: 50 });
    void acquire('cycle');
    await lastAsked().answer(noRate(208));
    expect(naps.map(({ ms }) => ms)).toEqual([258]);
  });

  it('fails whom the store has nothing left of the day for, and asks for the next at once', async () => {
    const { acquire, asked, naps, lastAsked } = scene();
    const first = acquire('cycle');
    const onDemand = acquire('on-demand');
    const failed = expect(first).rejects.toThrow('the day is over after 7');
    await lastAsked().answer({ lease: undefined, lack: 'quota', used: 7, at: new Date(0) });
    await failed;
    expect(naps).toEqual([]);
    expect(asked.map(({ lane }) => lane)).toEqual(['cycle', 'on-demand']);
    await lastAsked().answer(granted(0));
    await expect(onDemand).resolves.toMatchObject({ slot: 0 });
  });

  it('looks again after ten seconds although a pause may last longer', async () => {
    const { acquire, naps, lastAsked, lastNap } = scene();
    const lease = acquire('cycle');
    await lastAsked().answer(noRate(3_600_000));
    expect(naps.map(({ ms }) => ms)).toEqual([10_000]);
    await lastNap().end();
    await lastAsked().answer(granted(0));
    await lease;
  });
});

describe('a request that is aborted', () => {
  it('never reaches the store when it was before', async () => {
    const { acquire, asked } = scene();
    await expect(acquire('cycle', AbortSignal.abort('shutting down'))).rejects.toBe('shutting down');
    expect(asked).toHaveLength(0);
  });

  it('ends with the reason while it waits, and the next one takes its place at once', async () => {
    const { acquire, asked, lastAsked } = scene();
    const stop = new AbortController();
    const first = acquire('on-demand', stop.signal);
    const second = acquire('cycle');
    await lastAsked().answer(noRate(1_000));
    stop.abort('cancelled');
    await expect(first).rejects.toBe('cancelled');
    await turn();
    expect(asked.map(({ lane }) => lane)).toEqual(['on-demand', 'cycle']);
    await lastAsked().answer(granted(0));
    await second;
  });

  it('gives back what the store granted it too late', async () => {
    const { acquire, givenBack, lastAsked } = scene();
    const stop = new AbortController();
    const lease = acquire('cycle', stop.signal);
    stop.abort('cancelled');
    await expect(lease).rejects.toBe('cancelled');
    await lastAsked().answer(granted(7));
    expect(givenBack).toEqual([{ slot: 7, holder: 'holder 7' }]);
  });

  it('costs the others nothing when it was not the first', async () => {
    const { acquire, asked, lastAsked } = scene();
    const stop = new AbortController();
    const first = acquire('cycle');
    const second = acquire('cycle', stop.signal);
    await lastAsked().answer(noRate(1_000));
    stop.abort('cancelled');
    await expect(second).rejects.toBe('cancelled');
    await turn();
    expect(asked).toHaveLength(1);
    void first;
  });
});

describe('a store that fails', () => {
  it('fails everyone who waits, once, and serves the next one again', async () => {
    const { acquire, asked, lastAsked } = scene();
    const outcomes = Promise.allSettled([acquire('cycle'), acquire('backfill')]);
    await lastAsked().fail(new Error('the store is down'));
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(asked).toHaveLength(1);
    const lease = acquire('cycle');
    await lastAsked().answer(granted(0));
    await expect(lease).resolves.toMatchObject({ slot: 0 });
  });
});
