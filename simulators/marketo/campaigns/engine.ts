import { expireChunks } from '../flow-steps/ending.js';
import { Submissions } from '../flow-steps/submit.js';
import type { Instance } from '../instance.js';
import { callWebhooks } from '../webhooks/webhook-step.js';
import { audience, isIn } from './audience.js';
import type { Campaign } from './campaign.js';
import { changeDataValues } from './change-data-value.js';
import { onward, type Party } from './party.js';
import { fireTriggers } from './triggers.js';

/** Parties that go on before other work of the process gets its turn. */
const PARTIES_A_TURN = 100;

/** How often the simulator looks at its clock for what is due. */
const LOOK_MS = 200;

export interface Engine {
  stop(): void;
}

/** Begins to move persons through flows, and goes on with what an earlier run left. */
export function startEngine(instance: Instance): Engine {
  const submissions = new Submissions(instance);
  const turn: { next?: NodeJS.Immediate | undefined } = {};
  const wake = (): void => {
    turn.next ??= setImmediate(() => {
      turn.next = undefined;
      for (let count = 0; count < PARTIES_A_TURN; count++) {
        const party = instance.flows.take();
        if (!party) return;
        goOn(instance, submissions, party);
      }
      if (instance.flows.length > 0) wake();
    });
  };
  instance.flows.wake = wake;
  instance.log.watch((activity) => fireTriggers(instance, activity));
  const clock = setInterval(() => settleFlows(instance), LOOK_MS).unref();
  submissions.resume();
  wake();
  return {
    stop: () => {
      clearInterval(clock);
      if (turn.next) clearImmediate(turn.next);
      instance.flows.wake = () => undefined;
      instance.log.watch(() => undefined);
      submissions.stop();
      instance.flowSteps.calls.stop();
    },
  };
}

/** Does what is due by the simulator's clock: batch runs begin, overdue chunks are given up. */
export function settleFlows(instance: Instance): void {
  for (const { campaignId, tokens } of instance.flows.takeDue(instance.now())) {
    const campaign = instance.campaigns.byId(campaignId);
    if (campaign) startBatch(instance, campaign, tokens);
  }
  expireChunks(instance);
}

/** Lets everybody in the smart list of a batch campaign go through its flow, as one run. Returns how many. */
export function startBatch(instance: Instance, campaign: Campaign, tokens: Party['run']['tokens']): number {
  const leadIds = audience(instance, campaign.filter);
  const run = instance.flows.newRun({ campaignId: campaign.id, tokens });
  instance.flows.add({ run, step: 0, leadIds });
  return leadIds.length;
}

/** Carries out steps for a party until one of them has to wait for somebody else, or the flow ends. */
function goOn(instance: Instance, submissions: Submissions, party: Party): void {
  const campaign = instance.campaigns.byId(party.run.campaignId);
  if (!campaign) return;
  let present: Party = {
    ...party,
    leadIds: party.leadIds.filter(
      (id) => instance.people.table.get(id) && enters(instance, campaign, party, id),
    ),
  };
  for (;;) {
    const step = campaign.flow[present.step];
    if (!step || present.leadIds.length === 0) return;
    if (step.do === 'flowStep') {
      submissions.submit(campaign, step, present);
      return;
    }
    if (step.do === 'callWebhook') {
      callWebhooks(instance, campaign, step.webhook, present);
      return;
    }
    changeDataValues(instance, campaign, step, present);
    present = onward(present, present.leadIds);
  }
}

/** At the first step: whether the campaign lets a person in. The smart list of a batch was looked at before. */
function enters(instance: Instance, campaign: Campaign, { step }: Party, id: number): boolean {
  if (step > 0) return true;
  const person = instance.people.table.get(id);
  if (!person || (campaign.type === 'trigger' && !isIn(instance, person, campaign.filter))) return false;
  return instance.flows.enters(campaign, id);
}
