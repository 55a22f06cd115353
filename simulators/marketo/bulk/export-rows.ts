import { retained, type Activity } from '../activities/activity-log.js';
import { asActivity } from '../activities/activity-rendering.js';
import type { Instance } from '../instance.js';
import type { Person } from '../persons/person-table.js';
import { isRecord } from '../rest/endpoint.js';
import type { ExportFilter, ExportRequest, Period } from './export-request.js';

const CHANGE_OWNER = 23;
const CHANGE_PARTITION = 100;
const DELETE_LEAD = 37;

/** The rows of an export, without its header. Nothing at all is written as `null`. */
export function exportRows(instance: Instance, { object, columns, filter }: ExportRequest): string[][] {
  const records =
    object === 'leads'
      ? people(instance, filter).map((person) => leadRecord(instance, person, columns))
      : activities(instance, filter).map(activityRecord);
  return records.map((record) => columns.map(({ name }) => cell(record[name])));
}

const cell = (value: unknown): string => {
  if (value === null || value === undefined) return 'null';
  return typeof value === 'string' ? value : JSON.stringify(value);
};

function people(instance: Instance, filter: ExportFilter): Person[] {
  const all = instance.people.table.after(0, Infinity);
  switch (filter.kind) {
    case 'createdAt':
      return all.filter(({ createdAt }) => within(filter.period, createdAt));
    case 'updatedAt': {
      const changedAt = lastChanges(instance);
      return all.filter(({ id, updatedAt }) => within(filter.period, changedAt.get(id) ?? updatedAt));
    }
    case 'list': {
      const list = instance.lists.byId(filter.listId);
      return all.filter(({ id }) => list && instance.lists.has(list, id));
    }
    case 'activities':
      return [];
  }
}

/** When each person last changed in any field, unlike its visible `updatedAt` (Adobe REST docs, "Bulk Lead Extract"). */
function lastChanges(instance: Instance): ReadonlyMap<number, number> {
  const changes = new Map<number, number>();
  for (const { leadId, typeId, detail, recordedAt } of instance.log.entries()) {
    const counts =
      ['new', 'change', 'score'].includes(detail.kind) || [CHANGE_OWNER, CHANGE_PARTITION].includes(typeId);
    if (counts) changes.set(leadId, recordedAt);
  }
  return changes;
}

function leadRecord(
  instance: Instance,
  person: Person,
  columns: ExportRequest['columns'],
): Record<string, unknown> {
  const fields = columns.flatMap(({ name }) => instance.fields.get(name) ?? []);
  return instance.people.record(person, fields);
}

function activities(instance: Instance, filter: ExportFilter): Activity[] {
  if (filter.kind !== 'activities') return [];
  const now = instance.now();
  const { period, typeIds, primaryIds, primaryValues } = filter;
  return instance.log.entries().filter((activity) => {
    if (!within(period, activity.happenedAt) || activity.visibleAt > now || !retained(activity, now))
      return false;
    if (activity.typeId === DELETE_LEAD) return false;
    if (typeIds.length > 0 && !typeIds.includes(activity.typeId)) return false;
    const shown = asActivity(activity);
    if (primaryIds.length > 0) return primaryIds.includes(Number(shown['primaryAttributeValueId']));
    return primaryValues.length === 0 || primaryValues.includes(String(shown['primaryAttributeValue']));
  });
}

/** As Get Lead Activities shows it, but for its attributes: one JSON object keyed by display name. */
function activityRecord(activity: Activity): Record<string, unknown> {
  const shown = asActivity(activity);
  const attributes = shown['attributes'] as readonly unknown[];
  return {
    ...shown,
    attributes: Object.fromEntries(
      attributes.filter(isRecord).map(({ name, value }) => [String(name), value]),
    ),
  };
}

/** The API's instants have whole seconds. */
const within = ({ from, to }: Period, at: number): boolean =>
  at >= from && Math.floor(at / 1000) * 1000 <= to;
