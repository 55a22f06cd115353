import type { MarketoField } from '../rules/catalog.js';
import type { IsoInstant, Lane } from '../rules/terms.js';
import {
  activityTypes,
  ensureActivityType,
  type ActivityTypeDefinition,
  type CustomActivityType,
} from './activity-types.js';
import { addActivities, type ActivityResult, type NewActivity } from './add-activities.js';
import { createSend, type Connection } from './calls.js';
import { createHttp } from './http.js';
import { createIdentity } from './identity.js';
import { readPersons, type PersonQuery, type PersonsRead } from './persons.js';
import {
  createFields,
  describeField,
  fields,
  fieldSchema,
  type FieldCreated,
  type FieldSchema,
  type NewField,
} from './schema.js';
import { DEFAULT_TIMING, type MarketoOptions, type MarketoSettings } from './settings.js';
import {
  activities,
  deletedPersons,
  pagingToken,
  personChanges,
  type ActivityPage,
  type ActivityQuery,
  type ChangePage,
  type DeletedPage,
} from './streams.js';
import { syncPersons, type SyncPersonsCall, type SyncResult } from './sync-persons.js';
import { usage, type Usage } from './usage.js';

export type * from './activity-types.js';
export type * from './add-activities.js';
export type { Unaskable } from './filter-values.js';
export type * from './persons.js';
export type * from './schema.js';
export type { MarketoOptions, MarketoSettings, MarketoTiming } from './settings.js';
export type { Activity, FieldChange, ScoreChange } from './stream-entry.js';
export type * from './streams.js';
export type * from './sync-persons.js';
export type { Usage } from './usage.js';
export { DEFAULT_TIMING } from './settings.js';
export { MOST_ACTIVITIES, toActivityInput } from './add-activities.js';
export { MOST_FILTER_VALUES } from './filter-values.js';
export { ACTIVITY_TYPES, mergedIds, scoreChange } from './stream-entry.js';
export { mayPassLater, PERSON_NOT_FOUND } from './codes.js';
export { inCalls } from './in-calls.js';
export { MOST_RECORDS } from './sync-persons.js';

/**
 * Marketo's REST API, as far as the sync needs it. Every method rejects with a `RemoteFailure` when the call as a whole
 * failed, and with the signal's own reason when the caller gave up. What Marketo says of a single record is a value.
 * Calls wait for the budget; those that Marketo turned away for its rate or concurrency (606, 615, 429), for a dead token
 * (601, 602) or, unless they must not run twice, with a code that Adobe does not list are taken to have executed nothing and
 * are sent again here, a few times. Nothing else is repeated. docs/failures-marketo.md shows every fault and what becomes of it.
 */
export interface Marketo {
  /** The same client (token, sockets) on another lane of the budget. */
  onLane(lane: Lane): Marketo;

  /** Every person field that the role of the API user may see. */
  fields(signal?: AbortSignal): Promise<MarketoField[]>;
  fieldSchema(name: string, signal?: AbortSignal): Promise<FieldSchema | undefined>;
  /** One result per field, in the order of the input. */
  createFields(input: readonly NewField[], signal?: AbortSignal): Promise<FieldCreated[]>;
  /** Sets the description of a field. */
  describeField(name: string, description: string, signal?: AbortSignal): Promise<void>;

  /** Any number of values, one call after the other. */
  readPersons(query: PersonQuery, signal?: AbortSignal): Promise<PersonsRead>;
  /** At most 300 records; one result per record, in their order. */
  syncPersons(call: SyncPersonsCall, signal?: AbortSignal): Promise<SyncResult[]>;

  pagingToken(since: IsoInstant, signal?: AbortSignal): Promise<string>;
  /** One page. A token that Marketo no longer knows fails with `CursorInvalid`; likewise for the other streams. */
  personChanges(token: string, fields: readonly string[], signal?: AbortSignal): Promise<ChangePage>;
  deletedPersons(token: string, signal?: AbortSignal): Promise<DeletedPage>;
  activities(query: ActivityQuery, signal?: AbortSignal): Promise<ActivityPage>;

  activityTypes(signal?: AbortSignal): Promise<CustomActivityType[]>;
  /** Creates, completes and approves a custom activity type as far as it is not there yet. */
  ensureActivityType(
    definition: ActivityTypeDefinition,
    signal?: AbortSignal,
  ): Promise<{ readonly id: number }>;
  /** At most 300; one result per activity, in their order. */
  addActivities(input: readonly NewActivity[], signal?: AbortSignal): Promise<ActivityResult[]>;

  /** Calls of today, of all integrations and of each API user, with the day that Marketo takes it for. */
  usage(signal?: AbortSignal): Promise<Usage>;
  /** Calls of all integrations today. */
  usageToday(signal?: AbortSignal): Promise<number>;
  /** Closes the sockets of all lanes. */
  close(): void;
}

export function createMarketo(settings: MarketoSettings, options: MarketoOptions): Marketo {
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const http = createHttp(options.userAgent ?? 'contact-sync');
  const connection: Connection = {
    endpoint: settings.endpoint.replace(/\/+$/, ''),
    http,
    identity: createIdentity(settings, http, timing),
    budget: options.budget,
    timing,
  };
  return onLane(connection, options.lane ?? 'cycle');
}

function onLane(connection: Connection, lane: Lane): Marketo {
  const send = createSend(connection, lane);
  return {
    onLane: (other) => onLane(connection, other),
    fields: (signal) => fields(send, signal),
    fieldSchema: (name, signal) => fieldSchema(send, name, signal),
    createFields: (input, signal) => createFields(send, input, signal),
    describeField: (name, description, signal) => describeField(send, name, description, signal),
    readPersons: (query, signal) => readPersons(send, query, signal),
    syncPersons: (call, signal) => syncPersons(send, call, signal),
    pagingToken: (since, signal) => pagingToken(send, since, signal),
    personChanges: (token, names, signal) => personChanges(send, token, names, signal),
    deletedPersons: (token, signal) => deletedPersons(send, token, signal),
    activities: (query, signal) => activities(send, query, signal),
    activityTypes: (signal) => activityTypes(send, signal),
    ensureActivityType: (definition, signal) => ensureActivityType(send, definition, signal),
    addActivities: (input, signal) => addActivities(send, input, signal),
    usage: (signal) => usage(send, signal),
    usageToday: async (signal) => (await usage(send, signal)).total,
    close: () => connection.http.close(),
  };
}
