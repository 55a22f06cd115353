import type { Database } from '../../store/database.js';
import { decideStop, lastStop, type GuardDecision, type GuardStop } from '../../store/guard-stops.js';
import { atStore } from '../at-store.js';
import { refusal } from '../failure.js';
import { EXIT, printJson, type Context, type ExitCode } from '../io.js';
import { OUTCOMES, renderStop } from './render.js';

export interface GuardOptions {
  readonly note?: string;
  readonly json: boolean;
}

/**
 * `contact-sync guard`: shows what the guard on mass change holds back, or notes what is to become of it. The next cycle
 * does it: here nothing but the decision is written, so that a command that is cut off leaves nothing half done.
 */
export const runGuard = async (
  { env, io }: Context,
  decision: GuardDecision | undefined,
  { note, json }: GuardOptions,
): Promise<ExitCode> => {
  if (decision === undefined && note !== undefined)
    throw refusal('--note belongs to a decision.', 'contact-sync guard go-on --note "…", or discard.');
  return atStore(env, async (db) => {
    if (decision !== undefined) await decide(db, decision, note ?? null);
    const stop = await lastStop(db);
    if (json) printJson(io, { stop: stop?.outcome === null ? stop : null });
    else io.out(renderStop(stop, io.color));
    return EXIT.ok;
  });
};

/** @throws {CommandFailure} when there is nothing to decide (any more). */
const decide = async (db: Database, decision: GuardDecision, note: string | null): Promise<void> => {
  const stop = await lastStop(db);
  if (stop?.outcome !== null) throw nothingStopped(stop);
  if (!(await decideStop(db, stop.id, decision, note))) throw nothingStopped(await lastStop(db));
};

const nothingStopped = (last: GuardStop | undefined) => {
  const known =
    last?.outcome == null
      ? 'No cycle was ever stopped.'
      : `The last stop, ${String(last.id)} (cycle ${String(last.firstCycle)}), was ${OUTCOMES[last.outcome]}.`;
  return refusal('Nothing is stopped: there is nothing to decide.', known);
};
