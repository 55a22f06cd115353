import { ADD_TO_LIST, REMOVE_FROM_LIST, type ActivityLog, type Origin } from '../activities/activity-log.js';
import type { Settings } from '../settings.js';

/** A static list; dates are epoch ms. */
export interface StaticList {
  readonly id: number;
  readonly name: string;
  readonly description?: string;
  readonly programName?: string;
  readonly workspaceName: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export type NewList = Pick<StaticList, 'name'> &
  Partial<Pick<StaticList, 'description' | 'programName' | 'workspaceName'>>;

/** A list with its members, as it is kept between runs. */
export type SavedList = StaticList & { readonly members: readonly number[] };

const FIRST_ID = 1501;

/** The static lists of the instance and who is on them. Each change of a membership leaves an activity (24, 25). */
export class StaticLists {
  readonly #lists = new Map<number, StaticList>();
  readonly #members = new Map<number, Set<number>>();
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
  all(): readonly StaticList[] {
    return [...this.#lists.values()];
  }

  byId(id: number): StaticList | undefined {
    return this.#lists.get(id);
  }

  create(made: NewList): StaticList {
    const now = this.#now();
    const id = FIRST_ID + this.#lists.size;
    const list = { workspaceName: 'Default', ...made, id, createdAt: now, updatedAt: now };
    this.#lists.set(id, list);
    this.#members.set(id, new Set());
    return list;
  }

  has(list: StaticList, personId: number): boolean {
    return this.#of(list).has(personId);
  }

  /** Ids of the members, ascending; those of persons who were deleted since are still among them. */
  members(list: StaticList): number[] {
    return [...this.#of(list)].sort((left, right) => left - right);
  }

  /** Somebody who is on the list already leaves no further trace. */
  join(list: StaticList, personId: number, origin: Origin): void {
    if (this.#of(list).has(personId)) return;
    this.#of(list).add(personId);
    this.#trace(list, personId, ADD_TO_LIST, origin);
  }

  leave(list: StaticList, personId: number, origin: Origin): void {
    if (this.#of(list).delete(personId)) this.#trace(list, personId, REMOVE_FROM_LIST, origin);
  }

  /** Gives the memberships of merged persons to the winner, without a trace of its own. */
  handOver(from: ReadonlySet<number>, to: number): void {
    for (const members of this.#members.values()) {
      const moved = [...from].filter((id) => members.delete(id));
      if (moved.length > 0) members.add(to);
    }
  }

  save(): SavedList[] {
    return this.all().map((list) => ({ ...list, members: this.members(list) }));
  }

  restore(saved: readonly SavedList[]): void {
    for (const { members, ...list } of saved) {
      this.#lists.set(list.id, list);
      this.#members.set(list.id, new Set(members));
    }
  }

  #of(list: StaticList): Set<number> {
    return this.#members.get(list.id) ?? new Set();
  }

  #trace(list: StaticList, leadId: number, typeId: number, origin: Origin): void {
    const attributes = { Source: origin.source };
    this.#log.append({
      ...{ leadId, typeId, recordedAt: this.#now(), lagMs: this.#settings().commitLagMs },
      detail: { kind: 'plain', primaryId: list.id, primaryValue: list.name, attributes },
    });
  }
}
