import {
  CHANGE_DATA_VALUE,
  DELETE_LEAD,
  NEW_LEAD,
  retained,
  type Activity,
} from '../activities/activity-log.js';
import { asActivity, asLeadChange } from '../activities/activity-rendering.js';
import { ApiFailure } from '../failure.js';
import type { Instance } from '../instance.js';
import { listAsked } from './lists.js';
import { decodeToken, encodeToken } from '../activities/paging-token.js';
import { parseInstant } from '../fields/values.js';
import {
  batchSize,
  integers,
  list,
  MOST_RECORDS,
  required,
  wrongType,
  type Answer,
  type Call,
  type Endpoint,
} from './endpoint.js';

const MOST_LEAD_IDS = 30;
const MOST_TYPE_IDS = 10;
const MOST_LISTED = 10_000;
/** From then on longer lists are refused (Adobe REST docs, "Activities"). */
const LISTS_LIMITED_FROM = Date.parse('2026-12-30T00:00:00Z');

/** Paging tokens and the streams read with them (Adobe REST docs, "Activities" and "Paging Tokens"). */
export function activityStreamEndpoints(instance: Instance): Endpoint[] {
  const read = (path: string, answer: (call: Call) => Answer): Endpoint => ({
    method: 'GET',
    path: `/v1/activities${path}`,
    write: false,
    answer,
  });
  return [
    read('/pagingtoken.json', (call) => pagingToken(call)),
    read('/leadchanges.json', (call) => leadChanges(instance, call)),
    read('.json', (call) => activities(instance, call)),
    read('/deletedleads.json', (call) => deletedLeads(instance, call)),
  ];
}

function pagingToken(call: Call): Answer {
  const text = required(call, 'sinceDatetime');
  const since = parseInstant(text);
  if (since === undefined) throw new ApiFailure('704', 'Invalid date format');
  return { nextPageToken: encodeToken({ kind: 'time', since }) };
}

function leadChanges(instance: Instance, call: Call): Answer {
  required(call, 'nextPageToken');
  required(call, 'fields');
  const fields = new Set(list(call, 'fields'));
  for (const name of fields) {
    if (!instance.fields.seen(name)) throw new ApiFailure('1006', `Field '${name}' not found`);
  }
  const ofLeads = leadFilter(instance, call);
  const wanted = ({ typeId, detail }: Activity): boolean =>
    typeId === NEW_LEAD ||
    (typeId === CHANGE_DATA_VALUE && detail.kind === 'change' && fields.has(detail.field.name));
  return page(instance, call, (activity) => wanted(activity) && ofLeads(activity), asLeadChange);
}

function activities(instance: Instance, call: Call): Answer {
  required(call, 'nextPageToken');
  required(call, 'activityTypeIds');
  const types = new Set(integers(call, 'activityTypeIds', MOST_TYPE_IDS));
  const ofLeads = leadFilter(instance, call);
  const ofAssets = assetFilter(call, types.size);
  const wanted = (activity: Activity): boolean =>
    types.has(activity.typeId) && ofLeads(activity) && ofAssets(activity);
  return page(instance, call, wanted, asActivity);
}

const deletedLeads = (instance: Instance, call: Call): Answer =>
  page(instance, call, (activity) => activity.typeId === DELETE_LEAD, asActivity);

function leadFilter(instance: Instance, call: Call): (activity: Activity) => boolean {
  const list = listAsked(instance, call);
  const listed = list && new Set(instance.lists.members(list));
  if (listed && listed.size >= MOST_LISTED && instance.now() >= LISTS_LIMITED_FROM)
    throw new ApiFailure('1003', `List has ${MOST_LISTED} leads or more`);
  const ids = new Set(integers(call, 'leadIds', MOST_LEAD_IDS));
  return ({ leadId }) => (ids.size === 0 || ids.has(leadId)) && (listed?.has(leadId) ?? true);
}

/** Assets are the primary attributes of activities; which ids are meant is clear for one type only. */
function assetFilter(call: Call, types: number): (activity: Activity) => boolean {
  const ids = new Set(integers(call, 'assetIds', MOST_RECORDS));
  if (ids.size === 0) return () => true;
  if (types !== 1) throw new ApiFailure('1003', 'assetIds can only be used with a single activity type');
  return (activity) => ids.has(Number(asActivity(activity)['primaryAttributeValueId']));
}

/**
 * One page of the log. It ends when it is full, when the server has looked at its block of entries, or at the end of
 * the log; only the last has `moreResult: false`. What is not yet visible is passed by: a reader who only follows
 * tokens misses it, as late commits are missed in reality, and finds it by reading an overlap again.
 */
function page(
  instance: Instance,
  call: Call,
  wanted: (activity: Activity) => boolean,
  shown: (activity: Activity) => Record<string, unknown>,
): Answer {
  const size = batchSize(call);
  const { index: first, since } = startOf(instance, required(call, 'nextPageToken'));
  const now = instance.now();
  const end = Math.min(instance.log.length, first + instance.settings.current.scanBlock);
  const result: Record<string, unknown>[] = [];
  let index = first;
  for (; index < end && result.length < size; index++) {
    const activity = instance.log.at(index);
    if (!activity || !wanted(activity) || activity.visibleAt > now) continue;
    if (activity.happenedAt >= since && retained(activity, now)) result.push(shown(activity));
  }
  const moreResult = index < instance.log.length;
  const nextPageToken = encodeToken({ kind: 'place', index, since: moreResult ? since : 0 });
  return { ...(result.length === 0 ? {} : { result }), nextPageToken, moreResult };
}

/** Where a token begins. `since` holds back entries recorded later but dated before the token's time. */
function startOf(instance: Instance, text: string): { readonly index: number; readonly since: number } {
  const token = decodeToken(text);
  if (token?.kind === 'place') return { index: token.index, since: token.since };
  if (token?.kind !== 'time') throw wrongType(text, 'PagingToken');
  return { index: instance.log.firstSince(token.since), since: token.since };
}
