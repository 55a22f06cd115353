import type { IsoInstant } from '../rules/terms.js';
import type { Database } from '../store/database.js';
import { notePass, type Pass } from '../store/reconciliations.js';
import { dropRenewal, isRenewing } from '../store/renewals.js';
import type { PassStage } from '../store/schema.js';

/**
 * Moves a pass to its next stage. A table is read from its first page, unless it is being read already: what was read before
 * tells nothing of later.
 */
export const enterStage = (db: Database, pass: Pass, stage: PassStage, at: IsoInstant): Promise<void> =>
  db.transaction().execute(async (tx) => {
    const moved = await notePass(tx, pass, { stage, counts: {} }, at);
    if (!moved || (stage !== 'lead' && stage !== 'contact')) return;
    if (!(await isRenewing(tx, stage))) await dropRenewal(tx, stage);
  });
