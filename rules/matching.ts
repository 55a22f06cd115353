import type { Kind } from './terms.js';

/** A row of Dynamics that has no person yet. */
export interface UnmatchedRow {
  readonly linkId: number;
  readonly kind: Kind;
  readonly dynamicsId: string;
  readonly emailKey: string | null;
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
 * The order of the arguments does not matter to the result.
 */
export const match = (rows: readonly UnmatchedRow[], persons: readonly FreePerson[]): Matching => {
  const byKey = matchByKey(rows, persons);
  const taken = new Set(byKey.flatMap(({ rows: some, persons: others }) => [...some, ...others]));
  const byEmail = matchByEmail(
    rows.filter((row) => !taken.has(row)),
    persons.filter((person) => !taken.has(person)),
  );
  const result = { pairs: [] as Pair[], alone: [] as UnmatchedRow[], ambiguous: [] as AmbiguousGroup[] };
  for (const group of byKey) sort(group, 'key', result);
  for (const group of byEmail) sort(group, 'email', result);
  return result;
};

const sort = (
  group: AmbiguousGroup,
  by: Pair['by'],
  result: { pairs: Pair[]; alone: UnmatchedRow[]; ambiguous: AmbiguousGroup[] },
): void => {
  const [row] = group.rows;
  const [person] = group.persons;
  if (row === undefined) return;
  if (person === undefined) result.alone.push(...group.rows);
  else if (group.rows.length === 1 && group.persons.length === 1) result.pairs.push({ row, person, by });
  else result.ambiguous.push(group);
};

/** Groups of one row with the persons that carry its id; rows that nobody carries are left for the e-mail. */
const matchByKey = (rows: readonly UnmatchedRow[], persons: readonly FreePerson[]): AmbiguousGroup[] => {
  const carriers = grouped(persons, ({ crmKey }) => crmKey?.toLowerCase() ?? null);
  return rows.flatMap((row) => {
    const found = carriers.get(row.dynamicsId.toLowerCase());
    return found === undefined ? [] : [{ rows: [row], persons: found }];
  });
};

const matchByEmail = (rows: readonly UnmatchedRow[], persons: readonly FreePerson[]): AmbiguousGroup[] => {
  const rowsOf = grouped(rows, ({ emailKey }) => emailKey);
  const personsOf = grouped(persons, ({ emailKey }) => emailKey);
  const groups = [...rowsOf].map(([email, some]) => ({ rows: some, persons: personsOf.get(email) ?? [] }));
  const nameless = rows.filter(({ emailKey }) => emailKey === null);
  return [...groups, ...nameless.map((row) => ({ rows: [row], persons: [] }))];
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
