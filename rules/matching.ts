import type { Ambiguity, Apart, UnknownHolders } from './ambiguity.js';
import type { Kind } from './terms.js';

/** A row of Dynamics that has no person yet. */
export interface UnmatchedRow {
  readonly linkId: number;
  readonly kind: Kind;
  readonly dynamicsId: string;
  readonly emailKey: string | null;
  /** The persons that an operator decided it not to belong to. */
  readonly apart?: Apart | null;
}

/** A person that no link holds. `crmKey` is what its `dynamicsId` field says. */
export interface FreePerson {
  readonly marketoId: number;
  readonly emailKey: string | null;
  readonly crmKey: string | null;
}

export interface Pair {
  readonly row: UnmatchedRow;
  readonly person: FreePerson;
  readonly by: 'key' | 'email';
}

export interface AmbiguousGroup {
  readonly why: Ambiguity;
  readonly rows: readonly UnmatchedRow[];
  readonly persons: readonly FreePerson[];
}

export interface Matching {
  readonly pairs: readonly Pair[];
  /** Rows that no person belongs to: each gets one. */
  readonly alone: readonly UnmatchedRow[];
  readonly ambiguous: readonly AmbiguousGroup[];
}

/**
 * Matches rows and persons, looking at both sides at once: first the CRM key stored on the person, then whole groups of
 * equal canonical e-mail. One of each is a pair; rows without a person are alone; anything else is never guessed.
 * The order of the arguments does not matter to the result. A row that was decided to belong to nobody of its group is
 * alone, until a person joins of which that was not decided.
 *
 * @param unknown e-mails of which `persons` does not have all holders: their rows are alone only by decision.
 */
export const match = (
  rows: readonly UnmatchedRow[],
  persons: readonly FreePerson[],
  unknown: UnknownHolders = new Map(),
): Matching => {
  const byKey = matchByKey(rows, persons);
  const taken = new Set(byKey.flatMap(({ rows: some, persons: others }) => [...some, ...others]));
  const byEmail = matchByEmail(
    rows.filter((row) => !taken.has(row)),
    persons.filter((person) => !taken.has(person)),
  );
  const result = { pairs: [] as Pair[], alone: [] as UnmatchedRow[], ambiguous: [] as AmbiguousGroup[] };
  for (const group of byKey) sort(group, 'key', result);
  for (const { email, ...group } of byEmail) {
    const apart = group.rows.filter((row) => isApart(row, group.persons, email, unknown));
    result.alone.push(...apart);
    const rest = { ...group, rows: group.rows.filter((row) => !apart.includes(row)) };
    const why = email === null ? undefined : unknown.get(email);
    if (why === undefined) sort(rest, 'email', result);
    else if (rest.rows.length > 0) result.ambiguous.push({ ...rest, why });
  }
  return result;
};

/** Decided to belong to nobody who is there by now, or, where nobody can tell who is there, to nobody of this e-mail. */
const isApart = (
  { apart }: UnmatchedRow,
  persons: readonly FreePerson[],
  email: string | null,
  unknown: UnknownHolders,
): boolean => {
  if (apart == null) return false;
  if (email !== null && unknown.has(email)) return apart.emailKey === email;
  return persons.length > 0 && persons.every(({ marketoId }) => apart.persons.includes(marketoId));
};

type Group = Omit<AmbiguousGroup, 'why'>;

const sort = (
  group: Group,
  by: Pair['by'],
  result: { pairs: Pair[]; alone: UnmatchedRow[]; ambiguous: AmbiguousGroup[] },
): void => {
  const [row] = group.rows;
  const [person] = group.persons;
  if (row === undefined) return;
  if (person === undefined) result.alone.push(...group.rows);
  else if (group.rows.length === 1 && group.persons.length === 1) result.pairs.push({ row, person, by });
  else result.ambiguous.push({ ...group, why: by === 'key' ? 'same-key' : 'same-email' });
};

/** Groups of one row with the persons that carry its id; rows that nobody carries are left for the e-mail. */
const matchByKey = (rows: readonly UnmatchedRow[], persons: readonly FreePerson[]): Group[] => {
  const carriers = grouped(persons, ({ crmKey }) => crmKey?.toLowerCase() ?? null);
  return rows.flatMap((row) => {
    const found = carriers.get(row.dynamicsId.toLowerCase());
    return found === undefined ? [] : [{ rows: [row], persons: found }];
  });
};

const matchByEmail = (
  rows: readonly UnmatchedRow[],
  persons: readonly FreePerson[],
): (Group & { readonly email: string | null })[] => {
  const rowsOf = grouped(rows, ({ emailKey }) => emailKey);
  const personsOf = grouped(persons, ({ emailKey }) => emailKey);
  const groups = [...rowsOf].map(([email, some]) => ({
    email,
    rows: some,
    persons: personsOf.get(email) ?? [],
  }));
  const nameless = rows.filter(({ emailKey }) => emailKey === null);
  return [...groups, ...nameless.map((row) => ({ email: null, rows: [row], persons: [] }))];
};

const grouped = <T>(items: readonly T[], keyOf: (item: T) => string | null): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === null) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
};
