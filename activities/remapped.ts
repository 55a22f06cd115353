import { isMissed, type Link } from '../rules/link.js';
import { mappingChanges, marksOf, type MappingChange } from '../rules/mapping-marks.js';
import { tryAgain } from '../rules/trials.js';
import { loadMarks, saveMarks } from '../store/catalogs.js';
import { linksParking, saveLinks } from '../store/links.js';
import { currentMapping } from './catalog.js';
import { busy } from './request.js';
import type { Attempt, Ports } from './settings.js';

const AT_ONCE = 1_000;

/**
 * A refusal holds as long as its values, its record and its mapping are the same. Where the limits, options or rights of a
 * field are others now, what was refused for it is tried again; what was refused for a field that is not selected any more
 * is closed.
 */
export const releaseRemapped = async (ports: Ports, attempt: Attempt): Promise<void> => {
  const now = marksOf(ports.choices, await currentMapping(ports));
  const before = await loadMarks(ports.db);
  for (const change of before === undefined ? [] : mappingChanges(before, now)) {
    await releaseFields(ports, change, attempt);
  }
  // Only now: after a crash it is all done again.
  await saveMarks(ports.db, now);
};

const releaseFields = async (ports: Ports, change: MappingChange, attempt: Attempt): Promise<void> => {
  const { db, timing } = ports;
  const fields = [...change.changed, ...change.deselected];
  for (let after = 0; ;) {
    const links = await linksParking(db, change.kind, fields, after, AT_ONCE);
    const last = links.at(-1);
    if (last === undefined) return;
    const saved = await saveLinks(
      db,
      links.map((link) => released(link, change)),
      timing.overlapMs,
    );
    if (saved.size < links.length) throw busy('a record with a refused field');
    after = last.id;
    attempt.progress();
  }
};

const released = (link: Link, { changed, deselected }: MappingChange): Link => {
  const kept = Object.entries(link.parked).filter(([name]) => !deselected.includes(name));
  const ids = kept.flatMap(([name, { rejectionId }]) => (changed.includes(name) ? (rejectionId ?? []) : []));
  const rest = { ...link, parked: Object.fromEntries(kept) };
  const works = link.status === 'linked' || link.status === 'unmatched' || isMissed(link);
  return works && ids.length > 0 ? tryAgain(rest, new Set(ids)) : rest;
};
