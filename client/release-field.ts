import { linksOfRecord } from '../store/links.js';
import { releaseSwinging } from '../store/swings.js';
import { atStore } from './at-store.js';
import { EXIT, printJson, type Context, type ExitCode } from './io.js';
import { unknownRecord, type RecordRef } from './record.js';

/** `contact-sync release-field`: an operator's decision that a swinging field may be synced again. */
export const runReleaseField = (
  { env, io }: Context,
  record: RecordRef,
  field: string,
  { json }: { readonly json: boolean },
): Promise<ExitCode> =>
  atStore(env, async (db) => {
    const [link] = await linksOfRecord(db, record);
    if (link === undefined) throw unknownRecord(record);
    const released = await releaseSwinging(db, link.id, field);
    if (json) printJson(io, { field, released });
    else if (released) io.out(`${field} is taken up again: the next cycle decides it.`);
    else io.out(`${field} of this record is not set aside for swinging: nothing to release.`);
    return EXIT.ok;
  });
