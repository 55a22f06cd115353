import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Field, FieldValue } from '../fields/field.js';
import type { Instance } from '../instance.js';
import { isOpen, type Chunk } from './chunk.js';
import { endStep } from './ending.js';
import { callbackKey } from './invocation.js';
import type { FlowStepService } from './service.js';
import type { StepOutcome } from './service-activity.js';
import { returnedValue } from './service-values.js';

const values = z.record(z.string(), z.unknown());

const callbackSchema = z.looseObject({
  munchkinId: z.string(),
  errorCode: z.string().nullish(),
  errorMessage: z.string().nullish(),
  defaultValues: z
    .looseObject({ leadDefaults: values.nullish(), activityDefaults: values.nullish() })
    .nullish(),
  objectData: z
    .array(z.looseObject({ leadData: values.nullish(), activityData: values.nullish() }))
    .nullish(),
});

type Callback = z.infer<typeof callbackSchema>;

export interface CallbackRequest {
  readonly key: string | undefined;
  readonly token: string | undefined;
  readonly body: unknown;
}

export interface CallbackAnswer {
  readonly status: number;
  readonly message: string;
}

const answer = (status: number, message: string): CallbackAnswer => ({ status, message });

/** What the callback gateway makes of a call: it is accepted, once for each token, or changes nothing. */
export function takeCallback(instance: Instance, { key, token, body }: CallbackRequest): CallbackAnswer {
  if (key === undefined || !same(key, callbackKey(instance))) return answer(401, 'x-api-key is not valid');
  if (token === undefined) return answer(401, 'x-callback-token is missing');
  const chunk = instance.flowSteps.chunks.byToken(token);
  if (!chunk) return answer(404, 'x-callback-token is unknown');
  if (chunk.state === 'answered') return answer(401, 'x-callback-token was used already');
  if (!isOpen(chunk)) return answer(404, 'x-callback-token is no longer valid');
  const parsed = callbackSchema.safeParse(body);
  if (!parsed.success) return answer(400, z.prettifyError(parsed.error));
  if (parsed.data.munchkinId !== instance.munchkinId)
    return answer(400, 'munchkinId names another subscription');
  settle(instance, chunk, parsed.data);
  return answer(instance.settings.current.flowStepCallbackStatus, 'accepted');
}

const same = (given: string, wanted: string): boolean => {
  const [left, right] = [Buffer.from(given), Buffer.from(wanted)];
  return left.length === right.length && timingSafeEqual(left, right);
};

function settle(instance: Instance, chunk: Chunk, callback: Callback): void {
  const { services, chunks } = instance.flowSteps;
  chunk.state = 'answered';
  services.count(chunk.serviceId, 'answered');
  const { errorCode, errorMessage } = callback;
  if (errorCode != null && errorCode !== '') {
    services.count(chunk.serviceId, 'errors');
    services.tell(chunk.serviceId, `chunk ${chunk.n}: ${errorCode} ${errorMessage ?? ''}`.trim());
    const outcome: StepOutcome = { success: false, errorCode, reason: errorMessage ?? undefined };
    endStep(instance, chunk, new Map(chunk.waiting.map((id) => [id, outcome])));
  } else {
    endStep(instance, chunk, outcomesOf(instance, chunk, callback));
  }
  if (chunk.waiting.length === 0) chunks.close(chunk);
}

/** Writes the returned fields, and tells how the step ended for each person who was answered. */
function outcomesOf(instance: Instance, chunk: Chunk, callback: Callback): Map<number, StepOutcome> {
  const { services } = instance.flowSteps;
  const service = services.byId(chunk.serviceId);
  const { leadDefaults, activityDefaults } = callback.defaultValues ?? {};
  const waiting = new Set(chunk.waiting);
  const outcomes = new Map<number, StepOutcome>();
  const note = (text: string): void => void (chunk.notes = [...chunk.notes, text].slice(-MOST_NOTES));
  for (const { leadData, activityData } of callback.objectData ?? []) {
    const { id, ...fields } = { ...leadDefaults, ...leadData };
    if (typeof leadData?.['id'] !== 'number') {
      services.count(chunk.serviceId, 'entriesUnidentified');
      note('an entry has no leadData.id, and counts as unsuccessful');
    } else if (!waiting.has(Number(id)) || outcomes.has(Number(id))) {
      note(`person ${String(id)} is not in the chunk, or was answered before`);
    } else {
      const returned: Readonly<Record<string, unknown>> = { ...activityDefaults, ...activityData };
      const passedBy = service ? writeFields(instance, chunk, service, Number(id), fields) : [];
      for (const name of passedBy) note(`person ${String(id)}: '${name}' was passed by`);
      outcomes.set(Number(id), outcomeOf(returned));
    }
  }
  return outcomes;
}

const MOST_NOTES = 100;

const outcomeOf = (returned: Readonly<Record<string, unknown>>): StepOutcome => ({
  success: returned['success'] === true,
  reason: textOf(returned['reason']),
  errorCode: textOf(returned['errorCode']),
  returned,
});

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Writes what is declared, mapped and active, as data value changes of the service; returns the names of the rest. */
function writeFields(
  instance: Instance,
  chunk: Chunk,
  service: FlowStepService,
  id: number,
  fields: Readonly<Record<string, unknown>>,
): string[] {
  const person = instance.people.table.get(id);
  if (!person) return [];
  const passedBy: string[] = [];
  const changes = new Map<Field, FieldValue>();
  for (const [name, value] of Object.entries(fields)) {
    const mapping = service.incoming.find((each) => each.serviceAttribute === name && each.active);
    const field =
      mapping?.marketoAttribute == null ? undefined : instance.fields.get(mapping.marketoAttribute);
    const written = field
      ? returnedValue(field, mapping?.dataType ?? null, value, instance.people.read(person, field))
      : undefined;
    if (field && written !== undefined) changes.set(field, written);
    else if (value !== null) passedBy.push(name);
  }
  instance.people.update(person, changes, {
    source: `${service.definition.i18n.en_US.name} (${service.id})`,
    reason: `Smart Campaign: ${chunk.campaignId}, Step Seq ID: ${chunk.step + 1}`,
  });
  return passedBy;
}
