import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DYNAMICS_LIMITS, MARKETO_LIMITS, sharedCalls, type CallLimits } from '../../rules/call-limits.js';
import { gcraOf, judgeCall, leewayMicros } from '../../rules/gcra.js';
import type { Lane } from '../../rules/terms.js';

const lanes: readonly Lane[] = ['on-demand', 'cycle', 'backfill'];

const someLimits: fc.Arbitrary<CallLimits> = fc
  .record({
    burst: fc.integer({ min: 1, max: 12 }),
    reserve: fc.integer({ min: 0, max: 11 }),
    beyond: fc.integer({ min: 0, max: 60 }),
    windowMs: fc.integer({ min: 10, max: 30_000 }),
    driftMs: fc.integer({ min: 0, max: 500 }),
  })
  .map(({ burst, reserve, beyond, windowMs, driftMs }) => ({
    calls: 2 * burst + beyond,
    windowMs,
    driftMs,
    burst,
    concurrency: 1,
    share: 1,
    onDemandReserve: { callsPerWindow: Math.min(reserve, burst - 1), slots: 0 },
  }));

/** Callers that ask, each after a pause that is a fraction of the interval, and come again when told to wait. */
const someCallers = fc.array(
  fc.record({ lane: fc.constantFrom(...lanes), pause: fc.double({ min: 0, max: 3, noNaN: true }) }),
  { minLength: 1, maxLength: 400 },
);

interface Grant {
  readonly at: number;
  readonly lane: Lane;
}

const grantsFor = (limits: CallLimits, callers: Iterable<{ lane: Lane; pause: number }>): Grant[] => {
  const gcra = gcraOf(limits);
  const grants: Grant[] = [];
  let arrival = 0;
  let now = 1e15;
  for (const { lane, pause } of callers) {
    now += Math.floor(pause * gcra.intervalMicros);
    let verdict = judgeCall(gcra, lane, arrival, now);
    if (!verdict.granted) {
      now += verdict.waitMicros;
      verdict = judgeCall(gcra, lane, arrival, now);
    }
    expect(verdict.granted).toBe(true);
    arrival = verdict.arrival;
    grants.push({ at: now, lane });
  }
  return grants;
};

/** The most calls in any window that holds both of its ends: the strictest way in which a remote can count. */
const busiestWindow = (times: readonly number[], windowMicros: number): number => {
  const sorted = times.toSorted((left, right) => left - right);
  let from = 0;
  let busiest = 0;
  sorted.forEach((time, index) => {
    while (time - (sorted[from] ?? time) > windowMicros) from += 1;
    busiest = Math.max(busiest, index - from + 1);
  });
  return busiest;
};

const alone = (limits: CallLimits, lane: Lane, windows: number): Grant[] =>
  grantsFor(
    limits,
    Array.from({ length: windows * limits.calls }, () => ({ lane, pause: 0 })),
  );

interface Turn {
  readonly lane: Lane;
  /** The part of the leeway by which it comes late. */
  readonly late: number;
}

const someTurns: fc.Arbitrary<readonly Turn[]> = fc.oneof(
  fc.array(fc.record({ lane: fc.constantFrom(...lanes), late: fc.double({ min: 0, max: 1, noNaN: true }) }), {
    minLength: 1,
    maxLength: 60,
  }),
  // Lanes that come in swarms.
  fc
    .array(fc.tuple(fc.constantFrom(...lanes), fc.integer({ min: 1, max: 200 }), fc.constantFrom(0, 1)), {
      minLength: 1,
      maxLength: 8,
    })
    .map((swarms) =>
      swarms.flatMap(([lane, length, late]) => Array.from({ length }, () => ({ lane, late }))),
    ),
);

/** Timers and the store are this late, besides the leeway. */
const ROUNDING_MICROS = 2_000;

/** Times of calls when somebody waits at every moment: the lanes of `turns`, again and again. */
const saturate = (limits: CallLimits, turns: readonly Turn[], calls: number): number[] => {
  const gcra = gcraOf(limits);
  const times: number[] = [];
  let [arrival, now] = [0, 1e15];
  for (let call = 0; call < calls; call += 1) {
    const { lane, late } = turns[call % turns.length] ?? expect.fail('there are turns');
    const { waitMicros } = judgeCall(gcra, lane, arrival, now);
    if (waitMicros > 0) now += waitMicros + Math.floor(late * leewayMicros(gcra, lane)) + ROUNDING_MICROS;
    ({ arrival } = judgeCall(gcra, lane, arrival, now));
    times.push(now);
  }
  return times;
};

