import type { CallRequest } from '../rules/budget.js';
import type { Lane } from '../rules/terms.js';
import type { Answer, Lease } from './budget-statements.js';

/** Waits for `ms`, or less: it ends, without an error, as soon as `signal` aborts. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export interface CallQueueOptions {
  /** Asks the store for one call. */
  readonly attempt: (lane: Lane, deadlineMs: number) => Promise<Answer>;
  /** Gives back a lease that nobody waits for any more. */
  readonly giveBack: (lease: Lease) => void;
  readonly sleep: Sleep;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** The most by which a call of this lane may come late to its turn without costing throughput. */
  readonly leewayMs: (lane: Lane) => number;
  /** What a waiting call ends with when its lane has used up the day. */
  readonly dayOver: (spent: Extract<Answer, { lack: 'quota' }>) => Error;
}

export interface CallQueue {
  /** Waits for a lease. @throws the signal's reason, or what the store answered this request. */
  acquire(request: CallRequest): Promise<Lease>;
  /** A slot became free in this process: whoever waits for one looks again at once. */
  slotFreed(): void;
}

interface Waiter {
  readonly request: CallRequest;
  readonly settle: (outcome: { readonly lease: Lease } | { readonly error: unknown }) => void;
}

type Refusal = Extract<Answer, { lack: 'rate' | 'slot' }>;

const ORDER = { 'on-demand': 0, cycle: 1, backfill: 2 } as const satisfies Record<Lane, number>;

/** The first looks for a slot that another process may free come quickly, the later ones a few times a second. */
const SLOT_POLL_MS = { first: 20, last: 250, growth: 1.5 } as const;
/** A wait is looked at again after this long, in case the budget was changed by hand meanwhile. */
const LONGEST_NAP_MS = 10_000;

/**
 * Orders the waiting calls of one process: by lane, then by arrival. Only the first one asks the store, because a lane
 * never has room where a lane before it has none (in the rate, the slots or the day); so the store sees one question at a time from each process.
 */
export const createCallQueue = (options: CallQueueOptions): CallQueue => {
  const waiting: Waiter[] = [];
  let pumping = false;
  let nap: { readonly lack: Refusal['lack']; readonly alarm: AbortController } | undefined;
  /** What happened since the last attempt began, so that its refusal may be out of date. */
  let news = { head: false, slot: false };
  let slotRefusals = 0;

  const headChanged = (): void => {
    news.head = true;
    nap?.alarm.abort();
  };

  const slotFreed = (): void => {
    news.slot = true;
    slotRefusals = 0;
    if (nap?.lack === 'slot') nap.alarm.abort();
  };

  const pauseAfter = (refusal: Refusal, lane: Lane): number => {
    // Processes whose turn comes at the same moment must not meet in the same order each time.
    if (refusal.lack === 'rate')
      return Math.min(refusal.waitMs + options.random() * options.leewayMs(lane), LONGEST_NAP_MS);
    const pause = Math.min(SLOT_POLL_MS.last, SLOT_POLL_MS.first * SLOT_POLL_MS.growth ** slotRefusals);
    slotRefusals += 1;
    return pause * (0.5 + options.random() / 2);
  };

  const restAfter = async (refusal: Refusal, lane: Lane): Promise<void> => {
    if (waiting.length === 0 || news.head || (refusal.lack === 'slot' && news.slot)) return;
    const alarm = new AbortController();
    nap = { lack: refusal.lack, alarm };
    await options.sleep(pauseAfter(refusal, lane), alarm.signal);
    nap = undefined;
  };

  const serve = async (waiter: Waiter): Promise<void> => {
    news = { head: false, slot: false };
    const { lane, deadlineMs } = waiter.request;
    const answer = await options.attempt(lane, deadlineMs);
    if (answer.lease === undefined) {
      if (answer.lack !== 'quota') return restAfter(answer, lane);
      waiter.settle({ error: options.dayOver(answer) });
      return;
    }
    slotRefusals = 0;
    if (waiting.includes(waiter)) waiter.settle({ lease: answer.lease });
    else options.giveBack(answer.lease);
  };

  const pump = async (): Promise<void> => {
    if (pumping) return;
    pumping = true;
    for (let head = waiting[0]; head !== undefined; head = waiting[0]) {
      // A store that does not answer one does not answer the others either: nobody waits for its time-out in turn.
      await serve(head).catch((error: unknown) => waiting.slice().forEach(({ settle }) => settle({ error })));
    }
    pumping = false;
  };

  const enqueue = (waiter: Waiter): void => {
    const behind = waiting.findIndex(({ request }) => ORDER[request.lane] > ORDER[waiter.request.lane]);
    waiting.splice(behind === -1 ? waiting.length : behind, 0, waiter);
    if (waiting[0] === waiter) headChanged();
    void pump();
  };

  const remove = (waiter: Waiter): void => {
    const index = waiting.indexOf(waiter);
    if (index === -1) return;
    waiting.splice(index, 1);
    if (index === 0) headChanged();
  };

  const acquire = (request: CallRequest): Promise<Lease> =>
    new Promise((resolve, reject) => {
      const { signal } = request;
      const abort = (): void => waiter.settle({ error: signal?.reason });
      const waiter: Waiter = {
        request,
        settle: (outcome) => {
          signal?.removeEventListener('abort', abort);
          remove(waiter);
          if ('lease' in outcome) resolve(outcome.lease);
          // An abort's reason is whatever its caller chose, as with `AbortSignal.throwIfAborted`.
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
          else reject(outcome.error);
        },
      };
      if (signal?.aborted === true) {
        abort();
        return;
      }
      signal?.addEventListener('abort', abort, { once: true });
      enqueue(waiter);
    });

  return { acquire, slotFreed };
};
