import type { FieldName, Kind, Value } from '../fields.js';
import { heirOf, isOpen, madeFor, type History } from './history.js';
import type { Values } from './state.js';

/** What the sync says of a row and its person. `set-aside` with a person is a lead whose contact is another person's. */
export interface Claim {
  readonly row: string;
  readonly person: string | null;
  readonly status: 'unmatched' | 'linked' | 'set-aside' | 'ended' | 'tombstone' | 'excluded' | 'merged-away';
  /** The person that a row waits for. */
  readonly awaits: string | null;
  /** Something of it is refused, or left alone for another stated reason. */
  readonly parked: boolean;
}

/** How everything stands once the sync has come to rest. */
export interface End {
  readonly persons: ReadonlyMap<
    string,
    { readonly values: Values; readonly key: string | null; readonly flagged: boolean }
  >;
  readonly rows: ReadonlyMap<string, { readonly kind: Kind; readonly values: Partial<Values> }>;
  /** Every record that was ever seen. */
  readonly known: Readonly<Record<'persons' | 'rows', readonly string[]>>;
  /** Persons that the sync ever knew. */
  readonly met: ReadonlySet<string>;
  readonly claims: readonly Claim[];
  readonly history: History;
}

/**
 * What docs/rules.md permits of the end of a script, in whatever order things happened: a line for everything that it
 * does not. Fields of a pair that differ are the business of refusals.ts, and single edits of edits.ts.
 */
export const unlawful = (end: End): string[] => [
  ...vanished(end),
  ...doubled(end),
  ...end.claims.flatMap((claim) => wrongClaim(end, claim)),
  ...[...end.rows.keys()].flatMap((row) => unexplainedRow(end, row)),
  ...[...end.persons.keys()].flatMap((person) => unexplainedPerson(end, person)),
  ...strangeValues(end),
];

const when = (holds: boolean, line: string): string[] => (holds ? [line] : []);

/** The sync deletes nothing, and brings nothing back. */
const vanished = ({ known, persons, rows, history }: End): string[] => [
  ...known.persons.flatMap((name) => {
    const { gone } = history.personFate(name);
    return when(persons.has(name) === gone, `person ${name} is ${gone ? 'back' : 'gone'}`);
  }),
  ...known.rows.flatMap((name) => {
    const gone = history.rowFate(name).state === 'gone';
    return when(rows.has(name) === gone, `row ${name} is ${gone ? 'back' : 'gone'}`);
  }),
];

/** Made by a call without an answer, and gone before the sync had looked for it: nothing tells whose person it was. */
const wasNeverMet = ({ history, met }: End, person: string): boolean =>
  history.personFate(person).gone && !met.has(person);

const doubled = (end: End): string[] => {
  const { known, claims, persons, history } = end;
  const twice = (names: readonly (string | null)[]): string[] =>
    [...new Set(names.flatMap((name, at) => (name !== null && names.indexOf(name) < at ? name : [])))].map(
      String,
    );
  const linked = claims.filter(({ status }) => status === 'linked');
  const requested = known.rows.filter((row) => row.includes('*') && isOpen(history, row)).map(madeFor);
  return [
    ...twice(linked.map(({ person }) => person)).map((name) => `person ${name} is in two pairs`),
    ...twice(linked.map(({ row }) => row)).map((name) => `row ${name} is in two pairs`),
    ...twice(known.persons.filter((name) => !wasNeverMet(end, name)).map(madeFor)).map(
      (row) => `row ${row} got two persons`,
    ),
    ...twice(requested).map((person) => `person ${person} got two rows`),
    ...twice([...persons.values()].map(({ key }) => key)).map(
      (row) => `two persons carry the id of row ${row}`,
    ),
  ];
};

const claimOfPerson = ({ claims }: End, name: string): Claim | undefined =>
  claims.find(({ person, status }) => person === name && status !== 'ended' && status !== 'excluded');

const claimOfRow = ({ claims }: End, name: string): Claim | undefined =>
  claims.find(({ row }) => row === name);

const isPairedElsewhere = (end: End, row: string, person: string | null): boolean => {
  const rival = claimOfRow(end, row);
  return rival?.person != null && rival.person !== person && rival.status !== 'excluded';
};

