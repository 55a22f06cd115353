import type { Ambiguity } from '../../rules/ambiguity.js';
import { DECISIONS, groupsOf, type Group } from '../../rules/ambiguous-groups.js';
import { actual, type Link, type LinkStatus } from '../../rules/link.js';
import type { Kind } from '../../rules/terms.js';
import { ambiguousLinks, ambiguousLinksOf } from '../../store/ambiguous.js';
import type { Database } from '../../store/database.js';
import { linksByPerson, linksByRow } from '../../store/links.js';
import type { RecordRef } from '../record.js';

export interface GroupRow {
  readonly kind: Kind;
  readonly dynamicsId: string;
  readonly email: string | null;
  readonly status: LinkStatus;
  /** The person that it is linked with, or was. */
  readonly marketoId: number | null;
}

export interface GroupPerson {
  readonly marketoId: number;
  /** As far as the store knows it. */
  readonly email: string | null;
  /** `free`: no record in Dynamics belongs to it. */
  readonly status: LinkStatus | 'free';
  readonly row: { readonly kind: Kind; readonly dynamicsId: string | null } | null;
}

/** One group as it is listed: who is of it, why, and what may be decided. */
export interface ListedGroup {
  readonly why: Ambiguity;
  readonly email: string | null;
  readonly rows: readonly GroupRow[];
  readonly persons: readonly GroupPerson[];
  readonly decisions: { readonly link: 'candidates' | 'anybody' | 'nobody'; readonly separate: boolean };
}

/** Ambiguous links that are looked at for the list of all groups. */
const MOST_LINKS = 5_000;

/** The groups that a record is of, or all of them, as the store has them now. */
export const listGroups = async (db: Database, record?: RecordRef): Promise<ListedGroup[]> => {
  const links =
    record === undefined ? await ambiguousLinks(db, MOST_LINKS) : await ambiguousLinksOf(db, record);
  const groups = groupsOf(links);
  const persons = await linksByPerson(db, [...new Set(groups.flatMap((group) => group.persons))]);
  const others = groups.flatMap(({ links: own }) => own.flatMap(rowCandidates));
  const rows = await linksByRow(db, [...new Set(others)]);
  return groups.map((group) => listed(group, persons, rows));
};

/** Rows that a link of a group may be one with. */
export const rowCandidates = ({ candidates }: Link): string[] =>
  (candidates ?? []).flatMap(({ side, id }) => (side === 'dynamics' ? id : []));

const listed = (group: Group, persons: readonly Link[], rows: readonly Link[]): ListedGroup => {
  const own = new Set(group.links.map(({ dynamicsId }) => dynamicsId));
  const others = new Set(group.links.flatMap(rowCandidates));
  const candidates = rows.filter(({ dynamicsId }) => others.has(dynamicsId ?? '') && !own.has(dynamicsId));
  return {
    why: group.why,
    email: group.emailKey,
    rows: [...group.links, ...candidates].map(rowOf),
    persons: group.persons.map((id) =>
      personOf(
        id,
        persons.find(({ marketoId }) => marketoId === id),
        group,
      ),
    ),
    decisions: DECISIONS[group.why],
  };
};

const rowOf = (link: Link): GroupRow => ({
  kind: link.kind,
  dynamicsId: link.dynamicsId ?? '',
  email: textOf(actual(link, 'dynamics', 'email')) ?? link.emailKey,
  status: link.status,
  marketoId: link.marketoId,
});

const personOf = (marketoId: number, link: Link | undefined, group: Group): GroupPerson => ({
  marketoId,
  email: link === undefined ? group.emailKey : (textOf(actual(link, 'marketo', 'email')) ?? link.emailKey),
  status: link?.status ?? 'free',
  row: link === undefined ? null : { kind: link.kind, dynamicsId: link.dynamicsId },
});

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
