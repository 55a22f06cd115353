import type { RefusalScope } from '../dynamics/index.js';
import { RemoteFailure } from '../rules/failures.js';
import { heldValues, type Link } from '../rules/link.js';
import type { FieldNotice, MappedField, Mapping } from '../rules/mapping.js';
import { giveUp, park, plannedWrites } from '../rules/outcome.js';
import type { Kind } from '../rules/terms.js';
import { addNotices, ageCatalog } from '../store/catalogs.js';
import { refreshCatalog, requireInstallation } from './catalog.js';
import { save } from './claimed.js';
import { atRest, type Push } from './push.js';
import type { Ports } from './settings.js';

/** A write that was refused for what the sync user may do with a column, or for what the table has. */
export interface FieldRefusal {
  /** Its writes are planned again. */
  readonly link: Link;
  readonly scope: Extract<RefusalScope, 'column-rights' | 'schema'>;
  readonly column: string | undefined;
}

/** The sync user may not write to a table at all: nothing goes on until somebody mends it. */
export const forbidden = (kind: Kind, code: string): RemoteFailure =>
  new RemoteFailure({
    type: 'Forbidden',
    side: 'dynamics',
    // A single token: only such codes reach workflow histories.
    code: `${code}.${kind}`,
    message: `the sync user may not write to the table ${kind} (${code}): check its security roles`,
    effect: 'none',
  });

/**
 * Sets fields aside that Dynamics refuses whatever the record: one notice about the field, nothing on anybody's log. Which
 * field it is, rights and schema tell when they are read again; error texts do not reliably name it.
 *
 * @returns the links that have something else to write.
 */
export const setFieldsAside = async (push: Push, refusals: readonly FieldRefusal[]): Promise<Link[]> => {
  if (refusals.length === 0) return [];
  const before = push.mapping;
  push.mapping = await readAgain(push);
  const notices: FieldNotice[] = [];
  const aside = refusals.map((refusal) => {
    const { kind } = refusal.link;
    if (isOfStamp(refusal, before, push.mapping)) {
      push.mapping = withoutStamps(push.mapping, kind);
      return refusal.link;
    }
    const fields = culprits(refusal, before.fields[kind], push.mapping.fields[kind]);
    notices.push(...fields.map((field) => noticeOf(refusal, field)));
    return atRest(quarantine(refusal.link, fields));
  });
  if (notices.some(({ kind, field }) => mayStill(push.mapping, kind, field))) await ageCatalog(push.ports.db);
  await addNotices(push.ports.db, notices);
  return (await save(push.ports, aside)).filter((link) => plannedWrites(link, 'dynamics').length > 0);
};

/** Rights and both schemas as they are now, past the server's cache. */
export const readStrongly = async (ports: Ports, signal: AbortSignal): Promise<Mapping> => {
  const { syncUserId } = await requireInstallation(ports);
  return (await refreshCatalog(ports, syncUserId, signal, { strong: true })).mapping;
};

const readAgain = (push: Push): Promise<Mapping> =>
  (push.refreshed ??= readStrongly(push.ports, push.attempt.signal));

const mayStill = (mapping: Mapping, kind: Kind, name: string): boolean =>
  mapping.fields[kind].some((field) => field.name === name && field.updatable);

/** The stamp column was refused, not a field: the row is written without. */
const isOfStamp = ({ link: { kind }, column }: FieldRefusal, before: Mapping, now: Mapping): boolean => {
  const stampColumn = before.stampColumns[kind];
  return stampColumn !== null && (column === stampColumn || now.stampColumns[kind] === null);
};

const withoutStamps = (mapping: Mapping, kind: Kind): Mapping => ({
  ...mapping,
  stampColumns: { ...mapping.stampColumns, [kind]: null },
});

/** Fields that may not be written now; if all may, the one that the error named, or any of those sent. */
const culprits = (
  { link, column }: FieldRefusal,
  before: readonly MappedField[],
  now: readonly MappedField[],
): string[] => {
  const sent = plannedWrites(link, 'dynamics').map(({ field }) => field);
  const barred = sent.filter((name) => !now.some((field) => field.name === name && field.updatable));
  if (barred.length > 0) return barred;
  const named = before.find((field) => field.column === column)?.name;
  return named !== undefined && sent.includes(named) ? [named] : sent;
};

const quarantine = (link: Link, fields: readonly string[]): Link => {
  const writes = plannedWrites(link, 'dynamics').filter(({ field }) => fields.includes(field));
  return fields.reduce(
    (current, field) => park(current, field, heldValues(link, field), 'quarantined', null),
    giveUp(link, writes, false),
  );
};

const noticeOf = ({ link: { kind }, scope }: FieldRefusal, field: string): FieldNotice =>
  scope === 'schema'
    ? { kind, field, code: 'unknown-column', message: `The table ${kind} does not take ${field} any more.` }
    : { kind, field, code: 'read-only', message: `The sync user may not change ${field} of a ${kind}.` };
