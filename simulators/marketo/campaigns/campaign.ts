import { z } from 'zod';

/** A condition on a person's field: its value as text, in any case, or whether there is one at all. */
export const conditionSchema = z
  .strictObject({
    field: z.string().min(1),
    is: z.union([z.string(), z.number(), z.boolean()]).exactOptional(),
    empty: z.boolean().exactOptional(),
  })
  .refine(({ is, empty }) => (is === undefined) !== (empty === undefined), {
    error: 'a condition has either "is" or "empty"',
  });

export type Condition = z.infer<typeof conditionSchema>;

/** Whom a campaign is for: the members of a static list, persons whose fields are so, or both. */
export const filterSchema = z.strictObject({
  list: z.int().exactOptional(),
  where: z.array(conditionSchema).exactOptional(),
});

export type Filter = z.infer<typeof filterSchema>;

/** An event that lets a person into a trigger campaign. */
export const triggerSchema = z.discriminatedUnion('on', [
  z.strictObject({ on: z.literal('personCreated') }),
  /** Without `form`: any. */
  z.strictObject({ on: z.literal('formFilled'), form: z.string().exactOptional() }),
  /** `to`: the new value as the activity log shows it; without it any. */
  z.strictObject({ on: z.literal('dataValueChanged'), field: z.string(), to: z.string().exactOptional() }),
  /** "Campaign is Requested, Source: Web Service API". */
  z.strictObject({ on: z.literal('campaignRequested') }),
  /** The own trigger of a flow step service, by the service's apiName. */
  z.strictObject({
    on: z.literal('flowStep'),
    service: z.string(),
    success: z.boolean().exactOptional(),
    errorCode: z.string().exactOptional(),
  }),
  /** "Webhook is Called"; `errorType` 0 stands for a call without an error. */
  z.strictObject({
    on: z.literal('webhookCalled'),
    webhook: z.string().exactOptional(),
    errorType: z.int().exactOptional(),
  }),
  /** The trigger of a custom activity type, by its apiName. */
  z.strictObject({ on: z.literal('customActivity'), type: z.string() }),
]);

export type Trigger = z.infer<typeof triggerSchema>;

const parameter = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const parameters = z.record(z.string(), parameter);

/** One step of a flow. Texts may hold tokens, such as `{{lead.First Name}}`. */
export const stepSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('changeDataValue'), field: z.string(), value: parameter }),
  z.strictObject({ do: z.literal('callWebhook'), webhook: z.string() }),
  /** An installed flow step; the first choice whose condition a person fits decides, else the step's own parameters. */
  z.strictObject({
    do: z.literal('flowStep'),
    service: z.string(),
    parameters: parameters.exactOptional(),
    choices: z.array(z.strictObject({ when: conditionSchema, parameters })).exactOptional(),
  }),
]);

export type Step = z.infer<typeof stepSchema>;
export type FlowStep = Extract<Step, { readonly do: 'flowStep' }>;
export type ParameterValue = z.infer<typeof parameter>;

/** A My Token of a program, such as `{{my.reason}}`, and its value. */
export interface Token {
  readonly name: string;
  readonly value: string;
}

/** A smart campaign; dates are epoch ms. */
export interface Campaign {
  readonly id: number;
  readonly name: string;
  readonly description: string;
  readonly type: 'trigger' | 'batch';
  readonly active: boolean;
  readonly programId: number;
  readonly programName: string;
  readonly workspaceName: string;
  /** The My Tokens of its program. */
  readonly tokens: readonly Token[];
  /** Of a trigger campaign: any of them lets a person in. */
  readonly triggers: readonly Trigger[];
  /** The smart list: of a batch campaign who goes through it, of a trigger campaign who is let in. */
  readonly filter: Filter;
  readonly flow: readonly Step[];
  /** How often one person can go through the flow. */
  readonly qualification: 'everyTime' | 'once';
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** True for an active campaign that the API can let persons into. */
export const canBeRequested = (campaign: Campaign): boolean =>
  campaign.type === 'trigger' && campaign.active && isRequestable(campaign);

export const isRequestable = ({ triggers }: Campaign): boolean =>
  triggers.some(({ on }) => on === 'campaignRequested');
