import type { Row } from '../dynamics/index.js';
import type { PersonRecord } from '../marketo/index.js';
import type { Link } from '../rules/link.js';
import type { MappedField, Mapping } from '../rules/mapping.js';
import { observe, type SilentRefusal } from '../rules/observe.js';
import { withFlag, type FlagRead } from '../rules/scope.js';
import type { FieldValue, FieldValues, Kind } from '../rules/terms.js';
import { linksToReread } from '../store/links.js';
import { currentMapping, mappingAfterRead } from './catalog.js';
import { bury, endLink } from './endings.js';
import { personFlag, rowFlag } from './flags.js';
import { personFields } from './person-fields.js';
import { refuse, saveWithRefusals, type Refused } from './refusals.js';
import { lineageOf, rowStampOf, selectionOf, valuesOf } from './rows.js';
import type { Attempt, Ports } from './settings.js';

/** Persons in one call of Marketo. */
const PERSONS_AT_ONCE = 300;
const ROWS_AT_ONCE = 500;

/** Reads every person again that a link marks; one that is no longer there leaves a tombstone. */
export const rereadPersons = async (
  ports: Ports,
  mapping: Mapping,
  cycle: number,
  attempt: Attempt,
): Promise<number> => {
  let read = 0;
  for (;;) {
    const links = await linksToReread(ports.db, 'marketo', PERSONS_AT_ONCE);
    if (links.length === 0) return read;
    const { found, isLacking } = await personsById(ports, links, mapping, attempt.signal);
    const refused: Refused[] = [];
    const seen = links.map((link) => {
      const values = found.get(link.marketoId ?? 0);
      if (values === undefined) return bury(link);
      const context = contextOf(ports, mapping.fields[link.kind]);
      const observed = observe(link, { side: 'marketo', values }, context);
      const known = { ...observed.link, rereadMarketo: false, backfillMarketo: isLacking(link) };
      const taken = takeRefusals(known, observed.refusals, cycle);
      refused.push(...taken.refused);
      return withFlag(taken.link, personFlag(mapping.scope.person, values));
    });
    read += links.length;
    await saveWithRefusals(ports, seen, refused);
    attempt.progress();
  }
};

export const contextOf = ({ timing }: Ports, fields: readonly MappedField[]) => ({
  fields,
  now: Date.now(),
  overlapMs: timing.overlapMs,
});

/** An answered write that never took effect: Marketo keeps the old value of a blocked field without saying so. */
const takeRefusals = (
  link: Link,
  refusals: readonly SilentRefusal[],
  cycle: number,
): { link: Link; refused: Refused[] } => {
  const refused: Refused[] = [];
  let current = link;
  for (const { write } of refusals) {
    const message = `Marketo answered "updated" and kept the old value of ${write.field}: are updates of it blocked?`;
    const refusal = { side: write.side, fields: [write.field], named: true, code: 'kept-old-value', message };
    const taken = refuse(current, { ...refusal, value: write.to, source: write.source }, cycle);
    refused.push(taken);
    current = taken.link;
  }
  return { link: current, refused };
};

interface PersonsRead {
  /** What they hold now, by id. */
  readonly found: ReadonlyMap<number, Readonly<Record<string, FieldValue>>>;
  readonly isLacking: IsLacking;
}

export const personsById = async (
  ports: Ports,
  links: readonly Link[],
  mapping: Mapping,
  signal: AbortSignal,
): Promise<PersonsRead> => {
  const kinds = [...new Set(links.map(({ kind }) => kind))];
  const fields = ['id', ...personFields(mapping, kinds)];
  const values = links.flatMap(({ marketoId }) => marketoId ?? []);
  const { persons } = await ports.marketo.readPersons({ by: 'id', values, fields }, signal);
  const found = new Map(persons.map(({ id, values: held }: PersonRecord) => [id, held]));
  return { found, isLacking: await lackingOf(ports, links, fields) };
};

/** True for a link that waits for a read of its person, and for which what is synced by now was not all read. */
export type IsLacking = (link: Link) => boolean;

