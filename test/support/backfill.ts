import { findWork } from '../../activities/backfill.js';
import { readFields } from '../../activities/backfill-fields.js';
import type { BackfillTurn, BackfillWork } from '../../activities/contract.js';
import { readTable } from '../../activities/read-table.js';
import { reconcile } from '../../activities/reconcile.js';
import type { Attempt, Ports } from '../../activities/settings.js';
import type { Kind } from '../../rules/terms.js';
import { cursor, moveCursor } from '../../store/cursors.js';
import { added } from '../../store/reconciliations.js';
import { retried } from './attempts.js';

/** What the backfill lane did. */
export interface Backfilled {
  readonly turns: BackfillWork[];
  readonly counts: Readonly<Record<string, number>>;
  readonly completed: BackfillTurn['completed'];
}

/** Reads what the table's changes would tell next, and throws it away. */
export const losePage = async ({ db, dynamics }: Ports, kind: Kind): Promise<void> => {
  const found = await cursor(db, `dynamics/${kind}`);
  if (found === undefined) throw new Error(`the table of ${kind}s was never read`);
  for await (const { deltaLink } of dynamics.changes(kind, { link: found.position })) {
    if (deltaLink !== undefined) await moveCursor(db, found, { ...found, position: deltaLink });
  }
};

/** Turns of the lane until the store says that nothing is due. */
export const runBackfill = async (ports: Ports, most = 50): Promise<Backfilled> => {
  const turns: BackfillWork[] = [];
  let counts: Record<string, number> = {};
  let completed: BackfillTurn['completed'] = null;
  for (;;) {
    const moment = { at: new Date().toISOString() };
    const { work } = await findWork(ports, moment);
    if (work === null) return { turns, counts, completed };
    if (turns.push(work) > most) throw new Error(`the backfill lane did not end: ${turns.join(', ')}`);
    const turn = await retried((attempt) => turnOf(ports, work, moment, attempt));
    counts = added(counts, turn.counts);
    completed = turn.completed ?? completed;
  }
};

const turnOf = (ports: Ports, work: BackfillWork, moment: { at: string }, attempt: Attempt) => {
  switch (work) {
    case 'lead':
    case 'contact':
      return readTable(ports, { ...moment, kind: work }, attempt);
    case 'fields':
      return readFields(ports, moment, attempt);
    case 'reconciliation':
      return reconcile(ports, moment, attempt);
  }
};