/** What the sync says of a pair has to be so. */
const wrongClaim = (end: End, { row, person, status, awaits, parked }: Claim): string[] => {
  const { history } = end;
  const is = `row ${row} and person ${String(person)}: ${status}`;
  const { state } = history.rowFate(row);
  const heir = heirOf(history, row);
  const isHeirGone = history.rowFate(heir).state === 'gone';
  const personIsThere = person !== null && end.persons.has(person);
  switch (status) {
    case 'linked':
      return [
        ...when(!personIsThere, `${is}, and there is no such person`),
        // A qualified lead goes on with its person where its contact is gone.
        ...when(
          !(state === 'open' || (state === 'qualified' && isHeirGone)),
          `${is}, and the row is ${state}, its heir ${heir}`,
        ),
      ];
    case 'set-aside':
      return person === null
        ? when(!isAmbiguous(end, row), `${is}, and nothing is ambiguous`)
        : [
            ...when(!personIsThere, `${is}, and there is no such person`),
            ...when(!isPairedElsewhere(end, heir, person), `${is}, and its heir ${heir} is nobody else's`),
          ];
    case 'merged-away':
      return person === null
        ? when(
            // A person that was deleted does not come back to the row that waits for it either.
            awaits === null || !(end.persons.has(awaits) || history.personFate(awaits).gone),
            `${is}, and it waits for ${String(awaits)}, who is not there`,
          )
        : when(!isPairedElsewhere(end, heir, person), `${is}, and its heir ${heir} is nobody else's`);
    case 'tombstone':
      return when(personIsThere, `${is}, and the person is there`);
    case 'ended':
      return when(
        state !== 'gone' && history.rowFate(heir).state !== 'gone',
        `${is}, and the row is ${state}, its heir ${heir}`,
      );
    case 'excluded':
      return when(state === 'open', `${is}, and the row is open`);
    case 'unmatched':
      return when(!parked, `${is}, at rest`);
  }
};

/** Somebody has to say which of several belongs to a row without a person. docs/rules.md, "Who is created where". */
const isAmbiguous = (end: End, row: string): boolean => {
  const { persons, rows, claims, history } = end;
  const isFree = (person: string): boolean => claimOfPerson(end, person) === undefined;
  const carriers = [...persons].filter(([, { key }]) => key === row).map(([name]) => name);
  if (carriers.some((name) => !isFree(name)) || carriers.length > 1) return true;
  const email = rows.get(row)?.values.email ?? null;
  if (email === null || carriers.length === 1) return false;
  const others = [...rows].filter(([name, { values }]) => {
    const claim = claimOfRow({ ...end, claims }, name);
    const isWaiting = claim === undefined || (claim.status === 'set-aside' && claim.person === null);
    return name !== row && values.email === email && isOpen(history, name) && isWaiting;
  });
  const candidates = [...persons].filter(([name, { values }]) => values.email === email && isFree(name));
  return candidates.length > 0 && others.length + candidates.length > 1;
};

const isGone = (history: History, row: string): boolean => history.rowFate(row).state === 'gone';

/** Every open row has its person, or a reason. */
const unexplainedRow = (end: End, row: string): string[] => {
  const claim = claimOfRow(end, row);
  if (claim === undefined) return [`nobody knows row ${row}`];
  const isExplained =
    claim.status === 'ended'
      ? // A row that was merged away is no record any more once its master is gone.
        !isOpen(end.history, row) && isGone(end.history, heirOf(end.history, row))
      : claim.status !== 'excluded' || !isOpen(end.history, row);
  return when(!isExplained, `row ${row} is there, and ${claim.status}`);
};

/** A person that has no pair was never to have one, or knows of the loss of its row. */
const unexplainedPerson = (end: End, name: string): string[] => {
  const { history, claims } = end;
  const person = end.persons.get(name);
  if (person === undefined) return [];
  const claim = claimOfPerson(end, name);
  if (claim?.status === 'linked') {
    return [
      ...when(
        person.key !== claim.row,
        `person ${name} carries ${String(person.key)}, and has row ${claim.row}`,
      ),
      ...when(person.flagged, `person ${name} counts as lost, and has row ${claim.row}`),
    ];
  }
  if (claim !== undefined) return [];
  const lost = claims.some((each) => each.person === name && each.status === 'ended');
  const isKeyGone =
    person.key !== null && (isGone(history, person.key) || isGone(history, heirOf(history, person.key)));
  const isMade = madeFor(name) !== null;
  return [
    ...when(lost && !person.flagged, `person ${name} lost its row, and was not told`),
    ...when(isMade && !person.flagged, `person ${name} was made by the sync, and has no row`),
    ...when(
      // One on hold may lose a row whose id it was never told.
      person.flagged && !isKeyGone && !lost,
      `person ${name} counts as lost, and ${String(person.key)} is there`,
    ),
  ];
};

/** Values that the sync made up, or put over an opt-out although nobody ever opted in. */
const strangeValues = ({ persons, rows, history }: End): string[] =>
  [...persons, ...rows].flatMap(([name, { values }]) => [
    ...(Object.entries(values) as [FieldName, Value][]).flatMap(([field, value]) =>
      when(
        !history.typed(field).has(value),
        `${field} of ${name} is ${JSON.stringify(value)}, which nobody typed`,
      ),
    ),
    ...when(
      history.optedOut.has(name) && values.unsubscribed !== true,
      `${name} was opted out, and nobody opted it in again`,
    ),
  ]);
