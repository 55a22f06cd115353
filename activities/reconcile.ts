import { RemoteFailure } from '../rules/failures.js';
import type { IsoInstant, Kind } from '../rules/terms.js';
import { openPass, passById, startPass, added, notePass, type Pass } from '../store/reconciliations.js';
import type { BackfillMoment, BackfillTurn } from './contract.js';
import { enterStage } from './pass-stages.js';
import { readOn } from './read-table.js';
import { reconcilePersons } from './reconcile-persons.js';
import type { Attempt, Ports } from './settings.js';
import { beginTurn, type Turn } from './turn.js';

/**
 * A turn of the pass that is open: every person that has a link, then every row of both tables, against what the store
 * holds. What no change feed told is taken in as seen; the next cycle merges it by the same rules. It writes nowhere but
 * to the store.
 */
export const reconcile = async (
  ports: Ports,
  { at }: BackfillMoment,
  attempt: Attempt,
): Promise<BackfillTurn> => {
  const first = await openPass(ports.db);
  if (first === undefined) return { counts: {}, completed: null };
  await startPass(ports.db, first.id, at);
  // After an outage deletions are missing: as fast as the lane lets.
  const pace = first.reason === 'outage' ? null : ports.reconciliation.callsPerMinute;
  const turn = beginTurn(attempt, pace);
  // A turn that is over before it began would never come to an end.
  for (let pass: Pass | undefined = first, steps = 0; pass?.completedAt === null; steps += 1) {
    if (steps > 0 && !turn.goesOn()) return { counts: pass.counts, completed: null };
    await step({ ports, at, attempt, turn }, pass);
    pass = await passById(ports.db, first.id);
  }
  const { counts = {} } = (await passById(ports.db, first.id)) ?? {};
  return { counts, completed: counts };
};

interface Step {
  readonly ports: Ports;
  readonly at: IsoInstant;
  readonly attempt: Attempt;
  readonly turn: Turn;
}

const step = (parts: Step, pass: Pass): Promise<void> => {
  switch (pass.stage) {
    case 'persons':
      return reconcilePersons(parts.ports, pass, parts.at, parts.attempt, parts.turn);
    case 'lead':
    case 'contact':
      return reconcileTable(parts, pass, pass.stage);
    case 'done':
      return Promise.resolve();
  }
};

/** A table that was read anew meanwhile, for the field selection, was seen as well. */
const reconcileTable = async ({ ports, at, attempt, turn }: Step, pass: Pass, kind: Kind): Promise<void> => {
  let current = pass;
  const isRead = await readOn(ports, kind, attempt, turn, async (tx, tally) => {
    if (!(await notePass(tx, current, { counts: tally }, at))) throw movedElsewhere();
    current = { ...current, counts: added(current.counts, tally) };
  });
  if (isRead) await enterStage(ports.db, current, kind === 'lead' ? 'contact' : 'done', at);
};

const movedElsewhere = (): RemoteFailure =>
  new RemoteFailure({
    type: 'Busy',
    side: 'dynamics',
    code: 'pass-moved',
    effect: 'none',
    message: 'the pass was moved on by another worker, or begins again',
  });
