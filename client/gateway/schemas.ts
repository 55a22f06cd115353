import { z } from 'zod';

/**
 * What the gateway takes and gives, by the names that Marketo's published interface has for them (Adobe:
 * Marketo-SSFS-Service-Provider-Interface 1.0.0). One source for validation and for the OpenAPI document. Members that
 * Marketo adds are welcome and are not kept.
 */
export const components = z.registry<{ id: string }>();

const component = <T extends z.ZodType>(id: string, schema: T): T => {
  components.add(schema, { id });
  return schema;
};

/** Longest address and token that are believed. */
const LONG = 2_000;

/** What goes into a header of the callback: any other character would keep it from ever being sent. */
const headerValue = z
  .string()
  .min(1)
  .max(LONG)
  .regex(/^[\x21-\x7e]+$/);

const marketoId = z.int().min(1).max(2_147_483_647);

const subscription = component(
  'subscription',
  z.looseObject({
    munchkinId: z
      .string()
      .max(64)
      .regex(/^[\w-]+$/),
    prefix: z.string().nullish(),
    crmSyncStatus: z.string().nullish(),
  }),
);

const campaign = component(
  'campaign',
  z.looseObject({ id: z.number().nullish(), type: z.string().nullish() }),
);

const context = component('context', z.looseObject({ subscription, campaign: campaign.nullish() }));

const leadData = component('leadData', z.looseObject({ id: marketoId }));

const flowStepContext = component(
  'flowStepContext',
  z.looseObject({ syncAs: z.unknown().optional(), assignTo: z.unknown().optional() }),
);

const objectData = component(
  'objectData',
  z.looseObject({
    objectType: z.literal('lead').nullish(),
    objectContext: leadData,
    flowStepContext: flowStepContext.nullish(),
  }),
);

/** Most persons of one chunk: far more than Marketo sends at once. */
export const MOST_PERSONS = 5_000;

/** An invocation of the flow step for some persons. */
export const invocation = component(
  'async',
  z.looseObject({
    token: headerValue,
    batchid: z.string().max(LONG).nullish(),
    apiCallBackKey: headerValue,
    campaignId: z.int().min(0).max(2_147_483_647),
    callbackUrl: z.url().max(LONG),
    context,
    objectData: z.array(objectData).min(1).max(MOST_PERSONS),
  }),
);
export type Invocation = z.output<typeof invocation>;

const answeredLead = z.looseObject({ id: marketoId });

const callbackData = component(
  'callbackData',
  z.looseObject({
    leadData: answeredLead,
    activityData: z
      .looseObject({
        success: z.boolean(),
        reason: z.string().optional(),
        errorCode: z.string().optional(),
      })
      .optional(),
  }),
);

/** What Marketo is called back with. */
export const flowCallBack = component(
  'flowCallBack',
  z.looseObject({
    munchkinId: z.string(),
    token: z.string().optional(),
    time: z.string().optional(),
    errorCode: z.string().optional(),
    errorMessage: z.string().optional(),
    objectData: z.array(callbackData).optional(),
  }),
);

const inEnglish = <T extends z.ZodType>(schema: T) => z.object({ en_US: schema });

const fieldType = component(
  'fieldType',
  z.enum(['boolean', 'integer', 'date', 'datetime', 'email', 'float', 'score', 'string', 'url', 'text']),
);

const attributeObject = component(
  'attributeObject',
  z.object({
    apiName: z.string(),
    dataType: fieldType,
    hasPicklist: z.boolean().optional(),
    enforcePicklistSelect: z.boolean().optional(),
    i18n: inEnglish(
      z.object({ name: z.string(), description: z.string().optional(), uiTooltip: z.string().optional() }),
    ),
  }),
);

const fieldMapping = component(
  'fieldMapping',
  z.object({
    serviceAttribute: z.string(),
    suggestedMarketoAttribute: z.string().optional(),
    dataType: fieldType,
    required: z.boolean().optional(),
    description: inEnglish(z.string()),
  }),
);

const invocationPayloadDef = component(
  'invocationPayloadDefObject',
  z.object({
    flowAttributes: z.array(attributeObject),
    globalAttributes: z.array(attributeObject),
    headers: z.array(z.unknown()),
    userDrivenMapping: z.boolean(),
    fields: z.array(fieldMapping),
    programContext: z.boolean(),
    campaignContext: z.boolean(),
    triggerContext: z.boolean(),
    programMemberContext: z.boolean(),
    subscriptionContext: z.boolean(),
    myTokenContext: z.array(z.unknown()),
  }),
);

const callbackPayloadDef = component(
  'callbackPayloadDefObject',
  z.object({
    attributes: z.array(attributeObject),
    fields: z.array(fieldMapping),
    userDrivenMapping: z.boolean(),
  }),
);

export const serviceDefinition = component(
  'serviceDefinition',
  z.object({
    apiName: z.string(),
    i18n: inEnglish(
      z.object({
        name: z.string(),
        filterName: z.string(),
        triggerName: z.string(),
        description: z.string(),
      }),
    ),
    primaryAttribute: z.string(),
    invocationPayloadDef,
    callbackPayloadDef,
  }),
);
export type ServiceDefinition = z.input<typeof serviceDefinition>;

export const serviceStatus = component(
  'serviceStatus',
  z.object({
    info: z.array(z.string()),
    warnings: z.array(z.string()),
    errors: z.array(z.string()),
  }),
);
export type ServiceStatus = z.input<typeof serviceStatus>;

export const getPicklistRequest = component(
  'getPicklistRequest',
  z.looseObject({
    name: z.enum(['syncAs', 'assignTo']),
    type: z.enum(['flow', 'global', 'header']),
    fieldMappingContext: z.looseObject({}).nullish(),
  }),
);

export type PicklistRequest = z.output<typeof getPicklistRequest>;

const displayValue = component('displayValue', inEnglish(z.string()));

const picklistChoice = component('picklistChoice', z.object({ displayValue, submittedValue: z.string() }));

export const picklistObject = component('picklistObject', z.object({ choices: z.array(picklistChoice) }));
export type Picklist = z.input<typeof picklistObject>;

/** A request of a webhook: one person. Strict, because the administrator writes the template. */
export const webhookRequest = component(
  'webhookRequest',
  z.strictObject({
    // Marketo puts quotes around the token {{lead.Id}}.
    id: z.union([marketoId, z.string().regex(/^[1-9]\d{0,9}$/)]),
    syncAs: z.enum(['lead', 'contact']).optional(),
    assignTo: z.string().max(255).optional(),
    campaignId: z.union([z.int().min(0), z.string().regex(/^\d{1,10}$/)]).optional(),
  }),
);
export type WebhookRequest = z.output<typeof webhookRequest>;

export const accepted = component('accepted', z.object({ status: z.literal('accepted') }));

export const refusal = component(
  'refusal',
  z.object({
    error: z.string().describe('what is wrong, never a value that was sent'),
    requestId: z.string().describe('under which the log has more'),
  }),
);

/** The components as OpenAPI 3.0 has them. */
export const componentSchemas = (): Record<string, object> => {
  const { schemas } = z.toJSONSchema(components, {
    target: 'openapi-3.0',
    io: 'input',
    uri: (id) => `#/components/schemas/${id}`,
  });
  // OpenAPI names a schema by its place.
  for (const schema of Object.values(schemas)) delete schema.$id;
  return schemas;
};

/** The name of a component. */
export const nameOf = (schema: z.ZodType): string => components.get(schema)?.id ?? '';
