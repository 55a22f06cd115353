import { readEnvironment } from '../config/environment.js';
import { linksOfRecord } from '../store/links.js';
import { openStore } from '../store/open.js';
import { releaseSwinging } from '../store/swings.js';
import { requireInstalled } from './installed.js';
import { EXIT, printJson, type Context, type ExitCode } from './io.js';
import { unknownRecord, type RecordRef } from './record.js';

/** `contact-sync release-field`: an operator's decision that a swinging field may be synced again. */
export const runReleaseField = async (
  { env, io }: Context,
  record: RecordRef,
  field: string,
  { json }: { readonly json: boolean },
): Promise<ExitCode> => {
  const environment = readEnvironment(env, ['store']);
  const store = await openStore(environment.store);
  try {
    await requireInstalled(store.db, environment.installation);
    const [link] = await linksOfRecord(store.db, record);
    if (link === undefined) throw unknownRecord(record);
    const released = await releaseSwinging(store.db, link.id, field);
    if (json) printJson(io, { field, released });
    else if (released) io.out(`${field} is taken up again: the next cycle decides it.`);
    else io.out(`${field} of this record is not set aside for swinging: nothing to release.`);
    return EXIT.ok;
  } finally {
    await store.close();
  }
};
