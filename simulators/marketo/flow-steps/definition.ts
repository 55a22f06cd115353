import { z } from 'zod';

/** Types of attributes and fields of a service. */
export const SERVICE_TYPES = [
  'boolean',
  'integer',
  'date',
  'datetime',
  'email',
  'float',
  'score',
  'string',
  'url',
  'text',
] as const;

export type ServiceType = (typeof SERVICE_TYPES)[number];

const text = z.string().min(1);
const apiName = z.string().regex(/^[A-Za-z][\w-]*$/, 'starts with a letter; letters, digits, _ and -');
const dataType = z.enum(SERVICE_TYPES);
const flag = z.boolean().default(false);

const attribute = z.object({
  apiName,
  dataType,
  i18n: z.object({
    en_US: z.object({
      name: text,
      description: z.string().exactOptional(),
      uiTooltip: z.string().exactOptional(),
    }),
  }),
});
const entered = attribute.extend({ hasPicklist: flag, enforcePicklistSelect: flag });
const field = z.object({
  serviceAttribute: text,
  dataType,
  description: z.object({ en_US: z.string() }),
  suggestedMarketoAttribute: z.string().exactOptional(),
});
const header = z.object({ name: text, description: z.unknown(), hasPicklist: flag });

/** What `GET /getServiceDefinition` answers; members that are not named here are passed by. */
export const definitionSchema = z.object({
  apiName,
  primaryAttribute: text,
  caBundle: z.string().exactOptional(),
  i18n: z.object({
    en_US: z.object({
      name: text,
      filterName: text,
      triggerName: text,
      description: z.string().exactOptional(),
    }),
  }),
  invocationPayloadDef: z.object({
    flowAttributes: z.array(entered),
    globalAttributes: z.array(entered).default([]),
    headers: z.array(header).default([]),
    userDrivenMapping: flag,
    fields: z.array(field.extend({ required: flag })).default([]),
    programContext: flag,
    campaignContext: flag,
    triggerContext: flag,
    programMemberContext: flag,
    subscriptionContext: flag,
    myTokenContext: z.array(z.string()).default([]),
  }),
  callbackPayloadDef: z.object({
    attributes: z.array(attribute).default([]),
    fields: z.array(field).default([]),
    userDrivenMapping: flag,
  }),
});

export type ServiceDefinition = z.infer<typeof definitionSchema>;
export type EnteredAttribute = z.infer<typeof entered>;

/** Attributes that every activity of a service has by itself. */
export const OWN_ATTRIBUTES = [
  { apiName: 'success', name: 'Success', dataType: 'boolean' },
  { apiName: 'reason', name: 'Reason', dataType: 'string' },
  { apiName: 'errorCode', name: 'Error Code', dataType: 'string' },
] as const;

const OWN_NAMES: ReadonlySet<string> = new Set(OWN_ATTRIBUTES.map((each) => each.apiName));

/** What is wrong with a definition; empty for a good one. */
export function definitionProblems(answer: unknown, hasPicklists: boolean): string[] {
  const parsed = definitionSchema.safeParse(answer);
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  const { primaryAttribute, invocationPayloadDef: sent, callbackPayloadDef: returned } = parsed.data;
  const flow = sent.flowAttributes.map((each) => each.apiName);
  const globals = sent.globalAttributes.map((each) => each.apiName);
  const back = returned.attributes.map((each) => each.apiName);
  const outgoing = sent.fields.map((each) => each.serviceAttribute);
  const incoming = returned.fields.map((each) => each.serviceAttribute);
  const picked = [...sent.flowAttributes, ...sent.globalAttributes, ...sent.headers];
  return [
    ...(flow.includes(primaryAttribute)
      ? []
      : [`primaryAttribute: '${primaryAttribute}' must be one of the flowAttributes`]),
    ...(back.includes(primaryAttribute)
      ? [`primaryAttribute: '${primaryAttribute}' must not be a callback attribute`]
      : []),
    ...back
      .filter((name) => flow.includes(name))
      .map((name) => `callbackPayloadDef.attributes: '${name}' is a flow attribute too`),
    ...[...flow, ...back]
      .filter((name) => OWN_NAMES.has(name))
      .map((name) => `attributes: '${name}' exists on every activity and must not be declared`),
    ...[...outgoing, ...incoming]
      .filter((name) => name === 'id')
      .map(() => `fields: 'id' is reserved and must not be a serviceAttribute`),
    ...twice('invocationPayloadDef.flowAttributes', flow),
    ...twice('invocationPayloadDef.globalAttributes', globals),
    ...twice('callbackPayloadDef.attributes', back),
    ...twice('invocationPayloadDef.fields', outgoing),
    ...twice('callbackPayloadDef.fields', incoming),
    ...(!hasPicklists && picked.some(({ hasPicklist }) => hasPicklist)
      ? ['hasPicklist: the OpenAPI document has no /getPicklist']
      : []),
  ];
}

const twice = (at: string, names: readonly string[]): string[] =>
  [...new Set(names.filter((name, index) => names.indexOf(name) !== index))].map(
    (name) => `${at}: '${name}' is declared twice`,
  );
