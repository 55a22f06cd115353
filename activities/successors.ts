import { lookupColumn } from '../dynamics/index.js';
import type { Link } from '../rules/link.js';
import type { MappedField } from '../rules/mapping.js';
import type { NewRow } from '../rules/follow.js';
import type { KnownSuccessor, Successor } from '../rules/succession.js';
import type { FlagRead } from '../rules/scope.js';
import { KINDS, type Kind } from '../rules/terms.js';
import { contactsMadeOf } from '../store/succession.js';
import { currentMapping } from './catalog.js';
import { rowsById, type RowRead } from './reread.js';
import { rowEmailKey, textOf } from './rows.js';
import type { Ports } from './settings.js';

/** The row at the end of a chain of successors, as it stands now. */
export interface SuccessorRow {
  readonly by: Successor['by'];
  readonly row: NewRow;
  readonly fields: readonly MappedField[];
  readonly flag: FlagRead;
}

/** Longer chains are followed from where this ends, in the next cycle. */
const LONGEST_CHAIN = 8;

/**
 * Reads the rows that took the places of these links' rows, by link id: a row that was merged on is followed to the end.
 * What is missing does not exist, or not any more.
 */
export const readSuccessors = async (
  ports: Ports,
  links: readonly Link[],
  signal: AbortSignal,
): Promise<Map<number, SuccessorRow>> => {
  const found = new Map<number, SuccessorRow>();
  let open = await named(ports, links, signal);
  for (let step = 1; open.length > 0; step += 1) {
    const rows = await readRows(ports, open, signal);
    const further: Succeeded[] = [];
    for (const { linkId, successor } of open) {
      const read = rows.get(keyOf(successor));
      if (read === undefined) continue;
      const row = newRow(successor.kind, read);
      found.set(linkId, { by: successor.by, row, fields: read.fields, flag: read.flag });
      if (step < LONGEST_CHAIN)
        further.push({ id: linkId, successor: row.successor, dynamicsId: row.dynamicsId });
    }
    open = await named(ports, further, signal);
    for (const { linkId } of open) found.delete(linkId);
  }
  return found;
};

/** Something of a link, or of a row further on in its chain. */
type Succeeded = Pick<Link, 'id' | 'successor' | 'dynamicsId'>;

interface Pointer {
  readonly linkId: number;
  readonly successor: KnownSuccessor;
}

type Read = Awaited<ReturnType<typeof rowsById>> extends Map<string, infer R extends RowRead> ? R : never;

const keyOf = ({ kind, id }: KnownSuccessor): string => `${kind}/${id}`;

const isKnown = (successor: Successor | null): successor is KnownSuccessor => successor?.id != null;

const newRow = (kind: Kind, { row, values, etag, lineage }: Read): NewRow => ({
  ...{ kind, values, etag, dynamicsId: row.id, emailKey: rowEmailKey(row) },
  ...lineage,
});

const readRows = async (
  ports: Ports,
  open: readonly Pointer[],
  signal: AbortSignal,
): Promise<Map<string, Read>> => {
  const rows = new Map<string, Read>();
  for (const kind of KINDS) {
    const ids = open.flatMap(({ successor }) => (successor.kind === kind ? successor.id : []));
    if (ids.length === 0) continue;
    for (const [id, read] of await rowsById(ports, kind, ids, signal)) rows.set(`${kind}/${id}`, read);
  }
  return rows;
};

/** A qualified lead that names no contact: the contact may name the lead, here or in Dynamics. */
const named = async (
  ports: Ports,
  succeeded: readonly Succeeded[],
  signal: AbortSignal,
): Promise<Pointer[]> => {
  const nameless = succeeded.flatMap(({ successor, dynamicsId }) =>
    successor?.by === 'qualified' && successor.id === null && dynamicsId !== null ? dynamicsId : [],
  );
  const contacts = await contactsOf(ports, nameless, signal);
  return succeeded.flatMap(({ id: linkId, successor, dynamicsId }): Pointer[] => {
    if (isKnown(successor)) return [{ linkId, successor }];
    const contact = contacts.get(dynamicsId ?? '');
    return contact === undefined
      ? []
      : [{ linkId, successor: { by: 'qualified', kind: 'contact', id: contact } }];
  });
};

const contactsOf = async (
  ports: Ports,
  leads: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, string>> => {
  const known = await contactsMadeOf(ports.db, leads);
  const unknown = leads.filter((lead) => !known.has(lead));
  const { lineage } = await currentMapping(ports);
  if (unknown.length === 0 || !lineage.contact.includes('originatingleadid')) return known;
  for (const { id, values } of await ports.dynamics.contactsOf(unknown, signal)) {
    const lead = textOf(values[lookupColumn('originatingleadid')])?.toLowerCase();
    if (lead !== undefined) known.set(lead, id);
  }
  return known;
};
