import type { Campaign, FlowStep } from '../campaigns/campaign.js';
import { onward, type Party } from '../campaigns/party.js';
import type { Instance } from '../instance.js';
import type { Chunk } from './chunk.js';
import { deliver } from './delivery.js';
import { invocationBody } from './invocation.js';

/** Parties of trigger campaigns that wait to be one chunk. */
interface Gathering {
  readonly campaign: Campaign;
  readonly step: FlowStep;
  readonly parties: Party[];
  readonly timer: NodeJS.Timeout;
  readonly kept: (() => void)[];
}

/** Makes chunks of the parties that arrive at the step of a service, and hands them over. */
export class Submissions {
  readonly #instance: Instance;
  readonly #gatherings = new Map<string, Gathering>();

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** Delivers what was submitted before the simulator was ended. */
  resume(): void {
    for (const chunk of this.#instance.flowSteps.chunks.allOpen())
      if (chunk.state === 'sending') void deliver(this.#instance, chunk);
  }

  stop(): void {
    for (const { timer } of this.#gatherings.values()) clearTimeout(timer);
    this.#gatherings.clear();
  }

  submit(campaign: Campaign, step: FlowStep, party: Party): void {
    const { flowStepChunk, flowStepTriggerChunk } = this.#instance.settings.current;
    if (campaign.type === 'trigger' && flowStepTriggerChunk > 1) {
      this.#gather(campaign, step, party);
      return;
    }
    const most = campaign.type === 'trigger' ? flowStepTriggerChunk : flowStepChunk;
    for (let first = 0; first < party.leadIds.length; first += most)
      this.#send(campaign, step, [{ ...party, leadIds: party.leadIds.slice(first, first + most) }]);
  }

  #gather(campaign: Campaign, step: FlowStep, party: Party): void {
    const key = `${campaign.id}/${party.step}`;
    const { flowStepTriggerChunk, flowStepGatherMs } = this.#instance.settings.current;
    const known = this.#gatherings.get(key);
    // One person twice in a chunk could not be told apart in the callback.
    const met = new Set(known?.parties.flatMap(({ leadIds }) => leadIds));
    if (party.leadIds.some((id) => met.has(id))) this.#close(key);
    const gathering = this.#gatherings.get(key) ?? {
      ...{ campaign, step, parties: [], kept: [] },
      timer: setTimeout(() => this.#close(key), flowStepGatherMs).unref(),
    };
    gathering.parties.push(party);
    gathering.kept.push(this.#instance.flows.away(party));
    this.#gatherings.set(key, gathering);
    if (gathering.parties.length >= flowStepTriggerChunk) this.#close(key);
  }

  #close(key: string): void {
    const gathering = this.#gatherings.get(key);
    if (!gathering) return;
    clearTimeout(gathering.timer);
    this.#gatherings.delete(key);
    for (const forget of gathering.kept) forget();
    this.#send(gathering.campaign, gathering.step, gathering.parties);
  }

  #send(campaign: Campaign, step: FlowStep, parties: readonly Party[]): void {
    const chunk = chunkOf(this.#instance, campaign, step, parties);
    if (chunk) void deliver(this.#instance, chunk);
    // Without a service there is nobody to wait for.
    else for (const party of parties) this.#instance.flows.add(onward(party, party.leadIds));
  }
}

function chunkOf(
  instance: Instance,
  campaign: Campaign,
  step: FlowStep,
  parties: readonly Party[],
): Chunk | undefined {
  const { services, chunks } = instance.flowSteps;
  const service = services.byApiName(step.service);
  const first = parties[0];
  if (!service || !first) return undefined;
  const leadIds = parties.flatMap((party) => party.leadIds).filter((id) => instance.people.table.get(id));
  if (leadIds.length === 0) return undefined;
  services.count(service.id, 'sent');
  services.count(service.id, 'personsSent', leadIds.length);
  return chunks.open(
    {
      serviceId: service.id,
      campaignId: campaign.id,
      step: first.step,
      submittedAt: instance.now(),
      parties,
      waiting: leadIds,
    },
    (token) => invocationBody(instance, { service, campaign, step }, parties, token),
  );
}
