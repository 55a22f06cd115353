import { ApiFailure } from '../failure.js';
import type { Field } from '../fields/field.js';
import type { Instance } from '../instance.js';
import { listSearchPage } from './search-page.js';
import { list, MOST_RECORDS, required, type Answer, type Call, type Endpoint } from './endpoint.js';

const DEFAULT_FIELDS = ['id', 'email', 'firstName', 'lastName', 'createdAt', 'updatedAt'];
const MOST_MATCHES = 1000;

/** Get Lead by Id and Get Leads by Filter Type (Adobe REST docs, "Leads"). */
export function readLeadsEndpoints(instance: Instance): Endpoint[] {
  return [
    { method: 'GET', path: '/v1/lead/:id.json', write: false, answer: (call) => byId(instance, call) },
    { method: 'GET', path: '/v1/leads.json', write: false, answer: (call) => byFilter(instance, call) },
  ];
}

function byId(instance: Instance, call: Call): Answer {
  const id = call.path['id'] ?? '';
  const fields = askedFields(instance, call);
  const person = /^\d+$/.test(id) ? instance.people.table.get(Number(id)) : undefined;
  if (!person) {
    if (instance.settings.current.unknownLead === 'empty') return { result: [] };
    throw new ApiFailure('1004', `Lead '${id}' not found`);
  }
  return { result: [instance.people.record(person, fields)] };
}

function byFilter(instance: Instance, call: Call): Answer {
  const filterType = required(call, 'filterType');
  required(call, 'filterValues');
  if (!instance.fields.searchable(filterType))
    throw new ApiFailure('1011', `Field '${filterType}' not supported`);
  const values = list(call, 'filterValues');
  if (values.length > MOST_RECORDS) {
    throw new ApiFailure('1003', `Max number of filterValues allowed in a single call is ${MOST_RECORDS}`);
  }
  const fields = askedFields(instance, call);
  const found = matching(instance, filterType, values).flatMap((id) => instance.people.table.get(id) ?? []);
  const { page, next } = listSearchPage(call, found);
  return { result: page.map((person) => instance.people.record(person, fields)), ...next };
}

function matching(instance: Instance, filterType: string, values: readonly string[]): number[] {
  const ids = new Set<number>();
  for (const value of values) {
    for (const id of withValue(instance, filterType, value)) ids.add(id);
    if (ids.size > MOST_MATCHES) throw new ApiFailure('1003', 'Too many results match the filter');
  }
  return [...ids].sort((left, right) => left - right);
}

function withValue(instance: Instance, filterType: string, value: string): readonly number[] {
  if (filterType !== 'cookies') return instance.people.table.find(filterType, value);
  const owner = instance.cookies.ownerOf(value);
  return owner === undefined ? [] : [owner];
}

/** The fields that a call asks for by `fields`, else the default ones. */
export function askedFields(instance: Instance, call: Call): Field[] {
  const asked = list(call, 'fields');
  const names = asked.length > 0 ? asked : DEFAULT_FIELDS.filter((name) => instance.fields.seen(name));
  return [...new Set(names)].map((name) => {
    const field = instance.fields.seen(name);
    if (!field) throw new ApiFailure('1006', `Field '${name}' not found`);
    return field;
  });
}