/** A read that began before a right was given did not ask for the field: looked at after the read. */
export const lackingOf = async (
  ports: Ports,
  links: readonly Link[],
  asked: readonly string[],
): Promise<IsLacking> => {
  if (!links.some(({ backfillMarketo }) => backfillMarketo)) return () => false;
  const mapping = await currentMapping(ports);
  return ({ backfillMarketo, kind }) =>
    backfillMarketo && !personFields(mapping, [kind]).every((name) => asked.includes(name));
};

/** Reads every row of a table again that a link marks; one that is no longer there ends its link. */
export const rereadRows = async (ports: Ports, kind: Kind, attempt: Attempt): Promise<number> => {
  let read = 0;
  for (;;) {
    const links = await linksToReread(ports.db, 'dynamics', ROWS_AT_ONCE, kind);
    if (links.length === 0) return read;
    const seen = await withTheirRows(ports, kind, links, endLink, attempt.signal);
    read += links.length;
    await saveWithRefusals(ports, seen, []);
    attempt.progress();
  }
};

/** These links with what their rows hold now; `missing` says what becomes of one whose row is not there. */
export const withTheirRows = async (
  ports: Ports,
  kind: Kind,
  links: readonly Link[],
  missing: (link: Link) => Link,
  signal: AbortSignal,
): Promise<Link[]> => {
  const rows = await rowsOfLinks(ports, kind, links, signal);
  return links.map((link) => {
    const row = rows.get(link.dynamicsId ?? '');
    return row === undefined ? missing(link) : observeRow(ports, link, row);
  });
};

export interface RowRead {
  readonly values: FieldValues;
  readonly etag: string;
  readonly rowStamp: string | null;
  readonly fields: readonly MappedField[];
  readonly lineage: Pick<Link, 'successor' | 'predecessor'>;
  readonly flag: FlagRead;
}

/** Takes a row that was read for this link into it, with what it says of a successor. */
export const observeRow = (ports: Ports, link: Link, row: RowRead): Link => {
  const observed = observe(
    link,
    { side: 'dynamics', values: row.values, etag: row.etag, rowStamp: row.rowStamp },
    contextOf(ports, row.fields),
  );
  const backfillDynamics = link.backfillDynamics && lacksFields(row);
  const read = { ...observed.link, ...row.lineage, rereadDynamics: false, backfillDynamics };
  return withFlag(read, row.flag);
};

/** A read that began before the right to a column was given does not hold it. Names of lookups are never waited for. */
const lacksFields = ({ fields, values }: RowRead): boolean =>
  fields.some(({ name, dynamicsColumn: { type } }) => type !== 'lookup' && !Object.hasOwn(values, name));

/** What the rows of these links hold now, by id. */
export const rowsOfLinks = (
  ports: Ports,
  kind: Kind,
  links: readonly Link[],
  signal: AbortSignal,
): Promise<Map<string, RowRead>> =>
  rowsById(
    ports,
    kind,
    links.flatMap(({ dynamicsId }) => dynamicsId ?? []),
    signal,
  );

/** What these rows hold now, by id; rights are asked after the read, so that no null is taken for a blank. */
export const rowsById = async (
  ports: Ports,
  kind: Kind,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, RowRead & { readonly row: Row; readonly mapping: Mapping }>> => {
  const wanted = selectionOf(await currentMapping(ports), kind);
  const rows = await ports.dynamics.readRows(kind, ids, wanted, signal);
  const mapping = await mappingAfterRead(ports, kind, signal);
  const fields = mapping.fields[kind];
  return new Map(
    rows.map((row) => {
      const { id, etag } = row;
      const flag = rowFlag(mapping.scope[kind], row);
      const values = valuesOf(row, fields);
      const rowStamp = rowStampOf(row, mapping, kind);
      return [id, { row, values, etag, rowStamp, mapping, fields, lineage: lineageOf(row, kind), flag }];
    }),
  );
};
