import { z } from 'zod';
import { FAILURES, RemoteFailure } from '../rules/failures.js';
import type { Call, Send } from './calls.js';
import { garbage } from './failure.js';

export type AttributeType =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'float'
  | 'link'
  | 'email'
  | 'currency'
  | 'date'
  | 'datetime'
  | 'phone'
  | 'text';

export interface ActivityAttribute {
  readonly apiName: string;
  readonly name: string;
  readonly dataType: AttributeType;
  readonly description?: string;
}

/** What a custom activity type should be. Names and types are fixed once it is approved. */
export interface ActivityTypeDefinition {
  readonly apiName: string;
  readonly name: string;
  readonly description?: string;
  readonly triggerName: string;
  readonly filterName: string;
  readonly primaryAttribute: {
    readonly apiName: string;
    readonly name: string;
    readonly description?: string;
  };
  /** Up to 20, without the primary one. */
  readonly attributes: readonly ActivityAttribute[];
}

/** A custom activity type as Marketo holds it. */
export interface CustomActivityType {
  /** Absent on a draft that was never approved, in some answers. */
  readonly id?: number;
  readonly apiName: string;
  readonly name: string;
  readonly status: string;
  readonly primaryAttribute?: { readonly apiName: string };
  /** Without the primary one. */
  readonly attributes: readonly { readonly apiName: string; readonly dataType?: string }[];
}

const attribute = z.object({
  apiName: z.string(),
  dataType: z.string().nullish(),
  isPrimary: z.boolean().nullish(),
});

const activityType = z
  .object({
    id: z.int().nullish(),
    apiName: z.string(),
    name: z.string().nullish(),
    status: z.string().nullish(),
    primaryAttribute: attribute.nullish(),
    attributes: z.array(attribute).nullish(),
  })
  .transform(({ id, apiName, name, status, primaryAttribute, attributes }): CustomActivityType => {
    const listed = attributes ?? [];
    const primary = primaryAttribute ?? listed.find(({ isPrimary }) => isPrimary === true);
    return {
      ...(id == null ? {} : { id }),
      apiName,
      name: name ?? apiName,
      // Where a type has no status, it is in use.
      status: status ?? 'approved',
      ...(primary == null ? {} : { primaryAttribute: { apiName: primary.apiName } }),
      attributes: listed
        .filter((one) => one.isPrimary !== true && one.apiName !== primary?.apiName)
        .map(({ apiName: own, dataType }) => ({ apiName: own, ...(dataType == null ? {} : { dataType }) })),
    };
  });

const TYPES = '/v1/activities/external';
const result = z.array(activityType);
const limit = 'activities' as const;

/** All custom activity types of the subscription, drafts among them. */
export async function activityTypes(send: Send, signal?: AbortSignal): Promise<CustomActivityType[]> {
  const path = `${TYPES}/types.json`;
  const call = { name: 'list custom activity types', writes: false, path, limit, result };
  return (await send(call, signal)).result;
}

/**
 * Makes the custom activity type, its attributes, and approves it. Repeatable: an unfinished draft is completed; a type
 * that fits changes nothing. Attributes that others added do no harm; one that is missing on an approved type or is of
 * another type fails with `Misconfigured`, since it cannot be mended by this API without the type's users noticing.
 */
export async function ensureActivityType(
  send: Send,
  definition: ActivityTypeDefinition,
  signal?: AbortSignal,
): Promise<{ readonly id: number }> {
  const listed = await activityTypes(send, signal);
  const known = listed.find(({ apiName, status }) => apiName === definition.apiName && status !== 'deleted');
  if (known === undefined) {
    await change(send, '.json', bodyOf(definition), 'create a custom activity type', signal);
    return complete(send, definition, definition.attributes, signal);
  }
  const draft = known.status.toLowerCase() === 'draft';
  const existing = await describe(send, definition.apiName, draft, signal);
  const missing = missingAttributes(definition, existing);
  if (draft) return complete(send, definition, missing, signal);
  const [first] = missing;
  if (first !== undefined) throw differs(definition, `the attribute ${first.apiName} is missing`);
  return { id: idOf(existing, known) ?? (await readId(send, definition, signal)) };
}

/** Adds what the draft lacks, and approves it. */
async function complete(
  send: Send,
  definition: ActivityTypeDefinition,
  missing: readonly ActivityAttribute[],
  signal?: AbortSignal,
): Promise<{ readonly id: number }> {
  const type = `/${encodeURIComponent(definition.apiName)}`;
  if (missing.length > 0) {
    const what = 'add attributes to a custom activity type';
    await change(send, `${type}/attributes/create.json`, { attributes: missing }, what, signal);
  }
  const approved = await change(send, `${type}/approve.json`, {}, 'approve a custom activity type', signal);
  return { id: idOf(...approved) ?? (await readId(send, definition, signal)) };
}

/** Attributes are added by a call of their own. JSON leaves out a description that is undefined. */
const bodyOf = (definition: ActivityTypeDefinition): unknown => ({ ...definition, attributes: undefined });

function missingAttributes(
  definition: ActivityTypeDefinition,
  existing: CustomActivityType,
): readonly ActivityAttribute[] {
  const primary = existing.primaryAttribute?.apiName;
  if (primary !== undefined && primary !== definition.primaryAttribute.apiName) {
    throw differs(
      definition,
      `its primary attribute is ${primary}, not ${definition.primaryAttribute.apiName}`,
    );
  }
  const present = new Map(existing.attributes.map(({ apiName, dataType }) => [apiName, dataType]));
  return definition.attributes.filter(({ apiName, dataType }) => {
    if (!present.has(apiName)) return true;
    const actual = present.get(apiName) ?? dataType;
    if (actual !== dataType)
      throw differs(definition, `the attribute ${apiName} is of type ${actual}, not ${dataType}`);
    return false;
  });
}

const differs = ({ apiName }: ActivityTypeDefinition, how: string): RemoteFailure =>
  new RemoteFailure({
    type: FAILURES.misconfigured,
    side: 'marketo',
    code: 'activity-type-differs',
    message: `Marketo already has a custom activity type ${apiName} that differs (${how}): rename or delete it in Marketo's Admin > Marketo Custom Activities`,
    effect: 'none',
  });

async function describe(
  send: Send,
  apiName: string,
  draft: boolean,
  signal?: AbortSignal,
): Promise<CustomActivityType> {
  const call: Call<CustomActivityType[]> = {
    name: 'describe a custom activity type',
    writes: false,
    path: `${TYPES}/type/${encodeURIComponent(apiName)}/describe.json`,
    query: draft ? { draft: 'true' } : {},
    limit,
    result,
  };
  const [described] = (await send(call, signal)).result;
  if (described === undefined) throw garbage(call, 'wrong shape at result.0');
  return described;
}

async function change(
  send: Send,
  path: string,
  body: unknown,
  name: string,
  signal?: AbortSignal,
): Promise<CustomActivityType[]> {
  const call: Call<CustomActivityType[]> = {
    name,
    writes: true,
    once: true,
    path: `${TYPES}/type${path}`,
    body,
    limit,
    result,
  };
  return (await send(call, signal)).result;
}

const idOf = (...types: readonly CustomActivityType[]): number | undefined =>
  types.find(({ id }) => id !== undefined)?.id;

async function readId(send: Send, definition: ActivityTypeDefinition, signal?: AbortSignal): Promise<number> {
  const { id } = await describe(send, definition.apiName, false, signal);
  if (id !== undefined) return id;
  throw garbage({ name: 'describe a custom activity type', writes: false }, 'wrong shape at result.0.id');
}
