import type { Value } from './population/records.js';

/** A record as an administrative door shows it. */
export type AdminRecord = Readonly<Record<string, Value>>;

export type RowTable = 'leads' | 'contacts';

/** Plain GUIDs of rows; a door may key its pages by the last one. */
export const keyOf = (table: RowTable, row: AdminRecord): string =>
  String(row[table === 'leads' ? 'leadid' : 'contactid']);

export interface FormFill {
  readonly form: string;
  /** By REST name; `email` says who it is. */
  readonly values: AdminRecord;
}

/** What people do in the two products' own screens. Each call throws a `DoorError` when the door refuses it. */
export interface AdminDoors {
  createPersons(persons: readonly AdminRecord[]): Promise<number[]>;
  editPerson(id: number, values: AdminRecord): Promise<void>;
  deletePerson(id: number): Promise<void>;
  /** Somebody fills in a form on a web page, and becomes a person or is one already. */
  fillInForm(fill: FormFill): Promise<void>;
  /** All persons, a page at a time, in the order of their ids. */
  persons(): AsyncGenerator<readonly AdminRecord[]>;
  createRows(table: RowTable, rows: readonly AdminRecord[]): Promise<string[]>;
  editRow(table: RowTable, id: string, values: AdminRecord): Promise<void>;
  deleteRow(table: RowTable, id: string): Promise<void>;
  /** All rows of the table, a page at a time. */
  rows(table: RowTable): AsyncGenerator<readonly AdminRecord[]>;
}

/** A door that answered something else than success; `status` is its HTTP status. */
export class DoorError extends Error {
  readonly status: number;

  constructor(call: string, status: number, body: string) {
    super(`${call} answered ${status}: ${body.slice(0, 300)}`);
    this.name = 'DoorError';
    this.status = status;
  }
}

const PAGE = 1000;

async function call(method: string, url: string, body?: unknown): Promise<unknown> {
  const content =
    body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json; charset=utf-8' } };
  const response = await fetch(url, { method, ...content });
  const text = await response.text();
  if (!response.ok) throw new DoorError(`${method} ${url}`, response.status, text);
  return text === '' ? {} : JSON.parse(text);
}

/** Follows `next` until the door has no more; a door that repeats itself is an error, not an endless loop. */
async function* pages(
  list: 'persons' | 'rows',
  start: string,
  urlAfter: (after: string) => string,
): AsyncGenerator<readonly AdminRecord[]> {
  for (let after = start; ;) {
    const answer = (await call('GET', urlAfter(after))) as Record<string, unknown>;
    const page = answer[list] as readonly AdminRecord[];
    if (page.length > 0) yield page;
    const { next } = answer as { next?: string | number | null };
    if (next === null || next === undefined || page.length === 0) return;
    if (String(next) === after) throw new Error(`${urlAfter(after)} gave itself as its next page.`);
    after = String(next);
  }
}

/** The administrative doors of both simulators, by their origins. */
export function adminDoors({
  marketo,
  dataverse,
}: Readonly<{ marketo: string; dataverse: string }>): AdminDoors {
  const persons = `${marketo}/admin/persons`;
  const rows = (table: RowTable): string => `${dataverse}/admin/rows/${table}`;
  return {
    createPersons: async (input) => ((await call('POST', persons, { input })) as { ids: number[] }).ids,
    editPerson: async (id, values) => {
      await call('PATCH', `${persons}/${id}`, values);
    },
    deletePerson: async (id) => {
      await call('DELETE', `${persons}/${id}`);
    },
    fillInForm: async (fill) => {
      await call('POST', `${marketo}/admin/forms/fill`, fill);
    },
    persons: () => pages('persons', '0', (after) => `${persons}?afterId=${after}&limit=${PAGE}`),
    createRows: async (table, input) =>
      ((await call('POST', rows(table), { input })) as { ids: string[] }).ids,
    editRow: async (table, id, values) => {
      await call('PATCH', `${rows(table)}/${id}`, values);
    },
    deleteRow: async (table, id) => {
      await call('DELETE', `${rows(table)}/${id}`);
    },
    rows: (table) =>
      pages('rows', '', (after) => `${rows(table)}?after=${encodeURIComponent(after)}&limit=${PAGE}`),
  };
}