/** The fewest and the most calls in any window. The emptiest begins just after a call; the fullest at one. */
const windowsOf = (times: readonly number[], { windowMs }: CallLimits) => {
  const windowMicros = windowMs * 1_000;
  const end = times.at(-1) ?? 0;
  let [last, idlest, busiest] = [0, Number.POSITIVE_INFINITY, 0];
  times.forEach((begin, index) => {
    if (begin + windowMicros > end) return;
    while ((times[last + 1] ?? Number.POSITIVE_INFINITY) <= begin + windowMicros) last += 1;
    idlest = Math.min(idlest, last - index);
    busiest = Math.max(busiest, last - index + 1);
  });
  return { idlest, busiest };
};

describe('the pace of calls', () => {
  it('lets no sliding window see more than the share of the limit, whoever asks and when', () => {
    fc.assert(
      fc.property(someLimits, someCallers, (limits, callers) => {
        const times = grantsFor(limits, callers).map(({ at }) => at);
        expect(busiestWindow(times, limits.windowMs * 1_000)).toBeLessThanOrEqual(sharedCalls(limits));
      }),
      { numRuns: 300 },
    );
  });

  it('holds the limit where the remote counts, though calls travel unevenly', () => {
    const travels = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 400, maxLength: 400 });
    fc.assert(
      fc.property(someLimits, someCallers, travels, (limits, callers, travel) => {
        const arrivals = grantsFor(limits, callers).map(
          ({ at }, index) => at + (travel[index] ?? 0) * (limits.driftMs ?? 0) * 1_000,
        );
        expect(busiestWindow(arrivals, limits.windowMs * 1_000)).toBeLessThanOrEqual(sharedCalls(limits));
      }),
      { numRuns: 300 },
    );
  });

  it('lets no fixed window see more than the limit, wherever it begins', () => {
    fc.assert(
      fc.property(
        someLimits,
        someCallers,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (limits, callers, begin) => {
          const windowMicros = limits.windowMs * 1_000;
          const counts = new Map<number, number>();
          for (const { at } of grantsFor(limits, callers)) {
            const window = Math.floor(at / windowMicros + begin);
            counts.set(window, (counts.get(window) ?? 0) + 1);
          }
          expect(Math.max(...counts.values())).toBeLessThanOrEqual(sharedCalls(limits));
        },
      ),
    );
  });

  it.each([
    ['Marketo', MARKETO_LIMITS, 200],
    ['Dataverse', DYNAMICS_LIMITS, 20],
  ])(
    'uses at least 95 %% of the limit of %s in every window, as long as somebody waits, of whatever lanes',
    (_name, part, numRuns) => {
      const limits = { ...part, share: 1 };
      fc.assert(
        fc.property(someTurns, (turns) => {
          const { idlest, busiest } = windowsOf(saturate(limits, turns, 2.5 * limits.calls), limits);
          expect(idlest).toBeGreaterThanOrEqual(0.95 * limits.calls);
          expect(busiest).toBeLessThanOrEqual(limits.calls);
        }),
        { numRuns },
      );
    },
  );

  it.each([
    ['Marketo', MARKETO_LIMITS],
    ['Dataverse', DYNAMICS_LIMITS],
  ])(
    'is 95 %% of the limit of %s, or more, at worst: on-demand took its burst, then backfill is left',
    (_name, part) => {
      const limits = { ...part, share: 1 };
      const turns: readonly Turn[] = [
        { lane: 'on-demand', late: 0 },
        ...Array.from({ length: 3 * limits.calls }, () => ({ lane: 'backfill' as const, late: 1 })),
      ];
      const burst = Array.from({ length: limits.burst }, () => ({ lane: 'on-demand' as const, late: 0 }));
      const { idlest } = windowsOf(saturate(limits, [...burst, ...turns], 2.5 * limits.calls), limits);
      expect(idlest).toBeGreaterThanOrEqual(0.95 * limits.calls);
    },
  );

  it('leaves Marketo to others by half unless told otherwise', () => {
    const grants = alone(MARKETO_LIMITS, 'on-demand', 3);
    expect(
      busiestWindow(
        grants.map(({ at }) => at),
        20_000_000,
      ),
    ).toBeLessThanOrEqual(50);
  });
});

