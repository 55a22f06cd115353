import type { Attempt, Ports } from '../../activities/settings.js';
import { retried } from '../support/attempts.js';
import { Crash } from '../support/mortal.js';
import type { Happening } from './calls.js';
import { runCycle } from './cycle.js';
import type { Act, Moment, Round } from './scenario.js';
import type { Stage } from './stage.js';

/** A cycle and what comes in it. */
export interface Disturbed {
  readonly order: number;
  readonly happenings: readonly Happening[];
  /** Another worker takes up the step that the dead one had begun. */
  readonly resumes: boolean;
  /** What runs beside cycles, and here after one: it dies with the same worker. */
  readonly then?: (ports: Ports) => Promise<unknown>;
}

const MINUTE = 60_000;

/** Claims of the dead end before anybody goes on. */
export const CLAIMS_END_MS = 2 * MINUTE;

/** What somebody does at a moment of the cycle, and the death of its worker. */
export const happeningsOf = (
  { inside, trouble }: Pick<Round, 'inside' | 'trouble'>,
  meanwhile: (act: Act) => Promise<void>,
  tell: (line: string) => void,
): Happening[] => {
  const acts = inside.map(({ at, act }) => ({ at, happens: () => meanwhile(act) }));
  if (trouble?.is !== 'crash') return acts;
  return [...acts, deathAt(trouble.at, () => tell('(the worker dies)'))];
};

export const deathAt = (at: Moment, tell: () => void): Happening => ({
  ...{ at, kills: true },
  happens: () => {
    tell();
    return Promise.reject(new Crash('killed'));
  },
});

/** Runs a cycle with what comes in it; resolves with whether it came to its end. */
export const attemptCycle = async ({ calls, pass }: Stage, how: Disturbed): Promise<boolean> => {
  calls.plan(how.happenings);
  const step = how.resumes ? resuming(pass) : retried;
  try {
    await runCycle(calls.ports, { order: how.order, step });
    await how.then?.(calls.ports);
    await calls.idle();
    return true;
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
    await calls.idle();
    await pass(CLAIMS_END_MS);
    return false;
  }
};

/** What was to come at a call that the cycle never made comes after it; a death no more. */
export const whatIsLeft = async ({ calls }: Stage): Promise<void> => {
  for (const { happens, kills } of calls.rest()) if (kills !== true) await happens();
};

/** A step whose worker died is taken up by another, once its silence was noticed and its claims are over. */
const resuming =
  (pass: Stage['pass']) =>
  async <T>(run: (attempt: Attempt) => Promise<T>): Promise<T> => {
    try {
      return await retried(run);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      await pass(65_000);
      return retried(run);
    }
  };
