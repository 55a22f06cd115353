import { uuidOf } from '../outbound/made-ids.js';
import type { Campaign } from './campaign.js';
import type { Party, Run, Scheduled } from './party.js';

/** Who is where in which flow, as it is kept between runs of the simulator. */
export interface SavedFlows {
  readonly runs: number;
  readonly ready: readonly Party[];
  readonly scheduled: readonly Scheduled[];
  /** Ids of persons who went through a campaign that lets each in once. */
  readonly passed: readonly (readonly [campaignId: number, leadIds: readonly number[]])[];
}

/** Persons on their way through flows. Something else moves them: `wake` calls it whenever there is something to do. */
export class Flows {
  #ready: Party[] = [];
  #first = 0;
  #scheduled: Scheduled[] = [];
  /** Parties whose step is being carried out elsewhere: not ready, but not to be forgotten. */
  readonly #away = new Set<Party>();
  readonly #passed = new Map<number, Set<number>>();
  #runs = 0;
  #changes = 0;
  wake: () => void = () => undefined;

  get changes(): number {
    return this.#changes;
  }

  /** How many parties wait to go on. */
  get length(): number {
    return this.#ready.length - this.#first;
  }

  newRun(run: Omit<Run, 'batchId'>): Run {
    return { ...run, batchId: uuidOf(`run ${run.campaignId} ${++this.#runs}`) };
  }

  add(party: Party): void {
    if (party.leadIds.length === 0) return;
    this.#ready.push(party);
    this.#changes++;
    this.wake();
  }

  take(): Party | undefined {
    const party = this.#ready[this.#first];
    if (party === undefined) return undefined;
    this.#first++;
    if (this.#first > 1000 && this.#first > this.#ready.length / 2) {
      this.#ready = this.#ready.slice(this.#first);
      this.#first = 0;
    }
    this.#changes++;
    return party;
  }

  /** Keeps a party among those of the state until the returned function is called. */
  away(party: Party): () => void {
    this.#away.add(party);
    return () => {
      this.#away.delete(party);
      this.#changes++;
    };
  }

  /** True for the first time of a person in a campaign that lets each in once, and always in others. */
  enters({ id, qualification }: Campaign, leadId: number): boolean {
    if (qualification === 'everyTime') return true;
    const passed = this.#passed.get(id) ?? new Set();
    if (passed.has(leadId)) return false;
    this.#passed.set(id, passed.add(leadId));
    return true;
  }

  schedule(run: Scheduled): void {
    this.#scheduled.push(run);
    this.#changes++;
  }

  /** Takes the batch runs that are due. */
  takeDue(now: number): Scheduled[] {
    if (!this.#scheduled.some(({ runAt }) => runAt <= now)) return [];
    const due = this.#scheduled.filter(({ runAt }) => runAt <= now);
    this.#scheduled = this.#scheduled.filter(({ runAt }) => runAt > now);
    this.#changes++;
    return due;
  }

  save(): SavedFlows {
    return {
      runs: this.#runs,
      ready: [...this.#away, ...this.#ready.slice(this.#first)],
      scheduled: this.#scheduled,
      passed: [...this.#passed].map(([id, leadIds]) => [id, [...leadIds]]),
    };
  }

  restore({ runs, ready, scheduled, passed }: SavedFlows): void {
    this.#runs = runs;
    this.#ready = [...ready];
    this.#scheduled = [...scheduled];
    for (const [id, leadIds] of passed) this.#passed.set(id, new Set(leadIds));
  }
}