describe('lanes', () => {
  it('keep the reserve free for on-demand at every moment of a saturated cycle', () => {
    fc.assert(
      fc.property(someLimits, fc.integer({ min: 1, max: 200 }), (limits, calls) => {
        const gcra = gcraOf(limits);
        let arrival = 0;
        let now = 1e15;
        for (let call = 0; call < calls; call += 1) {
          now += judgeCall(gcra, 'cycle', arrival, now).waitMicros;
          arrival = judgeCall(gcra, 'cycle', arrival, now).arrival;
        }
        for (let call = 0; call < limits.onDemandReserve.callsPerWindow; call += 1) {
          const verdict = judgeCall(gcra, 'on-demand', arrival, now);
          expect(verdict.granted).toBe(true);
          arrival = verdict.arrival;
        }
      }),
    );
  });

  it('never let a later lane in where an earlier one has to wait', () => {
    const arrivals = fc.double({ min: -5, max: 20, noNaN: true });
    fc.assert(
      fc.property(someLimits, arrivals, (limits, ahead) => {
        const gcra = gcraOf(limits);
        const now = 1e15;
        const waits = lanes.map(
          (lane) => judgeCall(gcra, lane, Math.floor(now + ahead * gcra.intervalMicros), now).waitMicros,
        );
        expect(waits).toEqual(waits.toSorted((left, right) => left - right));
      }),
    );
  });

  it('do not cost throughput: what on-demand leaves, the cycle uses, as fast as if it were alone', () => {
    const limits = { ...MARKETO_LIMITS, share: 1 };
    const lane = (index: number): Lane => (index % 5 === 0 ? 'on-demand' : 'cycle');
    const mixed = grantsFor(
      limits,
      Array.from({ length: 1_000 }, (_, index) => ({ lane: lane(index), pause: 0 })),
    );
    const undisturbed = alone(limits, 'cycle', 10);
    const span = (grants: readonly Grant[]): number => (grants.at(-1)?.at ?? 0) - (grants[0]?.at ?? 0);
    expect(span(mixed) / span(undisturbed)).toBeCloseTo(1, 1);
  });
});

describe('a clock that is set back', () => {
  it('makes nobody wait longer than a burst takes, and then lets the call in', () => {
    const hour = 3_600_000_000;
    fc.assert(
      fc.property(someLimits, fc.constantFrom(...lanes), (limits, lane) => {
        const gcra = gcraOf(limits);
        const refused = judgeCall(gcra, lane, 1e15 + hour, 1e15);
        expect(refused.waitMicros).toBeLessThanOrEqual(gcra.bursts['on-demand'] * gcra.intervalMicros);
        const again = judgeCall(gcra, lane, refused.arrival, 1e15 + refused.waitMicros);
        expect(again.granted).toBe(true);
      }),
    );
  });

  it('again and again never lets more through than the limit in the time that really passed', () => {
    const steps = fc.array(
      fc.record({
        lane: fc.constantFrom(...lanes),
        pause: fc.double({ min: 0, max: 3, noNaN: true }),
        // Back only: a clock that jumps ahead makes any limiter believe that time has passed.
        back: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 40_000_000 })),
      }),
      { minLength: 1, maxLength: 300 },
    );
    fc.assert(
      fc.property(someLimits, steps, (limits, sequence) => {
        const gcra = gcraOf(limits);
        const granted: number[] = [];
        let [real, behind, arrival] = [1e15, 0, 0];
        for (const { lane, pause, back } of sequence) {
          real += Math.floor(pause * gcra.intervalMicros);
          behind += back;
          let verdict = judgeCall(gcra, lane, arrival, real - behind);
          if (!verdict.granted) {
            real += verdict.waitMicros;
            verdict = judgeCall(gcra, lane, verdict.arrival, real - behind);
          }
          expect(verdict.granted).toBe(true);
          arrival = verdict.arrival;
          granted.push(real);
        }
        expect(busiestWindow(granted, limits.windowMs * 1_000)).toBeLessThanOrEqual(sharedCalls(limits));
      }),
      { numRuns: 300 },
    );
  });
});
