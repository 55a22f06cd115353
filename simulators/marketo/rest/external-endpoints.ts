import { ApiFailure } from '../failure.js';
import type { FieldValue } from '../fields/field.js';
import type { ExternalKind, RecordField } from '../companies/external-kinds.js';
import type { ExternalRecord } from '../companies/external-records.js';
import type { Instance } from '../instance.js';
import { isoSeconds } from '../fields/values.js';
import { listSearchPage } from './search-page.js';
import { deleteRecords, syncRecords, type ExternalStore } from './external-writes.js';
import { list, MOST_RECORDS, required, type Answer, type Call, type Endpoint } from './endpoint.js';

/** The calls of companies or of sales persons (Adobe REST docs, "Companies", "Sales Persons"). */
export function externalRecordsEndpoints(instance: Instance, store: ExternalStore): Endpoint[] {
  const path = `/v1/${store.kind.path}`;
  const write = (suffix: string, answer: (call: Call) => Answer): Endpoint => ({
    method: 'POST',
    path: `${path}${suffix}`,
    write: true,
    answer: (call) => {
      if (instance.settings.current.nativeCrmSync) throw new ApiFailure('1018');
      return answer(call);
    },
  });
  return [
    { method: 'GET', path: `${path}/describe.json`, write: false, answer: () => describe(store.kind) },
    { method: 'GET', path: `${path}.json`, write: false, answer: (call) => query(store, call) },
    write('.json', (call) => syncRecords(instance, store, call)),
    write('/delete.json', (call) => deleteRecords(instance, store, call)),
  ];
}

const SYSTEM_FIELDS: readonly RecordField[] = [
  { name: 'id', displayName: 'Id', dataType: 'integer' },
  { name: 'createdAt', displayName: 'Created At', dataType: 'datetime' },
  { name: 'updatedAt', displayName: 'Updated At', dataType: 'datetime' },
];

/** The day on which the object type came to be, as the public samples show it. */
const TYPE_CREATED = '2015-02-03T22:36:23Z';

const keyField = ({ keyField: name }: ExternalKind): RecordField => ({
  name,
  displayName: name === 'externalCompanyId' ? 'External Company Id' : 'External Sales Person Id',
  dataType: 'string',
  length: 100,
});

function describe(kind: ExternalKind): Answer {
  const shown = (field: RecordField, updateable: boolean) => ({
    name: field.name,
    displayName: field.displayName,
    dataType: field.dataType,
    ...(field.length === undefined ? {} : { length: field.length }),
    updateable,
  });
  const { name, description, searchable } = kind;
  return {
    result: [
      {
        name,
        ...(description === undefined ? {} : { description }),
        createdAt: TYPE_CREATED,
        updatedAt: TYPE_CREATED,
        idField: 'id',
        dedupeFields: [kind.keyField],
        searchableFields: searchable.map((field) => [field]),
        fields: [
          ...[...SYSTEM_FIELDS, keyField(kind)].map((field) => shown(field, false)),
          ...kind.fields.map((field) => shown(field, true)),
        ],
      },
    ],
  };
}

function query({ kind, records }: ExternalStore, call: Call): Answer {
  const asked = required(call, 'filterType');
  required(call, 'filterValues');
  const filterType = asked === 'dedupeFields' ? kind.keyField : asked;
  if (!kind.searchable.includes(filterType)) throw new ApiFailure('1011', `Field '${asked}' not supported`);
  const values = list(call, 'filterValues');
  if (values.length > MOST_RECORDS) {
    throw new ApiFailure('1003', `Max number of filterValues allowed in a single call is ${MOST_RECORDS}`);
  }
  const fields = askedFields(kind, call);
  const { page, next } = listSearchPage(call, records.find(filterType, values));
  return { result: page.map((record, seq) => ({ seq, ...shownRecord(record, fields) })), ...next };
}

function askedFields(kind: ExternalKind, call: Call): readonly string[] | undefined {
  const names = list(call, 'fields');
  if (names.length === 0) return kind.defaultFields;
  const known = new Set([...SYSTEM_FIELDS, keyField(kind), ...kind.fields].map(({ name }) => name));
  const unknown = names.find((name) => !known.has(name));
  if (unknown !== undefined) throw new ApiFailure('1006', `Field '${unknown}' not found`);
  return names;
}

/** The record with these fields, or with all that are not empty. */
export function shownRecord(
  { id, createdAt, updatedAt, values }: ExternalRecord,
  fields: readonly string[] | undefined,
): Record<string, FieldValue> {
  const all: Record<string, FieldValue> = {
    id,
    ...Object.fromEntries(values),
    createdAt: isoSeconds(createdAt),
    updatedAt: isoSeconds(updatedAt),
  };
  if (fields === undefined) return all;
  return Object.fromEntries(['id', ...fields].map((name) => [name, all[name] ?? null]));
}
