import { isParkedFor, tryAgain } from '../rules/trials.js';
import { linksById, saveLinks } from '../store/links.js';
import {
  markTried,
  restProbe,
  takeProbes,
  untriedRejections,
  type Probe,
  type Tried,
} from '../store/probes.js';
import type { Attempt, Ports } from './settings.js';

/** Records that are put on trial in one transaction. */
const AT_ONCE = 1_000;

/**
 * Somebody may have mended elsewhere what records were refused for, and no value moves by it. So one record of each cause
 * is tried again from time to time, never the same one twice in a row; once it goes through, so do the others, in portions.
 *
 * @returns how many records were put on trial.
 */
export const probe = async (ports: Ports, attempt: Attempt): Promise<number> => {
  let tried = 0;
  for (const due of await takeProbes(ports.db, ports.timing.probeMs))
    tried += await tryPortion(ports, due, attempt);
  return tried;
};

const tryPortion = async (ports: Ports, { cause, portion }: Probe, attempt: Attempt): Promise<number> => {
  for (let tried = 0; ;) {
    const some = await untriedRejections(ports.db, cause, Math.min(AT_ONCE, portion - tried));
    const marked = some.length === 0 ? 0 : await putOnTrial(ports, some);
    tried += marked;
    attempt.progress();
    if (marked === 0 || tried >= portion) {
      if (tried === 0) await restProbe(ports.db, cause);
      return tried;
    }
  }
};

/** A link that somebody else changed meanwhile comes another time. */
const putOnTrial = async ({ db, timing }: Ports, some: readonly Tried[]): Promise<number> => {
  const ids = new Set(some.map(({ id }) => id));
  const links = await linksById(db, [...new Set(some.map(({ linkId }) => linkId))]);
  const parking = links.filter((link) => isParkedFor(link, ids));
  return db.transaction().execute(async (tx) => {
    const saved = await saveLinks(
      tx,
      parking.map((link) => tryAgain(link, ids)),
      timing.overlapMs,
    );
    const marked = some.filter(({ linkId }) => saved.has(linkId)).map(({ id }) => id);
    await markTried(tx, marked);
    return marked.length;
  });
};
