import { ApiFailure, reason } from '../failure.js';
import type { FieldValue } from '../fields/field.js';
import type { ExternalKind } from '../companies/external-kinds.js';
import type { ExternalRecord, ExternalRecords } from '../companies/external-records.js';
import type { Instance } from '../instance.js';
import { storable } from '../fields/values.js';
import { bodyOf, inputOf, MOST_RECORDS, type Answer, type Call } from './endpoint.js';
import { isBlank, text, type InputRecord } from './lead-writing.js';

/** One kind of records with what holds it. */
export interface ExternalStore {
  readonly kind: ExternalKind;
  readonly records: ExternalRecords;
}

const ACTIONS = ['createOrUpdate', 'createOnly', 'updateOnly'] as const;
const BY = ['dedupeFields', 'idField'] as const;

interface Outcome {
  readonly id?: number;
  readonly status: string;
  readonly reasons?: readonly unknown[];
}

/** Create and update: records are told by the external key, or by id when `dedupeBy` is `idField`. */
export function syncRecords(instance: Instance, store: ExternalStore, call: Call): Answer {
  const input = inputOf(call, tooMany('create/update'));
  const action = oneOf(call, 'action', ACTIONS);
  const by = oneOf(call, 'dedupeBy', BY);
  if (by === 'idField' && action !== 'updateOnly') {
    throw new ApiFailure('1003', `dedupeBy 'idField' is not allowed with action '${action}'`);
  }
  const nameOfKey = by === 'idField' ? 'id' : store.kind.keyField;
  const writable = new Set([nameOfKey, ...store.kind.fields.map(({ name }) => name)]);
  const unknown = input.flatMap((record) => Object.keys(record)).find((name) => !writable.has(name));
  if (unknown !== undefined) throw new ApiFailure('1006', `Field '${unknown}' not found`);
  return eachOnce(input, nameOfKey, (record) => {
    const match = find(store, nameOfKey, record);
    if (match && action === 'createOnly') return skipped('1017');
    if (!match && action === 'updateOnly') return skipped('1013', 'Record not found');
    const values = acceptedValues(store.kind, record);
    if ('status' in values) return values;
    if (match) {
      store.records.update(match, values.accepted, instance.now());
      return { id: match.id, status: 'updated' };
    }
    const key = new Map<string, FieldValue>([[nameOfKey, text(record[nameOfKey])]]);
    return {
      id: store.records.create(new Map([...key, ...values.accepted]), instance.now()).id,
      status: 'created',
    };
  });
}

/** Delete, by the external key or by id. A record that persons are linked with is in use. */
export function deleteRecords(instance: Instance, store: ExternalStore, call: Call): Answer {
  const input = inputOf(call, tooMany('delete'));
  const by = oneOf(call, 'deleteBy', BY);
  const nameOfKey = by === 'idField' ? 'id' : store.kind.keyField;
  return eachOnce(input, nameOfKey, (record) => {
    const match = find(store, nameOfKey, record);
    if (!match) return skipped('1013', 'Record not found');
    const { keyField } = store.kind;
    const key = match.values.get(keyField) ?? null;
    if (instance.people.table.find(keyField, key).length > 0) return skipped('1022', 'Object in use');
    store.records.remove(match);
    return { id: match.id, status: 'deleted' };
  });
}

const tooMany = (verb: string): string =>
  `Max number of records allowed to ${verb} in a single call is ${MOST_RECORDS}`;

/** Results in the order of the input, each with its place. A key that came before in the same call is refused. */
function eachOnce(
  input: readonly InputRecord[],
  nameOfKey: string,
  outcome: (record: InputRecord) => Outcome,
): Answer {
  const seen = new Set<string>();
  const one = (record: InputRecord): Outcome => {
    const given = record[nameOfKey];
    if (isBlank(given)) return skipped('1002', `Missing value for required parameter '${nameOfKey}'`);
    const key = text(given).toLowerCase();
    if (seen.has(key)) return skipped('1036', 'Duplicate object found in input');
    seen.add(key);
    return outcome(record);
  };
  return { result: input.map((record, seq) => ({ seq, ...one(record) })) };
}

const find = (
  { records }: ExternalStore,
  nameOfKey: string,
  record: InputRecord,
): ExternalRecord | undefined =>
  nameOfKey === 'id' ? records.byId(Number(record['id'])) : records.byKey(text(record[nameOfKey]));

function acceptedValues(
  kind: ExternalKind,
  record: InputRecord,
): { readonly accepted: ReadonlyMap<string, FieldValue> } | Outcome {
  const accepted = new Map<string, FieldValue>();
  for (const field of kind.fields) {
    if (!(field.name in record)) continue;
    const given = record[field.name];
    const value = storable(field, given);
    if (value === undefined)
      return skipped('1003', `Invalid value for field '${field.name}' and value '${text(given)}'`);
    accepted.set(field.name, value);
  }
  return { accepted };
}

/** A member of the body that has a few known values; the first is the default. */
function oneOf<Value extends string>(call: Call, name: string, known: readonly [Value, ...Value[]]): Value {
  const asked = bodyOf(call)[name] ?? known[0];
  const found = known.find((value) => value === asked);
  if (found === undefined)
    throw new ApiFailure('1001', `Invalid value '${text(asked)}'. Required of type '${name}'`);
  return found;
}

const skipped = (code: string, message?: string): Outcome => ({
  status: 'skipped',
  reasons: [reason(code, message)],
});
