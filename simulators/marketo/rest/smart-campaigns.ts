import { isRequestable, type Campaign } from '../campaigns/campaign.js';
import { isoSeconds, parseInstant } from '../fields/values.js';
import { flowIdOf, folderIdOf, smartListIdOf } from '../flow-steps/invocation.js';
import { ApiFailure } from '../failure.js';
import type { Instance } from '../instance.js';
import { campaignOf } from './campaigns.js';
import { wrongType, type Answer, type Call, type Endpoint } from './endpoint.js';

const USUAL_PAGE = 20;
const MOST_A_PAGE = 200;
const NOTHING_FOUND = 'No assets found for the given search criteria.';

/** Smart campaigns of the asset API (Adobe REST docs, "Smart Campaigns"). */
export function smartCampaignEndpoints(instance: Instance): Endpoint[] {
  const path = '/asset/v1/smartCampaign';
  const read = (rest: string, answer: Endpoint['answer']): Endpoint => ({
    ...{ method: 'GET', path: `${path}${rest}`, write: false, answer },
  });
  const write = (name: string, active: boolean): Endpoint => ({
    ...{ method: 'POST', path: `${path}/:id/${name}.json`, write: true },
    answer: (call) => activate(instance, call, active),
  });
  return [
    read('s.json', (call) => page(instance, call)),
    read('/byName.json', (call) => assets(instance.campaigns.all().filter(byName(call)).map(shown))),
    read('/:id.json', (call) => assets(instance.campaigns.all().filter(byId(call)).map(shown))),
    write('activate', true),
    write('deactivate', false),
  ];
}

const byId =
  (call: Call) =>
  ({ id }: Campaign) =>
    id === Number(call.path['id']);
const byName =
  (call: Call) =>
  ({ name }: Campaign) =>
    name === call.query['name'];

/** The asset API answers that it found nothing with a warning, and no result. */
const assets = (found: readonly Record<string, unknown>[]): Answer =>
  found.length === 0
    ? { warnings: [NOTHING_FOUND], errors: [] }
    : { warnings: [], errors: [], result: found };

function page(instance: Instance, call: Call): Answer {
  const size = whole(call, 'maxReturn', USUAL_PAGE);
  if (size < 1 || size > MOST_A_PAGE)
    throw new ApiFailure('1003', `maxReturn must be from 1 to ${MOST_A_PAGE}`);
  const offset = whole(call, 'offset', 0);
  const since = instant(call, 'earliestUpdatedAt') ?? -Infinity;
  const until = instant(call, 'latestUpdatedAt') ?? Infinity;
  const active = call.query['isActive'];
  const wanted = instance.campaigns
    .all()
    .filter(({ updatedAt }) => updatedAt >= since && updatedAt <= until)
    .filter((campaign) => active === undefined || String(campaign.active) === active);
  return assets(wanted.slice(offset, offset + size).map(shown));
}

function activate(instance: Instance, call: Call, active: boolean): Answer {
  const campaign = campaignOf(instance, call);
  if (campaign.type !== 'trigger')
    throw new ApiFailure('709', 'Only trigger campaigns can be activated and deactivated');
  if (campaign.active === active)
    throw new ApiFailure('709', `Smart campaign is ${active ? 'active' : 'inactive'} already`);
  instance.campaigns.setActive(campaign, active);
  return { warnings: [], errors: [], result: [{ id: campaign.id }] };
}

function whole(call: Call, name: string, usual: number): number {
  const text = call.query[name];
  if (text === undefined) return usual;
  if (!/^\d+$/.test(text)) throw wrongType(text, 'Integer');
  return Number(text);
}

function instant(call: Call, name: string): number | undefined {
  const text = call.query[name];
  if (text === undefined) return undefined;
  const parsed = parseInstant(text);
  if (parsed === undefined) throw new ApiFailure('704', 'Invalid date format');
  return parsed;
}

/** Dates of assets carry their zone twice. */
const assetDate = (ms: number): string => `${isoSeconds(ms)}+0000`;

const shown = (campaign: Campaign): Record<string, unknown> => ({
  id: campaign.id,
  name: campaign.name,
  description: campaign.description,
  type: campaign.type,
  createdAt: assetDate(campaign.createdAt),
  updatedAt: assetDate(campaign.updatedAt),
  folder: { id: campaign.programId, type: 'Program' },
  status: campaign.active ? 'Active' : 'Inactive',
  isSystem: false,
  isActive: campaign.active,
  isRequestable: isRequestable(campaign),
  isCommunicationLimitEnabled: false,
  qualificationRuleType: campaign.qualification === 'once' ? 'once' : 'any',
  workspace: campaign.workspaceName,
  parentProgramId: campaign.programId,
  parentFolderId: folderIdOf(campaign),
  smartListId: smartListIdOf(campaign),
  flowId: flowIdOf(campaign),
});
