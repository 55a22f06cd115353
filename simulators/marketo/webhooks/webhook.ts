import { z } from 'zod';
import { AdminRefusal } from '../admin.js';
import { unknownTokens } from '../campaigns/tokens.js';
import type { Field } from '../fields/field.js';
import type { Instance } from '../instance.js';

/** A webhook as an administrator enters it; URL, payload and header values may hold tokens. */
export const webhookSchema = z.strictObject({
  name: z.string().min(1),
  url: z.string().regex(/^https?:\/\//, 'expected an http or https address'),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
  payload: z.string().default(''),
  /** How the values of tokens in the payload are written. */
  encoding: z.enum(['none', 'json', 'form']).default('none'),
  headers: z.record(z.string().regex(/^[\w-]+$/), z.string()).default({}),
  responseType: z.enum(['json', 'xml']).default('json'),
  /** Which part of the answer goes into which field, by its SOAP or REST name. */
  mappings: z
    .array(
      z.strictObject({
        response: z.string().regex(/^[\w:. -]+(\[\d+\][\w:. -]*)*$/, 'expected a path such as orders[0].id'),
        field: z.string().min(1),
      }),
    )
    .default([]),
});

export type Webhook = z.infer<typeof webhookSchema> & { readonly id: number };

const FIRST_ID = 101;

/** The webhooks of the instance, by name. */
export class Webhooks {
  readonly #webhooks = new Map<string, Webhook>();
  #changes = 0;

  get changes(): number {
    return this.#changes;
  }

  all(): readonly Webhook[] {
    return [...this.#webhooks.values()];
  }

  byName(name: string): Webhook | undefined {
    return this.#webhooks.get(name);
  }

  /** Adds a webhook, or gives the one of that name another definition. */
  set(definition: z.infer<typeof webhookSchema>): Webhook {
    const id = this.#webhooks.get(definition.name)?.id ?? FIRST_ID + this.#webhooks.size;
    const webhook = { ...definition, id };
    this.#webhooks.set(webhook.name, webhook);
    this.#changes++;
    return webhook;
  }

  restore(webhooks: readonly Webhook[]): void {
    for (const webhook of webhooks) this.#webhooks.set(webhook.name, webhook);
  }
}

/** The target of a mapping. */
export const mappedField = (instance: Instance, name: string): Field | undefined =>
  instance.fields.all().find((field) => field.soapName === name) ?? instance.fields.get(name);

/** Refuses a definition that names fields that are not there. */
export function checkWebhook(
  instance: Instance,
  { url, payload, headers, mappings }: z.infer<typeof webhookSchema>,
): void {
  for (const text of [url, payload, ...Object.values(headers)]) {
    const unknown = unknownTokens(instance, text)[0];
    if (unknown !== undefined) throw new AdminRefusal(400, `${unknown} is no field of a person`);
  }
  for (const { field: name } of mappings) {
    const field = mappedField(instance, name);
    if (!field) throw new AdminRefusal(400, `mappings: there is no person field '${name}'`);
    if (field.readOnly) throw new AdminRefusal(400, `mappings: person field '${name}' is read-only`);
  }
}
