import type { Token } from './campaign.js';

/** What let a person in, as flow steps and `{{trigger.…}}` tokens are told. */
export interface TriggeringContext {
  /** The primary asset of the event: a form, a field, a webhook. */
  readonly name: string;
  readonly triggerName: string;
}

/** One run of a campaign: of a batch campaign everybody at once, of a trigger campaign one event. */
export interface Run {
  readonly campaignId: number;
  /** Id of the run, a UUID. */
  readonly batchId: string;
  /** Values of My Tokens that the API gave for this run. */
  readonly tokens: readonly Token[];
  readonly trigger?: TriggeringContext;
}

/** Persons of one run who stand before the same step of its flow; step 0 is the first. */
export interface Party {
  readonly run: Run;
  readonly step: number;
  readonly leadIds: readonly number[];
}

/** A batch run to come; epoch ms. */
export interface Scheduled {
  readonly campaignId: number;
  readonly runAt: number;
  readonly tokens: readonly Token[];
}

/** Those of a party before the next step; nobody when `leadIds` is empty. */
export const onward = ({ run, step }: Party, leadIds: readonly number[]): Party => ({
  run,
  step: step + 1,
  leadIds,
});
