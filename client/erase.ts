import { erase } from '../store/erase.js';
import { atStore } from './at-store.js';
import { refusal, type CommandFailure } from './failure.js';
import { EXIT, printJson, type Context, type ExitCode } from './io.js';
import { nameOf, unknownRecord, type RecordRef } from './record.js';

/** `contact-sync erase`: leaves no value of a person in the store that is not synced any more. */
export const runErase = (
  { env, io }: Context,
  record: RecordRef,
  { json }: { readonly json: boolean },
): Promise<ExitCode> =>
  atStore(env, async (db) => {
    const result = await erase(db, record);
    if (result.is === 'unknown') throw unknownRecord(record);
    if (result.is === 'living') throw stillSynced(record, result.status);
    const { links, decisions, rejections, entries } = result;
    if (json) printJson(io, { erased: { links, decisions, rejections, entries } });
    else
      io.out(
        links + decisions + rejections + entries === 0
          ? `The store holds no value of ${nameOf(record)} any more.`
          : `Struck out for ${nameOf(record)}: ${links} former pairs, ${decisions} decisions, ${rejections} rejections, ${entries} log entries.`,
      );
    return EXIT.ok;
  });

const stillSynced = (record: RecordRef, status: string): CommandFailure =>
  refusal(
    `${nameOf(record).replace(/^./, (first) => first.toUpperCase())} is still synced or may be again (${status}): its values are what both sides are compared with.`,
    'Delete the person in Marketo and its row in Dynamics (a qualified lead too), and let a cycle run.',
    'Then run this again.',
  );
