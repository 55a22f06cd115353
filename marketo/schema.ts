import { z } from 'zod';
import { MARKETO_TYPES, type MarketoField } from '../rules/catalog.js';
import { FAILURES, RemoteFailure } from '../rules/failures.js';
import type { Send } from './calls.js';
import { problem, reasonOf } from './wire.js';

/** One field of the person schema, as its own resource tells it. */
export interface FieldSchema {
  readonly name: string;
  readonly description: string;
  readonly type: MarketoField['type'];
}

export interface NewField {
  /** REST name: a letter, then letters, digits and underscores. A field can never be removed again. */
  readonly name: string;
  readonly displayName: string;
  readonly type: 'string' | 'boolean' | 'integer' | 'float' | 'date' | 'datetime' | 'email' | 'phone' | 'url';
  readonly description?: string;
}

/** What became of the field at the same place in the call. */
export type FieldCreated =
  | { readonly status: 'created' }
  | { readonly status: 'skipped'; readonly code: string; readonly message: string };

const type = z
  .string()
  .transform((name): MarketoField['type'] => MARKETO_TYPES.find((known) => known === name) ?? 'unknown');

const description = z.tuple(
  [
    z.object({
      searchableFields: z.array(z.array(z.string())).nullish(),
      fields: z.array(
        z.object({
          name: z.string(),
          displayName: z.string().nullish(),
          dataType: type,
          length: z.number().nullish(),
          updateable: z.boolean().nullish(),
          crmManaged: z.boolean().nullish(),
        }),
      ),
    }),
  ],
  z.unknown(),
);

/** Every person field that the role of the API user may see. Unknown rights are no rights. */
export async function fields(send: Send, signal?: AbortSignal): Promise<MarketoField[]> {
  const { result } = await send(
    {
      name: 'describe persons',
      writes: false,
      path: '/v1/leads/describe2.json',
      limit: 'persons',
      result: description,
    },
    signal,
  );
  const [described] = result;
  // Compound keys belong to other objects; a person is searched by one field.
  const keys = new Set((described.searchableFields ?? []).flatMap((key) => (key.length === 1 ? key : [])));
  return described.fields.map(({ name, displayName, dataType, length, updateable, crmManaged }) => ({
    name,
    displayName: displayName ?? name,
    type: dataType,
    ...(length == null ? {} : { length }),
    updateable: updateable ?? false,
    searchable: keys.has(name),
    crmManaged: crmManaged ?? false,
  }));
}

const schemas = z.array(z.object({ name: z.string(), description: z.string().nullish(), dataType: type }));

/** No field by that name; which of these codes comes is not documented. */
const ABSENT: ReadonlySet<string | undefined> = new Set(['610', '702', '1006', '1013']);

/** `undefined` when there is no such field, or none that the role may see. */
export async function fieldSchema(
  send: Send,
  name: string,
  signal?: AbortSignal,
): Promise<FieldSchema | undefined> {
  try {
    const { result } = await send(
      {
        name: 'read the schema of a field',
        writes: false,
        path: pathOf(name),
        limit: 'persons',
        result: schemas,
      },
      signal,
    );
    const found = result.find((field) => field.name === name);
    return found && { name, description: found.description ?? '', type: found.dataType };
  } catch (error) {
    if (error instanceof RemoteFailure && ABSENT.has(error.details.code)) return undefined;
    throw error;
  }
}

const created = z.discriminatedUnion('status', [
  z.object({ status: z.literal('created') }),
  z
    .object({
      status: z.literal('skipped'),
      reasons: z.array(problem).nullish(),
      errors: z.array(problem).nullish(),
    })
    .transform((skipped) => ({ status: 'skipped' as const, ...reasonOf(skipped, 'field') })),
]);

/** Creates person fields, for good. One that exists is `skipped` (1017); a new one may take a while to be described. */
export async function createFields(
  send: Send,
  input: readonly NewField[],
  signal?: AbortSignal,
): Promise<FieldCreated[]> {
  if (input.length === 0) return [];
  const { result } = await send(
    {
      name: 'create person fields',
      writes: true,
      once: true,
      path: '/v1/leads/schema/fields.json',
      body: { input: input.map(({ type: dataType, ...field }) => ({ ...field, dataType })) },
      limit: 'persons',
      result: z.array(created).length(input.length),
    },
    signal,
  );
  return result;
}

const changed = z.tuple(
  [z.object({ status: z.string(), reasons: z.array(problem).nullish(), errors: z.array(problem).nullish() })],
  z.unknown(),
);

/** Sets the description of a field; fails with `RefusedCall` when Marketo does not take it. */
export async function describeField(
  send: Send,
  name: string,
  text: string,
  signal?: AbortSignal,
): Promise<void> {
  const { result } = await send(
    {
      name: 'describe a field',
      writes: true,
      path: pathOf(name),
      body: { input: [{ description: text }] },
      limit: 'persons',
      result: changed,
    },
    signal,
  );
  const [{ status, reasons, errors }] = result;
  if (status === 'updated') return;
  const [reason] = reasons ?? errors ?? [];
  throw new RemoteFailure({
    type: FAILURES.refusedCall,
    side: 'marketo',
    code: reason?.code ?? status,
    message: `Marketo did not change the description of the field ${name} (${reason?.message ?? status}): check that it exists and that the role of the API user may change the schema`,
    effect: 'none',
  });
}

const pathOf = (name: string): string => `/v1/leads/schema/fields/${encodeURIComponent(name)}.json`;
