import { ApiFailure } from '../failure.js';
import type { Instance } from '../instance.js';
import { listOf } from '../rest/lists.js';
import { isRecord, missing, wrongType } from '../rest/endpoint.js';
import { parseInstant } from '../fields/values.js';
import { formatNamed, type FileFormat } from './delimited.js';

export type ExportObject = 'leads' | 'activities';

/** Instants in epoch ms, both included. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

/** Which records an export holds. */
export type ExportFilter =
  | { readonly kind: 'createdAt' | 'updatedAt'; readonly period: Period }
  | { readonly kind: 'list'; readonly listId: number }
  | {
      readonly kind: 'activities';
      readonly period: Period;
      readonly typeIds: readonly number[];
      readonly primaryIds: readonly number[];
      readonly primaryValues: readonly string[];
    };

export interface ExportRequest {
  readonly object: ExportObject;
  readonly format: FileFormat;
  readonly columns: readonly { readonly name: string; readonly header: string }[];
  readonly filter: ExportFilter;
}

export const ACTIVITY_COLUMNS = [
  'marketoGUID',
  'leadId',
  'activityDate',
  'activityTypeId',
  'campaignId',
  'primaryAttributeValueId',
  'primaryAttributeValue',
  'attributes',
];

const LEAD_FILTERS = [
  'createdAt',
  'updatedAt',
  'staticListName',
  'staticListId',
  'smartListName',
  'smartListId',
];
const MOST_DAYS = 31;
const DAY_MS = 86_400_000;
const MOST_PRIMARY = 50;
const DELETE_LEAD = 37;

type Body = Readonly<Record<string, unknown>>;

/** The body of a create call, checked (Adobe REST docs, "Bulk Lead Extract" and "Bulk Activity Extract"). */
export function exportRequest(instance: Instance, object: ExportObject, body: Body): ExportRequest {
  const format = formatNamed(body['format'] ?? 'CSV');
  if (!format) throw wrongType(JSON.stringify(body['format']), 'CSV, TSV, SSV');
  const names = object === 'leads' ? leadFields(instance, body['fields']) : activityColumns(body['fields']);
  const headers = isRecord(body['columnHeaderNames']) ? body['columnHeaderNames'] : {};
  const columns = names.map((name) => {
    const header = headers[name];
    return { name, header: typeof header === 'string' ? header : name };
  });
  const { filter } = body;
  if (!isRecord(filter)) throw missing('filter');
  return {
    ...{ object, format, columns },
    filter: object === 'leads' ? leadFilter(instance, filter) : activityFilter(filter),
  };
}

function leadFields(instance: Instance, fields: unknown): string[] {
  if (!Array.isArray(fields) || fields.length === 0) throw missing('fields');
  return fields.map((name: unknown) => {
    if (instance.fields.seen(String(name))) return String(name);
    throw new ApiFailure('1006', `Field '${String(name)}' not found`);
  });
}

function activityColumns(fields: unknown): readonly string[] {
  if (fields === undefined || fields === null) return ACTIVITY_COLUMNS;
  if (!Array.isArray(fields) || fields.length === 0) throw missing('fields');
  return fields.map((name: unknown) => {
    if (ACTIVITY_COLUMNS.includes(String(name))) return String(name);
    throw new ApiFailure('1006', `Field '${String(name)}' not found`);
  });
}

function leadFilter(instance: Instance, filter: Body): ExportFilter {
  const [kind, ...more] = Object.keys(filter);
  if (kind === undefined || more.length > 0)
    throw new ApiFailure('1003', 'Exactly one filter type is required');
  if (!LEAD_FILTERS.includes(kind)) throw new ApiFailure('1003', `Invalid filter type '${kind}'`);
  if (instance.settings.current.unsupportedExportFilters.includes(kind))
    throw new ApiFailure('1035', `Unsupported filter type for target subscription: ${kind}`);
  const value = filter[kind];
  switch (kind) {
    case 'createdAt':
    case 'updatedAt':
      return { kind, period: period(kind, value) };
    case 'staticListId':
      return { kind: 'list', listId: listOf(instance, String(value)).id };
    case 'staticListName': {
      const list = instance.lists.all().find(({ name }) => name === value);
      if (!list) throw new ApiFailure('1013', 'List not found');
      return { kind: 'list', listId: list.id };
    }
    default:
      // Smart lists are not simulated, whatever the subscription is said to support.
      throw new ApiFailure('1013', 'Smart list not found');
  }
}

function activityFilter(filter: Body): ExportFilter {
  const typeIds = items(filter, 'activityTypeIds').map(Number);
  const primaryIds = items(filter, 'primaryAttributeValueIds').map(Number);
  const primaryValues = items(filter, 'primaryAttributeValues').map(String);
  if (typeIds.includes(DELETE_LEAD)) throw new ApiFailure('1003', `Invalid activity type '${DELETE_LEAD}'`);
  if (primaryIds.length > 0 && primaryValues.length > 0)
    throw new ApiFailure('1003', 'primaryAttributeValueIds and primaryAttributeValues exclude each other');
  if (primaryIds.length > MOST_PRIMARY || primaryValues.length > MOST_PRIMARY)
    throw new ApiFailure('1003', `Max number of primary attribute values is ${MOST_PRIMARY}`);
  return {
    ...{ kind: 'activities', typeIds, primaryIds, primaryValues },
    period: period('createdAt', filter['createdAt']),
  };
}

function items(filter: Body, name: string): readonly unknown[] {
  const value = filter[name] ?? [];
  if (!Array.isArray(value)) throw new ApiFailure('1003', `Invalid value for field '${name}'`);
  return value;
}

function period(name: string, value: unknown): Period {
  if (!isRecord(value)) throw missing(name);
  const from = instant(`${name}.startAt`, value['startAt']);
  const to = instant(`${name}.endAt`, value['endAt']);
  if (to < from) throw new ApiFailure('1003', `Date range of '${name}' ends before it begins`);
  if (to - from > MOST_DAYS * DAY_MS)
    throw new ApiFailure('1003', `Date range of '${name}' exceeds ${MOST_DAYS} days`);
  return { from, to };
}

function instant(name: string, value: unknown): number {
  if (value === undefined || value === null || value === '') throw missing(name);
  const parsed = typeof value === 'string' && !value.includes('.') ? parseInstant(value) : undefined;
  if (parsed === undefined) throw new ApiFailure('704', 'Invalid date format');
  return parsed;
}
