import { REQUEST_CAMPAIGN, type ActivityLog } from './activities/activity-log.js';
import { WEB_SERVICE } from './activities/origins.js';
import type { Settings } from './settings.js';

/** A smart campaign; dates are epoch ms. Its flow is not simulated: only that it was asked to run. */
export interface Campaign {
  readonly id: number;
  readonly name: string;
  readonly type: 'trigger' | 'batch';
  readonly active: boolean;
  /** True for a trigger "Campaign is Requested, Source: Web Service API". */
  readonly isRequestable: boolean;
  readonly programId: number;
  readonly programName: string;
  readonly workspaceName: string;
  /** Names of the My Tokens of its program, such as `{{my.reason}}`. */
  readonly tokens: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
}

export type NewCampaign = Pick<Campaign, 'name'> &
  Partial<Omit<Campaign, 'id' | 'createdAt' | 'updatedAt' | 'programId'>>;

export interface Token {
  readonly name: string;
  readonly value: string;
}

/** One time that the API asked a campaign to run, for some persons or (batch) at some instant, ISO 8601. */
export interface CampaignRun {
  readonly campaignId: number;
  readonly tokens: readonly Token[];
  readonly leadIds?: readonly number[];
  readonly runAt?: string;
}

const FIRST_ID = 2001;
const FIRST_PROGRAM = 901;

/** The smart campaigns of the instance, and the runs that the API asked for. */
export class Campaigns {
  readonly #campaigns = new Map<number, Campaign>();
  readonly #runs: CampaignRun[] = [];
  readonly #log: ActivityLog;
  readonly #settings: () => Settings;
  readonly #now: () => number;

  constructor(parts: {
    readonly log: ActivityLog;
    readonly settings: () => Settings;
    readonly now: () => number;
  }) {
    this.#log = parts.log;
    this.#settings = parts.settings;
    this.#now = parts.now;
  }

  /** In the order of their ids. */
  all(): readonly Campaign[] {
    return [...this.#campaigns.values()];
  }

  byId(id: number): Campaign | undefined {
    return this.#campaigns.get(id);
  }

  runs(): readonly CampaignRun[] {
    return this.#runs;
  }

  /** By default an active trigger campaign that the API may request. */
  create(made: NewCampaign): Campaign {
    const now = this.#now();
    const programName = made.programName ?? 'Default program';
    const sibling = this.all().find((campaign) => campaign.programName === programName);
    const programs = new Set(this.all().map((campaign) => campaign.programName));
    const campaign: Campaign = {
      ...{
        type: 'trigger',
        active: true,
        isRequestable: true,
        workspaceName: 'Default',
        tokens: [],
        ...made,
      },
      programName,
      programId: sibling?.programId ?? FIRST_PROGRAM + programs.size,
      ...{ id: FIRST_ID + this.#campaigns.size, createdAt: now, updatedAt: now },
    };
    this.#campaigns.set(campaign.id, campaign);
    return campaign;
  }

  /** Lets persons enter a trigger campaign; each leaves a Request Campaign activity (47). */
  request(campaign: Campaign, leadIds: readonly number[], tokens: readonly Token[]): void {
    this.#runs.push({ campaignId: campaign.id, tokens, leadIds });
    for (const leadId of leadIds) {
      this.#log.append({
        ...{ leadId, typeId: REQUEST_CAMPAIGN, recordedAt: this.#now(), lagMs: this.#settings().commitLagMs },
        detail: {
          kind: 'plain',
          primaryId: campaign.id,
          primaryValue: campaign.name,
          attributes: { Source: WEB_SERVICE.source },
        },
      });
    }
  }

  schedule(campaign: Campaign, runAt: string, tokens: readonly Token[]): void {
    this.#runs.push({ campaignId: campaign.id, tokens, runAt });
  }

  restore(campaigns: readonly Campaign[], runs: readonly CampaignRun[]): void {
    for (const campaign of campaigns) this.#campaigns.set(campaign.id, campaign);
    this.#runs.push(...runs);
  }
}
