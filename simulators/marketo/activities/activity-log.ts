import type { Field } from '../fields/field.js';

/** Numbers of Marketo's own activity types that this simulator logs (Adobe REST docs, "Activities"). */
export const FILL_OUT_FORM = 2;
export const NEW_LEAD = 12;
export const CHANGE_DATA_VALUE = 13;
export const CHANGE_SCORE = 22;
export const CHANGE_OWNER = 23;
export const ADD_TO_LIST = 24;
export const REMOVE_FROM_LIST = 25;
export const MERGE_LEADS = 32;
export const DELETE_LEAD = 37;
export const REQUEST_CAMPAIGN = 47;
export const CHANGE_PARTITION = 100;
export const CALL_WEBHOOK = 110;
export const PUSH_LEAD = 145;

/** How a record came to be or to change, as the activity log words it. */
export interface Origin {
  readonly source: string;
  readonly reason: string;
}

export interface CustomAttribute {
  readonly name: string;
  readonly apiName: string;
  readonly value: string | number | boolean;
}

export type ActivityDetail =
  | { readonly kind: 'new'; readonly name: string; readonly source: string }
  | { readonly kind: 'deleted'; readonly name: string }
  | {
      readonly kind: 'change' | 'score';
      readonly field: Field;
      readonly oldValue: string | null;
      readonly newValue: string | null;
      readonly origin: Origin;
    }
  | {
      /** Any other of Marketo's own types: what it shows, as it shows it. */
      readonly kind: 'plain';
      readonly primaryId?: number;
      readonly primaryValue?: string;
      readonly attributes: Readonly<Record<string, string | number | null>>;
    }
  | {
      readonly kind: 'custom';
      readonly primaryValue: string;
      readonly attributes: readonly CustomAttribute[];
    };

export interface Activity {
  readonly guid: number;
  readonly leadId: number;
  readonly typeId: number;
  /** activityDate, epoch ms; shown in whole seconds. */
  readonly happenedAt: number;
  /** When the log took it, epoch ms: never falls along the log. */
  readonly recordedAt: number;
  /** When readers see it, epoch ms. */
  readonly visibleAt: number;
  readonly detail: ActivityDetail;
}

const MONTHS_25 = 760;
/** Visit Webpage, Send and Delivered Email, Click, Add to List, Request Campaign, Sync Lead to Microsoft. */
const SHORT_LIVED = [1, 6, 7, 11, CHANGE_DATA_VALUE, CHANGE_SCORE, ADD_TO_LIST, REQUEST_CAMPAIGN, 300];
const RETENTION_DAYS: Readonly<Record<number, number>> = {
  ...Object.fromEntries(SHORT_LIVED.map((typeId) => [typeId, 90])),
  [DELETE_LEAD]: 14,
  [NEW_LEAD]: Infinity,
};
const DAY_MS = 86_400_000;

/** True while Marketo keeps an activity (Adobe support, "Marketo Activities Data Retention Policy"). */
export const retained = (activity: Activity, now: number): boolean =>
  now - activity.happenedAt <= (RETENTION_DAYS[activity.typeId] ?? MONTHS_25) * DAY_MS;

/** Everything that happened to persons, in the order in which it was recorded. Append-only. */
export class ActivityLog {
  #entries: Activity[] = [];
  /** Entries that were forgotten: places count them still. */
  #forgotten = 0;
  #lastRecordedAt = 0;
  #watcher: (activity: Activity) => void = () => undefined;

  get length(): number {
    return this.#forgotten + this.#entries.length;
  }

  at(index: number): Activity | undefined {
    return this.#entries[index - this.#forgotten];
  }

  /** Drops every entry. Places in the log stay where they were, at its end or before. */
  forget(): void {
    this.#forgotten += this.#entries.length;
    this.#entries = [];
  }

  /** The raw entries, for the administrative door. */
  entries(): readonly Activity[] {
    return this.#entries;
  }

  /** From now on each new entry is told to `watcher`, while whatever makes it is still under way. */
  watch(watcher: (activity: Activity) => void): void {
    this.#watcher = watcher;
  }

  append(entry: {
    readonly leadId: number;
    readonly typeId: number;
    readonly recordedAt: number;
    readonly happenedAt?: number;
    readonly lagMs: number;
    readonly detail: ActivityDetail;
  }): Activity {
    // A clock that steps back must not break the search by time.
    const recordedAt = Math.max(entry.recordedAt, this.#lastRecordedAt);
    this.#lastRecordedAt = recordedAt;
    const activity: Activity = {
      guid: this.length + 1,
      leadId: entry.leadId,
      typeId: entry.typeId,
      happenedAt: entry.happenedAt ?? recordedAt,
      recordedAt,
      visibleAt: recordedAt + entry.lagMs,
      detail: entry.detail,
    };
    this.#entries.push(activity);
    this.#watcher(activity);
    return activity;
  }

  /** Lets the entries of some persons be those of another, in their places: what a merge does. */
  handOver(from: ReadonlySet<number>, to: number): void {
    this.#entries.forEach((activity, index) => {
      if (from.has(activity.leadId)) this.#entries[index] = { ...activity, leadId: to };
    });
  }

  /** Index of the first entry recorded at or after `instant` (epoch ms). */
  firstSince(instant: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle]?.recordedAt ?? 0) >= instant) high = middle;
      else low = middle + 1;
    }
    return this.#forgotten + low;
  }
}
