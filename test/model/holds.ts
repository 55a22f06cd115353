import { CommandFailure } from '../../client/failure.js';
import { holdRecord, releaseRecord } from '../../client/hold/hold.js';
import type { RecordRef } from '../../client/record.js';
import type { Side } from './fields.js';
import type { Ordered } from './orders.js';
import type { Stage } from './stage.js';

/** An operator puts a record on hold or ends that; what the store does not know yet is refused. */
export const turnHold = async (
  { real: { db } }: Stage,
  { side, record, id }: { readonly side: Side; readonly record: string; readonly id: string },
  on: boolean,
): Promise<Ordered[]> => {
  const ref = side === 'marketo' ? { marketoId: Number(id) } : { dynamicsId: id };
  const hold = { since: new Date().toISOString(), by: 'operator', note: null };
  const done = await unlessRefused(on ? holdRecord(db, ref, hold) : releaseRecord(db, ref));
  return done ? [{ did: 'order', what: `${on ? 'a hold on' : 'no hold on'} ${side} record ${record}` }] : [];
};

/** Nothing is on hold any more. */
export const endHolds = async ({ real }: Stage): Promise<void> => {
  const refs: RecordRef[] = [];
  for (const { marketoId, dynamicsId, outOfScope } of await real.links()) {
    if (outOfScope?.hold === undefined) continue;
    if (marketoId !== null) refs.push({ marketoId });
    if (dynamicsId !== null) refs.push({ dynamicsId });
  }
  const persons = await real.db.selectFrom('held_persons').select('marketo_id').execute();
  refs.push(...persons.map(({ marketo_id: marketoId }) => ({ marketoId })));
  for (const ref of refs) await unlessRefused(releaseRecord(real.db, ref));
};

const unlessRefused = async (command: Promise<unknown>): Promise<boolean> => {
  try {
    await command;
    return true;
  } catch (error) {
    if (error instanceof CommandFailure) return false;
    throw error;
  }
};
