import { KINDS, type IsoInstant, type Kind } from '../rules/terms.js';
import { hasBackfill } from '../store/backfill.js';
import { cursor } from '../store/cursors.js';
import { installation, installedAt } from '../store/installations.js';
import { askForPass, lastCompletedPass, openPass } from '../store/reconciliations.js';
import { readyRenewal } from '../store/renewals.js';
import { loadCatalog } from '../store/catalogs.js';
import { currentMapping } from './catalog.js';
import type { BackfillDue, BackfillMoment, BackfillWork } from './contract.js';
import { selectionOf } from './rows.js';
import type { Ports } from './settings.js';

/** The same systems, their calls queued behind those of the cycle, and stopped earlier in the day. */
export const onBackfillLane = (ports: Ports): Ports => ({
  ...ports,
  marketo: ports.marketo.onLane('backfill'),
  dynamics: ports.dynamics.onLane('backfill'),
});

/** Asks the store alone what the lane is to do, the most urgent first. */
export const findWork = async (ports: Ports, { at }: BackfillMoment): Promise<BackfillDue> => ({
  work: await dueWork(ports, at),
  lookAgainAt: Date.parse(at) + lookEvery(ports),
  takeoverMs: ports.timing.takeoverMs,
});

/** New work comes with cycles: the store is asked as often, between once a second and once in five minutes. */
const lookEvery = ({ timing: { restMs } }: Ports): number => Math.min(300_000, Math.max(1_000, restMs));

const dueWork = async (ports: Ports, at: IsoInstant): Promise<BackfillWork | null> => {
  const { db } = ports;
  // Before setup, and before the first cycle has read everything, there is nothing to look for.
  if ((await installation(db, ports.installation)) === undefined) return null;
  if ((await loadCatalog(db)) === undefined || !(await isLoaded(ports))) return null;
  for (const kind of KINDS) if (await lacksLink(ports, kind)) return kind;
  if (await hasBackfill(db)) return 'fields';
  if ((await openPass(db)) !== undefined) return 'reconciliation';
  if (!(await isPassDue(ports, at))) return null;
  await askForPass(db, 'schedule', at);
  return 'reconciliation';
};

const isLoaded = async ({ db }: Ports): Promise<boolean> => {
  for (const kind of KINDS) {
    const found = await cursor(db, `dynamics/${kind}`);
    if (found === undefined || found.position === '') return false;
  }
  return (await cursor(db, 'marketo/changes')) !== undefined;
};

/** The change link that the cycle goes by was made for another selection, and none for this one is there. */
const lacksLink = async (ports: Ports, kind: Kind): Promise<boolean> => {
  const wanted = selectionOf(await currentMapping(ports), kind).join(',');
  const found = await cursor(ports.db, `dynamics/${kind}`);
  return found?.selection !== wanted && (await readyRenewal(ports.db, kind, wanted)) === undefined;
};

const isPassDue = async (
  { db, installation: name, reconciliation }: Ports,
  at: IsoInstant,
): Promise<boolean> => {
  if (reconciliation.everyMs === null) return false;
  const last = (await lastCompletedPass(db))?.startedAt ?? (await installedAt(db, name));
  return last !== undefined && Date.parse(at) >= Date.parse(last) + reconciliation.everyMs;
};
