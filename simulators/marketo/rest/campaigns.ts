import { canBeRequested, type Campaign, type Token } from '../campaigns/campaign.js';
import { requestCampaign } from '../campaigns/triggers.js';
import { ApiFailure } from '../failure.js';
import type { Instance } from '../instance.js';
import { isoSeconds, parseInstant } from '../fields/values.js';
import { filtered, pageById } from './asset-list.js';
import {
  bodyOf,
  isRecord,
  missing,
  requiredText,
  textOf,
  type Answer,
  type Call,
  type Endpoint,
} from './endpoint.js';

const MOST_LEADS = 100;
const MOST_TOKENS = 100;
const SOONEST_MS = 5 * 60_000;

/** Smart campaigns, as far as an integration meets them (Adobe REST docs, "Smart Campaigns"). */
export function campaignEndpoints(instance: Instance): Endpoint[] {
  const read = (path: string, answer: Endpoint['answer']): Endpoint => ({
    ...{ method: 'GET', path: `/v1/campaigns${path}`, write: false, answer },
  });
  const write = (path: string, answer: Endpoint['answer']): Endpoint => ({
    ...{ method: 'POST', path: `/v1/campaigns/:id/${path}.json`, write: true, answer },
  });
  return [
    read('.json', (call) => pageById(call, candidates(instance, call), shown)),
    read('/:id.json', (call) => ({ result: [shown(campaignOf(instance, call))] })),
    write('trigger', (call) => trigger(instance, call)),
    write('schedule', (call) => schedule(instance, call)),
  ];
}

function candidates(instance: Instance, call: Call): Campaign[] {
  const all = filtered(call, instance.campaigns.all());
  // Both spellings are in use for campaigns with the trigger "Campaign is Requested".
  const wanted = call.query['isTriggerable'];
  if (wanted === undefined) return all;
  const isWanted = wanted === 'true' || wanted === '1';
  return all.filter((campaign) => canBeRequested(campaign) === isWanted);
}

/** Request Campaign: all of it is carried out, or nothing. */
function trigger(instance: Instance, call: Call): Answer {
  const campaign = campaignOf(instance, call);
  if (campaign.type === 'batch')
    throw new ApiFailure('1003', 'Batch campaign is not allowed: only trigger campaigns can be requested');
  if (!canBeRequested(campaign))
    throw new ApiFailure('1003', 'Campaign is not active or has no trigger of source Web Service API');
  const input = inputOf(call);
  const leadIds = leadsOf(input);
  const unknown = leadIds.filter((id) => !instance.people.table.get(id));
  if (unknown.length > 0) throw new ApiFailure('1004', `Lead [${unknown.join(', ')}] not found`);
  requestCampaign(instance, campaign, leadIds, tokensOf(campaign, input));
  return { result: [{ id: campaign.id }] };
}

function schedule(instance: Instance, call: Call): Answer {
  const campaign = campaignOf(instance, call);
  if (campaign.type !== 'batch')
    throw new ApiFailure('1003', 'Trigger campaign is not allowed: only batch campaigns can be scheduled');
  const input = isRecord(bodyOf(call)['input']) ? inputOf(call) : {};
  const asked = textOf(input, 'runAt');
  const runAt = asked === undefined ? instance.now() + SOONEST_MS : parseInstant(asked);
  if (runAt === undefined || runAt <= instance.now()) throw new ApiFailure('1042', 'Invalid runAt date');
  const tokens = tokensOf(campaign, input);
  instance.campaigns.note({ campaignId: campaign.id, tokens, runAt: isoSeconds(runAt) });
  instance.flows.schedule({ campaignId: campaign.id, runAt, tokens });
  return { result: [{ id: campaign.id }] };
}

export function campaignOf(instance: Instance, call: Call): Campaign {
  const campaign = instance.campaigns.byId(Number(call.path['id']));
  if (!campaign) throw new ApiFailure('1013', 'Campaign not found');
  return campaign;
}

type Input = Readonly<Record<string, unknown>>;

function inputOf(call: Call): Input {
  const { input } = bodyOf(call);
  if (!isRecord(input)) throw missing('input');
  return input;
}

function leadsOf({ leads }: Input): number[] {
  if (!Array.isArray(leads) || leads.length === 0) throw missing('leads');
  if (leads.length > MOST_LEADS)
    throw new ApiFailure('1003', `Max number of leads allowed in a single call is ${MOST_LEADS}`);
  return leads.map((lead: unknown) => Number(isRecord(lead) ? lead['id'] : Number.NaN));
}

/** Only My Tokens of the campaign's program can be given a value. */
function tokensOf(campaign: Campaign, { tokens }: Input): Token[] {
  if (tokens === undefined || tokens === null) return [];
  if (!Array.isArray(tokens)) throw new ApiFailure('1003', "Invalid value for field 'tokens'");
  if (tokens.length > MOST_TOKENS)
    throw new ApiFailure('1003', `Max number of tokens allowed in a single call is ${MOST_TOKENS}`);
  return tokens.filter(isRecord).map((token) => {
    const name = requiredText(token, 'name');
    if (!campaign.tokens.some((known) => known.name === name))
      throw new ApiFailure('1003', `Token '${name}' not found`);
    return { name, value: textOf(token, 'value') ?? '' };
  });
}

const shown = (campaign: Campaign): Record<string, unknown> => ({
  id: campaign.id,
  name: campaign.name,
  type: campaign.type,
  programName: campaign.programName,
  programId: campaign.programId,
  workspaceName: campaign.workspaceName,
  createdAt: isoSeconds(campaign.createdAt),
  updatedAt: isoSeconds(campaign.updatedAt),
  active: campaign.active,
});
