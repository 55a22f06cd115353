import { FAILURES, RemoteFailure } from './failures.js';
import { halve } from './halve.js';
import { orAborted } from './or-aborted.js';

export interface GatherOptions<Q, A> {
  /** Questions to one call at most. */
  readonly most: number;
  /** Calls under way at most; what comes meanwhile is gathered into the next one. */
  readonly atOnce: number;
  /** Answers all, in their order. It ends with the signal. */
  readonly call: (questions: readonly Q[], signal: AbortSignal) => Promise<readonly A[]>;
  /** Questions of one key never share a call; without it all may. */
  readonly keyOf?: (question: Q) => string;
  /** By what a question is known when it is asked again; without it company that made calls fail is not remembered. */
  readonly nameOf?: (question: Q) => string;
}

interface Waiter<Q, A> {
  readonly question: Q;
  readonly signal: AbortSignal;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets single questions share calls, without making anybody wait for company: a question goes at once while there is room,
 * and otherwise with all the others that have come by the time that there is. So a lone question takes as long as ever, and
 * the more there are, the fewer calls each of them costs.
 *
 * A call that is refused as a whole is repeated in halves, so that a question that cannot be asked fails alone. Those of one
 * that failed otherwise share with fewer when they are asked again, and soon with nobody: a question that makes the remote
 * fail each time does not hold up the others.
 */
export const gather = <Q, A>(options: GatherOptions<Q, A>) => {
  let waiting: Waiter<Q, A>[] = [];
  let running = 0;
  const company = companyOf(options);

  const pump = (): void => {
    while (running < options.atOnce && waiting.length > 0) {
      const { taken, left } = takeSome(waiting, options, company);
      waiting = left;
      running += 1;
      void callFor(taken, options, company).finally(() => {
        running -= 1;
        pump();
      });
    }
  };

  return (question: Q, signal: AbortSignal): Promise<A> => {
    if (signal.aborted) return Promise.reject(reasonOf(signal));
    const answered = new Promise<A>((resolve, reject) => {
      waiting.push({ question, signal, resolve, reject });
    });
    pump();
    return orAborted(answered, signal);
  };
};

/** How many may share the next call of a question, by what became of its calls before. */
interface Company<Q> {
  readonly mostFor: (question: Q) => number;
  readonly failed: (questions: readonly Q[]) => void;
  readonly passed: (questions: readonly Q[]) => void;
}

/** A call that failed is this many times larger than the next one of its questions. */
const FEWER = 4;
/** Questions that are remembered; one that is never asked again would stay for ever. */
const MOST_REMEMBERED = 10_000;

const companyOf = <Q, A>({ most, nameOf }: GatherOptions<Q, A>): Company<Q> => {
  const known = new Map<string, number>();
  if (nameOf === undefined) return { mostFor: () => most, failed: () => undefined, passed: () => undefined };
  return {
    mostFor: (question) => known.get(nameOf(question)) ?? most,
    failed: (questions) => {
      if (known.size > MOST_REMEMBERED) known.clear();
      const next = Math.max(1, Math.floor(questions.length / FEWER));
      for (const question of questions) known.set(nameOf(question), next);
    },
    passed: (questions) => {
      for (const question of questions) known.delete(nameOf(question));
    },
  };
};

/** The first ones that may share a call; those that were given up meanwhile are dropped. */
const takeSome = <Q, A>(
  waiting: readonly Waiter<Q, A>[],
  { most, keyOf }: GatherOptions<Q, A>,
  { mostFor }: Company<Q>,
): { readonly taken: Waiter<Q, A>[]; readonly left: Waiter<Q, A>[] } => {
  const keys = new Set<string>();
  const taken: Waiter<Q, A>[] = [];
  const left: Waiter<Q, A>[] = [];
  let room = most;
  for (const waiter of waiting) {
    if (waiter.signal.aborted) continue;
    const key = keyOf?.(waiter.question);
    const shared = Math.min(room, mostFor(waiter.question));
    if (taken.length >= shared || (key !== undefined && keys.has(key))) {
      left.push(waiter);
      continue;
    }
    room = shared;
    if (key !== undefined) keys.add(key);
    taken.push(waiter);
  }
  return { taken, left };
};

/** Never rejects: each waiter is told. */
const callFor = async <Q, A>(
  waiters: readonly Waiter<Q, A>[],
  options: GatherOptions<Q, A>,
  company: Company<Q>,
): Promise<void> => {
  if (waiters.length === 0) return;
  const ended = endOfAny(waiters.map(({ signal }) => signal));
  const questions = waiters.map(({ question }) => question);
  try {
    const answers = await options.call(questions, ended.signal);
    company.passed(questions);
    // One answer for each: that is the contract of `call`.
    waiters.forEach(({ resolve }, index) => resolve(answers[index] as A));
  } catch (error) {
    if (isRefused(error) && waiters.length > 1) {
      for (const half of halve(waiters)) await callFor(half.filter(stillAsks), options, company);
    } else {
      if (isUnavailable(error)) company.failed(questions);
      const others = ended.signal.aborted ? cutShort(error) : error;
      for (const { signal, reject } of waiters) reject(signal.aborted ? reasonOf(signal) : others);
    }
  } finally {
    ended.release();
  }
};

const stillAsks = ({ signal }: { readonly signal: AbortSignal }): boolean => !signal.aborted;

/** What an abort's reason is, its caller chose. */
const reasonOf = ({ reason }: AbortSignal): Error => reason as Error;

const isRefused = (error: unknown): boolean =>
  error instanceof RemoteFailure && error.type === FAILURES.refusedCall;

const isUnavailable = (error: unknown): boolean =>
  error instanceof RemoteFailure && error.type === FAILURES.unavailable;

/** The call ended because one of those who shared it had no more time. */
const cutShort = (cause: unknown): RemoteFailure =>
  new RemoteFailure(
    { type: FAILURES.busy, code: 'gathered', message: 'a shared call was cut short', effect: 'unknown' },
    { cause },
  );

/** Aborts with the first of the signals: after its deadline nothing runs of a write that the store was told of. */
const endOfAny = (
  signals: readonly AbortSignal[],
): { readonly signal: AbortSignal; readonly release: () => void } => {
  const end = new AbortController();
  const ends = signals.map((signal) => {
    const abort = (): void => end.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    return () => signal.removeEventListener('abort', abort);
  });
  return { signal: end.signal, release: () => ends.forEach((release) => release()) };
};
