import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { AdminRefusal } from '../admin.js';
import { filterSchema, stepSchema, triggerSchema, type Campaign } from '../campaigns/campaign.js';
import { checkCampaign } from '../campaigns/check-campaign.js';
import { startBatch } from '../campaigns/engine.js';
import { fillInForm, formFillSchema } from '../campaigns/forms.js';
import { isoSeconds, parseInstant } from '../fields/values.js';
import type { Instance } from '../instance.js';
import { checkWebhook, webhookSchema } from '../webhooks/webhook.js';

const token = z
  .union([z.string(), z.strictObject({ name: z.string(), value: z.string() })])
  .transform((given) => (typeof given === 'string' ? { name: given, value: '' } : given));

const campaignSchema = z
  .strictObject({
    name: z.string().min(1),
    description: z.string().exactOptional(),
    type: z.enum(['trigger', 'batch']).exactOptional(),
    active: z.boolean().exactOptional(),
    /** Without triggers: whether "Campaign is Requested" is one. */
    isRequestable: z.boolean().exactOptional(),
    programName: z.string().exactOptional(),
    workspaceName: z.string().exactOptional(),
    tokens: z.array(token).exactOptional(),
    triggers: z.array(triggerSchema).exactOptional(),
    filter: filterSchema.exactOptional(),
    flow: z.array(stepSchema).exactOptional(),
    qualification: z.enum(['everyTime', 'once']).exactOptional(),
  })
  .refine(({ isRequestable, triggers }) => isRequestable === undefined || triggers === undefined, {
    error: 'give triggers, or isRequestable, not both',
  })
  .transform(({ isRequestable, ...campaign }) =>
    isRequestable === false ? { ...campaign, triggers: [] } : campaign,
  );
const withId = z.object({ id: z.coerce.number() });
const runSchema = z
  .strictObject({ runAt: z.string().exactOptional(), tokens: z.array(token).default([]) })
  .default({ tokens: [] });

/** What marketers make in the product's screens, and what the people on their web pages do. */
export function adminCampaigns(app: FastifyInstance, instance: Instance): void {
  const { campaigns, webhooks } = instance;
  app.post('/campaigns', (request) => {
    const made = campaignSchema.parse(request.body);
    checkCampaign(instance, made);
    return campaigns.create(made);
  });
  app.get('/campaigns', () => ({ campaigns: campaigns.all(), runs: campaigns.requests() }));
  for (const [path, active] of [
    ['activate', true],
    ['deactivate', false],
  ] as const)
    app.post(`/campaigns/:id/${path}`, (request) =>
      campaigns.setActive(campaignOf(instance, request.params), active),
    );
  app.post('/campaigns/:id/run', (request) => {
    const { runAt, tokens } = runSchema.parse(request.body);
    return run(instance, campaignOf(instance, request.params), runAt, tokens);
  });
  app.get('/flows', () => flowsShown(instance));
  app.post('/forms/fill', (request) => fillInForm(instance, formFillSchema.parse(request.body)));
  app.post('/webhooks', (request) => {
    const webhook = webhookSchema.parse(request.body);
    checkWebhook(instance, webhook);
    return webhooks.set(webhook);
  });
  app.get('/webhooks', () => ({ webhooks: webhooks.all() }));
}

function campaignOf(instance: Instance, params: unknown): Campaign {
  const { id } = withId.parse(params);
  const campaign = instance.campaigns.byId(id);
  if (!campaign) throw new AdminRefusal(404, `There is no campaign ${id}`);
  return campaign;
}

/** Runs a batch campaign now, or at an instant. */
function run(
  instance: Instance,
  campaign: Campaign,
  runAt: string | undefined,
  tokens: Campaign['tokens'],
): Record<string, unknown> {
  if (campaign.type !== 'batch')
    throw new AdminRefusal(400, `Campaign ${campaign.id} is a trigger campaign: activate it instead`);
  if (runAt === undefined) return { persons: startBatch(instance, campaign, tokens) };
  const instant = parseInstant(runAt);
  if (instant === undefined) throw new AdminRefusal(400, `runAt: '${runAt}' is no ISO 8601 instant`);
  instance.flows.schedule({ campaignId: campaign.id, runAt: instant, tokens });
  return { runAt: isoSeconds(instant) };
}

/** Who is on the way: how many parties and persons are ready for a step, and what is scheduled. */
function flowsShown({ flows }: Instance): Record<string, unknown> {
  const { ready, scheduled } = flows.save();
  return {
    parties: ready.length,
    persons: ready.reduce((sum, { leadIds }) => sum + leadIds.length, 0),
    scheduled: scheduled.map(({ campaignId, runAt }) => ({ campaignId, runAt: isoSeconds(runAt) })),
  };
}
