import { z } from 'zod';
import type { IsoInstant } from '../rules/terms.js';
import type { Answer, Call, Query, Send } from './calls.js';
import { garbage } from './failure.js';
import {
  ACTIVITY_TYPES,
  changeEntry,
  entry,
  type Activity,
  type Entry,
  type FieldChange,
} from './stream-entry.js';
import { toMarketoInstant } from './wire.js';

/** Where a stream stands after a page. */
export interface StreamPosition {
  /** Keep it and ask with it next time, also when there is no more. */
  readonly nextToken: string;
  /** True: ask again at once. A page may be empty and yet have more behind it. */
  readonly more: boolean;
  /** Marketo's clock when it answered. */
  readonly serverTime: IsoInstant;
}

export type PersonChange =
  | {
      readonly kind: 'changed';
      /** Marketo's `marketoGUID`: the same entry read twice has the same one. */
      readonly guid: string;
      readonly marketoId: number;
      readonly at: IsoInstant;
      /** True where the change came through the REST API: ours, or another integration's. */
      readonly viaApi: boolean;
      readonly fields: readonly FieldChange[];
    }
  | {
      readonly kind: 'created';
      readonly guid: string;
      readonly marketoId: number;
      readonly at: IsoInstant;
    };

export interface ChangePage extends StreamPosition {
  readonly changes: readonly PersonChange[];
}

export interface DeletedPerson {
  readonly guid: string;
  readonly marketoId: number;
  readonly at: IsoInstant;
}

export interface DeletedPage extends StreamPosition {
  readonly deleted: readonly DeletedPerson[];
}

export interface ActivityQuery {
  readonly token: string;
  /** 1 to 10. */
  readonly typeIds: readonly number[];
  /** At most 30; of everybody when absent. */
  readonly marketoIds?: readonly number[];
}

export interface ActivityPage extends StreamPosition {
  readonly activities: readonly Activity[];
}

/** A token from which the three streams can be read: records after `since`. */
export async function pagingToken(send: Send, since: IsoInstant, signal?: AbortSignal): Promise<string> {
  const call: Call<unknown> = {
    name: 'get a paging token',
    writes: false,
    path: '/v1/activities/pagingtoken.json',
    query: { sinceDatetime: toMarketoInstant(since) },
    limit: 'pagingToken',
    result: z.unknown(),
  };
  const { nextToken } = await send(call, signal);
  if (nextToken === undefined) throw garbage(call, 'wrong shape at nextPageToken');
  return nextToken;
}

/** One page of what happened to `fields`, and of new persons. */
export async function personChanges(
  send: Send,
  token: string,
  fields: readonly string[],
  signal?: AbortSignal,
): Promise<ChangePage> {
  const query = { fields: fields.join(',') };
  const { entries, ...position } = await page(
    send,
    'read changes of persons',
    'leadchanges',
    token,
    query,
    signal,
  );
  return { ...position, changes: entries.flatMap(toChange) };
}

/** One page of deleted persons; Marketo forgets a deletion after 14 days. */
export async function deletedPersons(send: Send, token: string, signal?: AbortSignal): Promise<DeletedPage> {
  const { entries, ...position } = await page(
    send,
    'read deleted persons',
    'deletedleads',
    token,
    {},
    signal,
  );
  return {
    ...position,
    deleted: entries.map(({ activity: { guid, marketoId, at } }) => ({ guid, marketoId, at })),
  };
}

/** One page of activities of the given types. */
export async function activities(
  send: Send,
  query: ActivityQuery,
  signal?: AbortSignal,
): Promise<ActivityPage> {
  const { typeIds, marketoIds = [] } = query;
  if (typeIds.length < 1 || typeIds.length > 10)
    throw new RangeError('Activities are read for 1 to 10 types');
  if (marketoIds.length > 30) throw new RangeError('Activities are read for 30 persons at most');
  const filter: Query = {
    activityTypeIds: typeIds.join(','),
    ...(marketoIds.length === 0 ? {} : { leadIds: marketoIds.join(',') }),
  };
  const read = await page(send, 'read activities', 'activities', query.token, filter, signal);
  const { entries, ...position } = read;
  return { ...position, activities: entries.map(({ activity }) => activity) };
}

const STREAMS = {
  leadchanges: '/v1/activities/leadchanges.json',
  deletedleads: '/v1/activities/deletedleads.json',
  activities: '/v1/activities.json',
} as const;

async function page(
  send: Send,
  name: string,
  stream: keyof typeof STREAMS,
  token: string,
  filter: Query,
  signal?: AbortSignal,
): Promise<StreamPosition & { readonly entries: readonly Entry[] }> {
  const call: Call<Entry[]> = {
    name,
    writes: false,
    stream: true,
    path: STREAMS[stream],
    query: { nextPageToken: token, ...filter, batchSize: 300 },
    limit: 'activities',
    result: z.array(stream === 'leadchanges' ? changeEntry : entry),
  };
  const answer: Answer<Entry[]> = await send(call, signal);
  const { nextToken, more, serverTime } = answer;
  // A stream always gives a new token; going on without one would repeat or lose entries.
  if (nextToken === undefined) throw garbage(call, 'wrong shape at nextPageToken');
  if (more === true && nextToken === token) throw garbage(call, 'a page token that was used already');
  return { entries: answer.result, nextToken, more: more ?? false, serverTime };
}

/** Display text, so compared leniently. */
const viaApi = (source: string | undefined): boolean => source?.trim().toLowerCase() === 'web service api';

function toChange({ activity, fields }: Entry): PersonChange[] {
  const { guid, marketoId, at, typeId, attributes } = activity;
  if (typeId === ACTIVITY_TYPES.newPerson) return [{ kind: 'created', guid, marketoId, at }];
  if (typeId !== ACTIVITY_TYPES.changeDataValue) return [];
  return [
    { kind: 'changed', guid, marketoId, at, viaApi: viaApi(attributes['Source']), fields: fields ?? [] },
  ];
}
