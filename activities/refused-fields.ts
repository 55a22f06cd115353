import type { Refusal } from '../dynamics/index.js';
import { RemoteFailure } from '../rules/failures.js';
import { heldValues, type Link, type Write } from '../rules/link.js';
import type { Mapping } from '../rules/mapping.js';
import { giveUp, park, plannedWrites } from '../rules/outcome.js';
import type { Kind } from '../rules/terms.js';
import { isRefusedAgain } from '../rules/trials.js';
import { ageCatalog } from '../store/catalogs.js';
import { refreshCatalog, requireInstallation } from './catalog.js';
import { save } from './claimed.js';
import { atRest, type Push } from './push.js';
import type { Ports } from './settings.js';

/** A write that was refused for what the sync user may do with a column, or for what the table has. */
export interface FieldRefusal {
  /** Its writes are planned again. */
  readonly link: Link;
  /** The writes as the refused call carried them. */
  readonly carried: readonly Write[];
  readonly outcome: Refusal;
}

export interface SetAside {
  /** Links that have something else to write, or the same once more. */
  readonly again: readonly Link[];
  /** Rights and schema, read again, say that all of it may be written, and so it was refused a second time. */
  readonly unexplained: readonly FieldRefusal[];
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
 * Sets fields aside that Dynamics refuses whatever the record: the notice about the field says so, nothing is on anybody's
 * log. Which field it is, rights and schema tell when they are read again; error texts do not reliably name it. Where they
 * bar none, the answer was of a moment or they are late themselves: the write goes once more.
 */
export const setFieldsAside = async (push: Push, refusals: readonly FieldRefusal[]): Promise<SetAside> => {
  if (refusals.length === 0) return { again: [], unexplained: [] };
  await readAgain(push);
  const aside: Link[] = [];
  const unexplained: FieldRefusal[] = [];
  for (const refusal of refusals) {
    const { link } = refusal;
    const barred = barredOf(refusal, push.mapping);
    if (takeOutStamp(push, refusal)) aside.push(link);
    else if (barred.length > 0) aside.push(atRest(quarantine(link, barred)));
    else if (goesOnceMore(push, refusal)) aside.push(link);
    else unexplained.push(refusal);
  }
  if (unexplained.length > 0) await ageCatalog(push.ports.db);
  const saved = await save(push.ports, aside);
  return { again: saved.filter((link) => plannedWrites(link, 'dynamics').length > 0), unexplained };
};

/** Rights and both schemas as they are now, past the server's cache. */
export const readStrongly = async (ports: Ports, signal: AbortSignal): Promise<Mapping> => {
  const { syncUserId } = await requireInstallation(ports);
  return (await refreshCatalog(ports, syncUserId, signal, { strong: true })).mapping;
};

/** Once: what a refusal has narrowed since is not given back. */
const readAgain = (push: Push): Promise<Mapping> =>
  (push.refreshed ??= readStrongly(push.ports, push.attempt.signal).then(
    (mapping) => (push.mapping = mapping),
  ));

/**
 * True if the call bore a stamp whose column was refused, and not a field: the row is written without. Told by what the call
 * carried, because calls that were sent beside it are refused after the mapping has lost the column.
 */
const takeOutStamp = (push: Push, { link: { kind }, carried, outcome }: FieldRefusal): boolean => {
  if (carried.every(({ rowStamp }) => rowStamp === undefined)) return false;
  const stampColumn = push.mapping.stampColumns[kind];
  if (stampColumn !== null && outcome.column !== stampColumn) return false;
  push.mapping = withoutStamps(push.mapping, kind);
  return true;
};

const withoutStamps = (mapping: Mapping, kind: Kind): Mapping => ({
  ...mapping,
  stampColumns: { ...mapping.stampColumns, [kind]: null },
});

/** Fields of the refused write that may not be written by now. */
const barredOf = ({ link }: FieldRefusal, { fields }: Mapping): string[] =>
  plannedWrites(link, 'dynamics')
    .map(({ field }) => field)
    .filter((name) => !fields[link.kind].some((field) => field.name === name && field.updatable));

/** Once in a push, and not what was refused so before and is on trial. */
const goesOnceMore = ({ repeated }: Push, { link, outcome: { code } }: FieldRefusal): boolean => {
  const isTried = plannedWrites(link, 'dynamics').some(({ field }) =>
    isRefusedAgain(link.parked[field], { side: 'dynamics', code }),
  );
  if (isTried || repeated.has(link.id)) return false;
  repeated.add(link.id);
  return true;
};

const quarantine = (link: Link, fields: readonly string[]): Link => {
  const writes = plannedWrites(link, 'dynamics').filter(({ field }) => fields.includes(field));
  return fields.reduce(
    (current, field) => park(current, field, heldValues(link, field), 'quarantined', null),
    giveUp(link, writes, false),
  );
};
