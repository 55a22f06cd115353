import type { Row } from '../dynamics/index.js';
import { actual, type Link } from '../rules/link.js';
import type { MappedField, Mapping } from '../rules/mapping.js';
import { withFlag } from '../rules/scope.js';
import type { IsoInstant, Kind } from '../rules/terms.js';
import { rowsSavedSince } from '../store/backfill.js';
import { insertLinks, linksByRow, saveLinks } from '../store/links.js';
import { mappingAfterRead } from './catalog.js';
import { count, countDrift, driftedFields, isBeingWritten, isRecent, type Tally } from './drift.js';
import { endLink } from './endings.js';
import { rowFlag } from './flags.js';
import { valuesOf } from './rows.js';
import type { Attempt, Ports } from './settings.js';
import { newLink, takeRow } from './take-row.js';

/** What pages of a table are read with, beside the cycle. */
export interface TableReading {
  readonly ports: Ports;
  readonly kind: Kind;
  readonly selection: readonly string[];
  readonly attempt: Attempt;
  /** Up to where the cycles have read the table's changes. */
  readonly readUpTo: IsoInstant | undefined;
  readonly tally: Tally;
}

/** As many times a row is read again whose link somebody else changed between read and save. */
const MOST_LOOKS = 3;

/**
 * Takes a page into the store beside a cycle that may write the same rows. A row of the page is believed only where its
 * link was not saved since the page was asked for, and no write of ours is under way; every other one, one that the store
 * does not know, and one that holds another value than it should, is read again by id: there the link comes first.
 *
 * @param asked the store's clock before the page was asked for.
 */
export const takePage = async (
  reading: TableReading,
  rows: readonly Row[],
  asked: Date,
  mapping: Mapping,
): Promise<void> => {
  const { ports, kind, tally } = reading;
  const fields = mapping.fields[kind];
  count(tally, 'rows', rows.length);
  const ids = rows.map(({ id }) => id);
  const known = new Map((await linksByRow(ports.db, ids)).map((link) => [link.dynamicsId, link]));
  const moved = await rowsSavedSince(ports.db, ids, asked);
  const unknown = rows.filter(({ id }) => !known.has(id));
  // Nobody acts on it before it was read again: it may have been deleted since, and told when the store did not know it.
  await insertLinks(
    ports.db,
    unknown.map((row) => ({ ...newLink(kind, row, mapping), dirty: false })),
  );
  const again = new Set(unknown.map(({ id }) => id));
  const taken = rows.flatMap((row): Link[] => {
    const link = known.get(row.id);
    if (link?.kind !== kind) return [];
    if (moved.has(row.id) || isBeingWritten(link, 'dynamics') || drifts(link, row, fields)) {
      again.add(row.id);
      return [];
    }
    return news(ports, link, row, mapping);
  });
  const saved = await saveLinks(ports.db, taken, ports.timing.overlapMs);
  for (const { id, dynamicsId } of taken) if (!saved.has(id) && dynamicsId !== null) again.add(dynamicsId);
  await lookAgain(reading, [...again], new Set(unknown.map(({ id }) => id)));
};

const drifts = (link: Link, row: Row, fields: readonly MappedField[]): boolean =>
  driftedFields(link, 'dynamics', valuesOf(row, fields), fields).length > 0;

/** What the row makes of its link, where it tells anything that the link does not hold. */
const news = (ports: Ports, link: Link, row: Row, mapping: Mapping): Link[] => {
  const fields = mapping.fields[link.kind];
  const values = valuesOf(row, fields);
  const known = (name: string): boolean => actual(link, 'dynamics', name) !== undefined;
  const flagged = withFlag(link, rowFlag(mapping.scope[link.kind], row));
  const told =
    link.etag === row.etag &&
    JSON.stringify(flagged.outOfScope) === JSON.stringify(link.outOfScope) &&
    !link.backfillDynamics &&
    Object.keys(values).every(known) &&
    !drifts(link, row, fields);
  if (told && link.status !== 'ended') return [];
  return takeRow(ports, link, row, mapping).filter((after) => JSON.stringify(after) !== JSON.stringify(link));
};

/** Reads rows by id, the links before the rows, so that compare-and-set covers all that happens meanwhile. */
const lookAgain = async (
  reading: TableReading,
  ids: readonly string[],
  unknown: ReadonlySet<string>,
): Promise<void> => {
  const { ports, kind, selection, attempt, tally, readUpTo } = reading;
  let open = ids;
  for (let look = 1; open.length > 0 && look <= MOST_LOOKS; look += 1) {
    const links = (await linksByRow(ports.db, open)).filter((link) => link.kind === kind);
    const free = links.filter((link) => !isBeingWritten(link, 'dynamics'));
    const wanted = free.flatMap(({ dynamicsId }) => dynamicsId ?? []);
    const found = await ports.dynamics.readRows(kind, wanted, [...selection, CHANGED_AT], attempt.signal);
    const rows = new Map(found.map((row) => [row.id, row]));
    const mapping = await mappingAfterRead(ports, kind, attempt.signal);
    const fields = mapping.fields[kind];
    const step: Tally = {};
    const changed = free.flatMap((link): Link[] => {
      const row = rows.get(link.dynamicsId ?? '');
      if (row === undefined) return link.status === 'ended' || isAwaited(link) ? [] : [endLink(link)];
      const recent = isRecent(row.values[CHANGED_AT], readUpTo);
      if (link.status === 'linked')
        countDrift(step, 'dynamics', driftedFields(link, 'dynamics', valuesOf(row, fields), fields), recent);
      if (unknown.has(row.id)) count(step, recent ? 'recent' : 'unknownRows');
      return unknown.has(row.id) ? takeRow(ports, link, row, mapping) : news(ports, link, row, mapping);
    });
    const saved = await saveLinks(ports.db, changed, ports.timing.overlapMs);
    open = changed.flatMap(({ id, dynamicsId }) => (saved.has(id) ? [] : (dynamicsId ?? [])));
    if (open.length === 0 || look === MOST_LOOKS)
      for (const [name, by] of Object.entries(step)) count(tally, name, by);
    // A write is under way: the cycle reads what it leaves open.
    if (look === 1) count(tally, 'left', links.length - free.length);
    attempt.progress();
  }
  count(tally, 'left', open.length);
};

const CHANGED_AT = 'modifiedon';

/** A row that a request reserved and that may not exist yet. */
const isAwaited = ({ status, marketoId }: Link): boolean => status === 'unmatched' && marketoId !== null;

/** Ends the links of rows that do not exist any more; @returns how many did. */
export const endMissing = async (reading: TableReading, ids: readonly string[]): Promise<number> => {
  const { ports, kind, attempt } = reading;
  const links = (await linksByRow(ports.db, ids)).filter(
    (link) => link.status !== 'ended' && !isAwaited(link),
  );
  const wanted = links.flatMap(({ dynamicsId }) => dynamicsId ?? []);
  const found = await ports.dynamics.readRows(kind, wanted, ['statecode'], attempt.signal);
  const there = new Set(found.map(({ id }) => id));
  const gone = links.filter(({ dynamicsId }) => dynamicsId !== null && !there.has(dynamicsId)).map(endLink);
  const saved = await saveLinks(ports.db, gone, ports.timing.overlapMs);
  return saved.size;
};
