import { ACTIVITY_TYPES, type PersonRecord } from '../marketo/index.js';
import { isUnsettled } from '../rules/settle.js';
import type { Link } from '../rules/link.js';
import { observe } from '../rules/observe.js';
import type { IsoInstant } from '../rules/terms.js';
import { cursor } from '../store/cursors.js';
import { installedAt } from '../store/installations.js';
import { linksWithPerson, saveLinks } from '../store/links.js';
import { lastCompletedPass, notePass, type Pass } from '../store/reconciliations.js';
import { currentMapping } from './catalog.js';
import { count, countDrift, driftedFields, isBeingWritten, isRecent, type Tally } from './drift.js';
import { bury } from './endings.js';
import { personFields } from './person-fields.js';
import { handleMerged } from './merged-persons.js';
import { enterStage } from './pass-stages.js';
import { contextOf, lackingOf, type IsLacking } from './reread.js';
import type { Attempt, Ports } from './settings.js';
import type { Turn } from './turn.js';

const PERSONS_AT_ONCE = 300;
/** A person's last change, by Marketo; it does not move by every field. */
const CHANGED_AT = 'updatedAt';

/**
 * One batch of a pass, in order of link id: reads the persons and takes in what no change log told. A person that is gone
 * is left to the next cycle's own read, which knows what the streams tell of it by then.
 */
export const reconcilePersons = async (
  ports: Ports,
  pass: Pass,
  at: IsoInstant,
  attempt: Attempt,
  turn: Turn,
): Promise<void> => {
  const { db, timing } = ports;
  const links = await linksWithPerson(db, pass.afterLink, PERSONS_AT_ONCE);
  const last = links.at(-1);
  if (last === undefined) {
    await enterStage(db, pass, 'lead', at);
    return;
  }
  await turn.pace(1);
  const found = await readThem(ports, links, attempt);
  const missing = links.some(({ marketoId }) => !found.persons.has(marketoId ?? 0));
  if (missing && !pass.mergesRead) {
    await readMerges(ports, attempt, turn);
    // The links may have gone over to other persons: the batch begins anew.
    await notePass(db, pass, { mergesRead: true, counts: {} }, at);
    return;
  }
  const tally: Tally = {};
  const changed = links.flatMap((link) => take(ports, link, found, tally));
  const saved = await saveLinks(db, changed, timing.overlapMs);
  // Somebody else changed them since: the cycle has them in hand.
  count(tally, 'left', changed.length - saved.size);
  await notePass(db, pass, { afterLink: last.id, counts: tally }, at);
  attempt.progress();
};

interface Found {
  readonly persons: ReadonlyMap<number, PersonRecord>;
  readonly mapping: Awaited<ReturnType<typeof currentMapping>>;
  readonly isLacking: IsLacking;
  /** Up to where the cycles have read the change log. */
  readonly readUpTo: IsoInstant | undefined;
}

const readThem = async (ports: Ports, links: readonly Link[], attempt: Attempt): Promise<Found> => {
  const readUpTo = (await cursor(ports.db, 'marketo/changes'))?.mark;
  const mapping = await currentMapping(ports);
  const values = links.flatMap(({ marketoId }) => marketoId ?? []);
  const fields = ['id', CHANGED_AT, ...personFields(mapping)];
  const { persons } = await ports.marketo.readPersons({ by: 'id', values, fields }, attempt.signal);
  const isLacking = await lackingOf(ports, links, fields);
  return { persons: new Map(persons.map((person) => [person.id, person])), mapping, isLacking, readUpTo };
};

const take = (ports: Ports, link: Link, read: Found, tally: Tally): Link[] => {
  const { persons, mapping, isLacking, readUpTo } = read;
  count(tally, 'persons');
  const person = persons.get(link.marketoId ?? 0);
  if (person === undefined) {
    count(tally, 'missingPersons');
    return [link.status === 'linked' ? { ...link, rereadMarketo: true } : bury(link)];
  }
  if (link.status !== 'linked') return [];
  if (isBeingWritten(link, 'marketo')) {
    count(tally, 'left');
    return [];
  }
  const fields = mapping.fields[link.kind];
  const { values } = person;
  const drifted = driftedFields(link, 'marketo', values, fields);
  countDrift(tally, 'marketo', drifted, isRecent(values[CHANGED_AT], readUpTo));
  const lacks = fields.some(({ name }) => !(name in link.seen.marketo) && !(name in link.agreed.marketo));
  if (drifted.length === 0 && !lacks && !link.backfillMarketo) return [];
  const observed = observe(link, { side: 'marketo', values }, contextOf(ports, fields)).link;
  const dirty = observed.dirty || isUnsettled(observed);
  return [{ ...observed, backfillMarketo: isLacking(link), dirty }];
};

/**
 * Merges since the last pass, which a lost page of the stream would have hidden: a person that was merged away is no
 * deleted one. Taking a merge twice changes nothing.
 */
const readMerges = async (ports: Ports, attempt: Attempt, turn: Turn): Promise<void> => {
  const { db, installation, timing } = ports;
  const since = (await lastCompletedPass(db))?.startedAt ?? (await installedAt(db, installation));
  const sinceMs = (since === undefined ? Date.now() : Date.parse(since)) - timing.overlapMs;
  let token = await ports.marketo.pagingToken(new Date(sinceMs).toISOString(), attempt.signal);
  for (let more = true; more;) {
    await turn.pace(1);
    const query = { token, typeIds: [ACTIVITY_TYPES.mergePersons] };
    const page = await ports.marketo.activities(query, attempt.signal);
    await handleMerged(ports, page.activities);
    ({ nextToken: token, more } = page);
    attempt.progress();
  }
};
