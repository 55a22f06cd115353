import type { Row } from '../../dynamics/index.js';
import type { UnmatchedRow } from '../../rules/matching.js';
import { emailKey } from '../../rules/email.js';
import { KINDS, type Kind } from '../../rules/terms.js';
import { freeAmong, freePersonsLike } from '../free-records.js';
import { contested, type Candidates } from '../judge-person.js';
import { isGuid, selectionOf, textOf } from '../rows.js';
import type { Group, Member } from './group.js';

/** What was found for some persons, and rows that somebody is at work on. */
export interface Found extends Candidates {
  readonly awaited: readonly UnmatchedRow[];
}

/** Looks for the rows and the other persons of many persons at once, with as few calls as the remotes allow. */
export const findCandidates = async (group: Group, members: readonly Member[]): Promise<Found> => {
  const persons = members.map(({ request }) => request.person);
  const read = await Promise.all(KINDS.map((kind) => readRows(group, members, kind)));
  const { free, awaited } = await freeAmong(
    group,
    KINDS.flatMap((kind, index) => (read[index] ?? []).map((row) => ({ kind, row }))),
  );
  const others = await freePersonsLike(group.ports, persons, contested(persons, free), group.attempt.signal);
  return { rows: free, awaited, ...others };
};

const readRows = async (
  { ports: { dynamics }, mapping, attempt: { signal } }: Group,
  members: readonly Member[],
  kind: Kind,
): Promise<Row[]> => {
  const select = selectionOf(mapping, kind);
  const values = members.map(({ request }) => request.person.values);
  const emails = [...new Set(values.flatMap(({ email }) => emailKey(textOf(email)) ?? []))];
  const keys = values.flatMap(({ dynamicsId }) => textOf(dynamicsId) ?? []).filter(isGuid);
  const [byEmail, byKey] = await Promise.all([
    emails.length === 0 ? [] : dynamics.findByEmail(kind, emails, select, signal),
    keys.length === 0 ? [] : dynamics.readRows(kind, keys, select, signal),
  ]);
  return [...new Map([...byEmail, ...byKey].map((row) => [row.id, row])).values()];
};
