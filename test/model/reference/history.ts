import { FIELDS, normal, type FieldName, type Value } from '../fields.js';
import type { Deed } from './people.js';

/** What people made of a row. One that they never touched is open. */
export interface RowFate {
  readonly state: 'open' | 'qualified' | 'merged' | 'gone';
  /** The contact that it was qualified into, or the row that it was merged into, whatever came later. */
  readonly into: string | null;
  /** It was merged or qualified before it was deleted. */
  readonly closed: boolean;
}

/** What people made of a person: `into` is the person that it was merged into. */
export interface PersonFate {
  readonly gone: boolean;
  readonly into: string | null;
}

/** All that people did to records, told from their deeds alone. */
export interface History {
  readonly rowFate: (row: string) => RowFate;
  readonly personFate: (person: string) => PersonFate;
  readonly madeOf: (contact: string) => string | null;
  /** Everything that anybody typed into this field, on either side. */
  readonly typed: (field: FieldName) => ReadonlySet<Value>;
  /** Records whose people were opted out; empty where anybody was ever opted in again. */
  readonly optedOut: ReadonlySet<string>;
}

const UNTOUCHED: RowFate = { state: 'open', into: null, closed: false };
const THERE: PersonFate = { gone: false, into: null };

export const historyOf = (deeds: readonly Deed[]): History => {
  const rows = new Map<string, RowFate>();
  const persons = new Map<string, PersonFate>();
  const madeOf = new Map<string, string>();
  const typed = new Map<FieldName, Set<Value>>();
  const consents: { readonly record: string; readonly out: boolean }[] = [];
  const note = (record: string, field: FieldName, value: Value): void => {
    typed.set(field, (typed.get(field) ?? new Set()).add(normal(field, value)));
    if (FIELDS[field].consent) consents.push({ record, out: value === true });
  };
  for (const deed of deeds) {
    switch (deed.did) {
      case 'edit':
        note(deed.record, deed.field, deed.value);
        break;
      case 'create':
        for (const [field, value] of Object.entries(deed.values))
          note(deed.record, field as FieldName, value);
        break;
      case 'delete':
        if (deed.side === 'marketo') persons.set(deed.record, { gone: true, into: null });
        else rows.set(deed.record, { ...(rows.get(deed.record) ?? UNTOUCHED), state: 'gone' });
        break;
      case 'merge':
        if (deed.side === 'marketo') persons.set(deed.loser, { gone: true, into: deed.winner });
        else rows.set(deed.loser, { state: 'merged', into: deed.winner, closed: true });
        break;
      case 'qualify':
        rows.set(deed.lead, { state: 'qualified', into: deed.contact, closed: true });
        if (deed.isNew) madeOf.set(deed.contact, deed.lead);
        break;
      case 'turn':
    }
  }
  return {
    rowFate: (row) => rows.get(row) ?? UNTOUCHED,
    personFate: (person) => persons.get(person) ?? THERE,
    madeOf: (contact) => madeOf.get(contact) ?? null,
    optedOut: new Set(consents.every(({ out }) => out) ? consents.map(({ record }) => record) : []),
    typed: (field) => new Set([...(typed.get(field) ?? []), ...initialOf(field)]),
  };
};

/** What stands in a record where nobody typed anything. */
const initialOf = (field: FieldName): Value[] => [normal(field, null), FIELDS[field].initial ?? null];

/** The row at the end of merges and qualifications; the row itself where there was none. */
export const heirOf = (history: History, row: string): string => {
  const { into } = history.rowFate(row);
  return into === null ? row : heirOf(history, into);
};

/** The person at the end of merges. */
export const survivorOf = (history: History, person: string): string => {
  const { into } = history.personFate(person);
  return into === null ? person : survivorOf(history, into);
};

export const isOpen = (history: History, row: string): boolean => history.rowFate(row).state === 'open';

/** A row whose name says that a request made it for a person, or a person that the sync made for a row. */
export const madeFor = (name: string): string | null => /^(.*)[*+]\d+$/.exec(name)?.[1] ?? null;
