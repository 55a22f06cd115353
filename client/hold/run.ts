import { atStore } from '../at-store.js';
import { EXIT, printJson, type Context, type ExitCode } from '../io.js';
import { moment } from '../moment.js';
import { operatorName } from '../operator.js';
import { nameOf, type RecordRef } from '../record.js';
import { holdRecord, releaseRecord, type Held, type Pair, type Released } from './hold.js';

export interface HoldOptions {
  readonly note?: string;
  readonly by?: string;
  readonly json: boolean;
}

/** `contact-sync hold`. */
export const runHold = (
  { env, io }: Context,
  record: RecordRef,
  { note, by = operatorName(), json }: HoldOptions,
): Promise<ExitCode> =>
  atStore(env, async (db) => {
    const held = await holdRecord(db, record, { since: new Date().toISOString(), by, note: note ?? null });
    if (json) printJson(io, held);
    else io.out(heldText(held, record));
    return EXIT.ok;
  });

/** `contact-sync release`. */
export const runRelease = (
  { env, io }: Context,
  record: RecordRef,
  { json }: { readonly json: boolean },
): Promise<ExitCode> =>
  atStore(env, async (db) => {
    const released = await releaseRecord(db, record);
    if (json) printJson(io, released);
    else io.out(releasedText(released, record));
    return EXIT.ok;
  });

const heldText = ({ pair, hold, already }: Held, record: RecordRef): string => {
  const what = whatOf(pair, record);
  if (already)
    return `${what}: on hold already, since ${moment(hold.since)} by ${hold.by}; that hold stays as it is`;
  return pair === null
    ? `${what}: on hold. It has no record in Dynamics, and gets none until it is released`
    : `${what}: on hold. Nothing is written to either side until it is released`;
};

const releasedText = ({ pair, released, stillOut }: Released, record: RecordRef): string => {
  const what = whatOf(pair, record);
  if (!released) return `${what}: was not on hold`;
  if (stillOut.length > 0)
    return `${what}: released, and still out of scope by its own flag (${stillOut.join(', ')})`;
  return pair === null
    ? `${what}: released`
    : `${what}: released; the next cycle merges what was edited meanwhile`;
};

const whatOf = (pair: Pair | null, record: RecordRef): string => {
  if (pair === null) return nameOf(record);
  return [
    pair.marketoId === null ? [] : `person ${pair.marketoId}`,
    pair.dynamicsId === null ? [] : `${pair.kind} ${pair.dynamicsId}`,
  ]
    .flat()
    .join(' and ');
};
