import type { Campaign, Token } from './campaign.js';

export type NewCampaign = Pick<Campaign, 'name'> &
  Partial<Omit<Campaign, 'id' | 'createdAt' | 'updatedAt' | 'programId'>>;

/** One time that the API asked a campaign to run, for some persons or (batch) at some instant, ISO 8601. */
export interface CampaignRequest {
  readonly campaignId: number;
  readonly tokens: readonly Token[];
  readonly leadIds?: readonly number[];
  readonly runAt?: string;
}

/** A campaign as earlier versions kept it: names of tokens, and no flow. */
interface EarlierCampaign extends Partial<Omit<Campaign, 'id' | 'name' | 'tokens'>> {
  readonly id: number;
  readonly name: string;
  readonly isRequestable?: boolean;
  readonly tokens?: readonly (Token | string)[];
}

const FIRST_ID = 2001;
const FIRST_PROGRAM = 901;
const REQUESTS_KEPT = 10_000;

/** What a campaign is when nothing else is said: an active one that the API may request. */
const PLAIN = {
  description: '',
  type: 'trigger',
  active: true,
  workspaceName: 'Default',
  tokens: [],
  triggers: [{ on: 'campaignRequested' }],
  filter: {},
  flow: [],
  qualification: 'everyTime',
} as const satisfies Partial<Campaign>;

/** The smart campaigns of the instance, and the latest 10,000 requests of the API to run one. */
export class Campaigns {
  readonly #campaigns = new Map<number, Campaign>();
  readonly #now: () => number;
  #requests: CampaignRequest[] = [];
  #changes = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Grows with every change. */
  get changes(): number {
    return this.#changes;
  }

  /** In the order of their ids. */
  all(): readonly Campaign[] {
    return [...this.#campaigns.values()];
  }

  byId(id: number): Campaign | undefined {
    return this.#campaigns.get(id);
  }

  requests(): readonly CampaignRequest[] {
    return this.#requests;
  }

  create(made: NewCampaign): Campaign {
    const now = this.#now();
    const programName = made.programName ?? 'Default program';
    const sibling = this.all().find((campaign) => campaign.programName === programName);
    const programs = new Set(this.all().map((campaign) => campaign.programName));
    const triggers = made.type === 'batch' ? { triggers: [] } : {};
    return this.#set({
      ...PLAIN,
      ...triggers,
      ...made,
      programName,
      programId: sibling?.programId ?? FIRST_PROGRAM + programs.size,
      ...{ id: FIRST_ID + this.#campaigns.size, createdAt: now, updatedAt: now },
    });
  }

  setActive(campaign: Campaign, active: boolean): Campaign {
    return this.#set({ ...campaign, active, updatedAt: this.#now() });
  }

  note(request: CampaignRequest): void {
    this.#requests.push(request);
    if (this.#requests.length > REQUESTS_KEPT * 1.2) this.#requests = this.#requests.slice(-REQUESTS_KEPT);
    this.#changes++;
  }

  restore(campaigns: readonly EarlierCampaign[], requests: readonly CampaignRequest[]): void {
    for (const campaign of campaigns) this.#set(asNow(campaign));
    this.#requests.push(...requests);
  }

  #set(campaign: Campaign): Campaign {
    this.#campaigns.set(campaign.id, campaign);
    this.#changes++;
    return campaign;
  }
}

function asNow({ isRequestable, tokens = [], ...kept }: EarlierCampaign): Campaign {
  const triggers = isRequestable === false || kept.type === 'batch' ? { triggers: [] } : {};
  return {
    ...PLAIN,
    ...{ programId: FIRST_PROGRAM, programName: 'Default program', createdAt: 0, updatedAt: 0 },
    ...triggers,
    ...kept,
    tokens: tokens.map((token) => (typeof token === 'string' ? { name: token, value: '' } : token)),
  };
}
