import { keyOf, type AdminRecord } from '../../simulators/admin-doors.js';
import type { Link } from '../../rules/link.js';
import type { World as RealWorld } from '../support/world.js';
import { FIELD_NAMES, FIELDS, fromSide, type Kind, type Side } from './fields.js';
import type { Values } from './reference/state.js';

/** A record as it really stands, under the name that the model has for it. */
export interface ObservedPerson {
  readonly values: Values;
  /** Name of the row whose id it carries. */
  readonly key: string | null;
  readonly flagged: boolean;
}

export interface Observed {
  readonly persons: ReadonlyMap<string, ObservedPerson>;
  readonly rows: ReadonlyMap<string, { readonly kind: Kind; readonly values: Partial<Values> }>;
  /** Pairs as the store has them: person to row, by name. */
  readonly pairs: ReadonlyMap<string, string>;
  /** Records of pairs that are set aside, by name. */
  readonly aside: ReadonlySet<string>;
  /** Fields that are parked, by person of a pair. */
  readonly parked: ReadonlyMap<string, ReadonlySet<string>>;
  readonly links: readonly Link[];
  /** Links whose pair ended, by names of their records. */
  readonly ended: ReadonlyMap<string, readonly Link[]>;
}

/** Names of records, by the ids that the real systems gave them. */
export class Names {
  readonly #ids = { marketo: new Map<string, string>(), dynamics: new Map<string, string>() };
  readonly #names = { marketo: new Map<string, string>(), dynamics: new Map<string, string>() };

  add(side: Side, name: string, id: string): void {
    this.#ids[side].set(name, id);
    this.#names[side].set(id, name);
  }

  /** In the order in which they became known. */
  all(side: Side): string[] {
    return [...this.#ids[side].keys()];
  }

  idOf(side: Side, name: string): string {
    const id = this.#ids[side].get(name);
    if (id === undefined) throw new Error(`nobody knows the ${side} record ${name}`);
    return id;
  }

  nameOf(side: Side, id: string): string | undefined {
    return this.#names[side].get(id);
  }
}

type Table = 'leads' | 'contacts';
const KIND_OF: Readonly<Record<Table, Kind>> = { leads: 'lead', contacts: 'contact' };

/** Looks at both systems and the store; records that the sync made get their names here. */
export const observe = async (real: RealWorld, names: Names): Promise<Observed> => {
  const persons: AdminRecord[] = [];
  for await (const page of real.doors.persons()) persons.push(...page);
  const rows: { readonly id: string; readonly kind: Kind; readonly row: AdminRecord }[] = [];
  for (const table of ['leads', 'contacts'] as const) {
    for await (const page of real.doors.rows(table))
      rows.push(...page.map((row) => ({ id: keyOf(table, row).toLowerCase(), kind: KIND_OF[table], row })));
  }
  const links = await real.links();
  const there = new Set(persons.map(({ id }) => Number(id)) as (number | null)[]);
  nameRows(names, rows, links);
  namePersons(names, persons);
  const pairs = links.filter(({ status, marketoId }) => status === 'linked' && there.has(marketoId));
  return {
    persons: new Map(
      persons.map((person) => [nameOf(names, 'marketo', person['id']), personOf(names, person)]),
    ),
    rows: new Map(
      rows.map(({ id, kind, row }) => [
        nameOf(names, 'dynamics', id),
        { kind, values: rowValues(kind, row) },
      ]),
    ),
    pairs: new Map(
      pairs.map(({ marketoId, dynamicsId }) => [
        nameOf(names, 'marketo', marketoId),
        nameOf(names, 'dynamics', dynamicsId),
      ]),
    ),
    aside: new Set(
      links
        .filter(isAside)
        .flatMap(({ marketoId, dynamicsId }) => [
          nameOf(names, 'marketo', marketoId),
          nameOf(names, 'dynamics', dynamicsId),
        ]),
    ),
    parked: new Map(
      pairs.map(({ marketoId, parked }) => [
        nameOf(names, 'marketo', marketoId),
        new Set(Object.keys(parked)),
      ]),
    ),
    links,
    ended: endedBy(names, links),
  };
};

const endedBy = (names: Names, links: readonly Link[]): Map<string, Link[]> => {
  const ended = new Map<string, Link[]>();
  for (const link of links.filter(({ status }) => status !== 'linked'))
    for (const name of [nameOf(names, 'marketo', link.marketoId), nameOf(names, 'dynamics', link.dynamicsId)])
      ended.set(name, [...(ended.get(name) ?? []), link]);
  return ended;
};

const isAside = ({ status, marketoId }: Link): boolean =>
  marketoId !== null && (status === 'ambiguous' || status === 'merged-away');

const nameOf = (names: Names, side: Side, id: unknown): string =>
  names.nameOf(side, String(id)) ?? `${side} ${String(id)}`;

/** A row that nobody made is one that a request made for a person. */
const nameRows = (names: Names, rows: readonly { readonly id: string }[], links: readonly Link[]): void => {
  for (const { id } of rows) {
    if (names.nameOf('dynamics', id) !== undefined) continue;
    const person = links.find(({ dynamicsId }) => dynamicsId === id)?.marketoId;
    if (person == null) continue;
    names.add('dynamics', following(names, 'dynamics', `${nameOf(names, 'marketo', person)}*`), id);
  }
};

/** A person that nobody made is one that the sync made for the row whose key it carries. */
const namePersons = (names: Names, persons: readonly AdminRecord[]): void => {
  for (const { id, dynamicsId } of persons) {
    if (names.nameOf('marketo', String(id)) !== undefined || typeof dynamicsId !== 'string') continue;
    const row = nameOf(names, 'dynamics', dynamicsId.toLowerCase());
    names.add('marketo', following(names, 'marketo', `${row}+`), String(id));
  }
};

const following = (names: Names, side: Side, stem: string): string =>
  `${stem}${String(names.all(side).filter((name) => name.startsWith(stem)).length + 1)}`;

const personOf = (names: Names, person: AdminRecord): ObservedPerson => ({
  values: Object.fromEntries(
    FIELD_NAMES.map((name) => [name, fromSide('marketo', name, person[name])]),
  ) as Values,
  key:
    typeof person['dynamicsId'] === 'string'
      ? nameOf(names, 'dynamics', person['dynamicsId'].toLowerCase())
      : null,
  flagged: person['dynamicsDeleted'] === true,
});

const rowValues = (kind: Kind, row: AdminRecord): Partial<Values> =>
  Object.fromEntries(
    FIELD_NAMES.flatMap((name) => {
      const column = FIELDS[name].columns[kind];
      return column === undefined ? [] : [[name, fromSide('dynamics', name, row[column])]];
    }),
  );
