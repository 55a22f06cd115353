import {
  CHANGE_DATA_VALUE,
  CHANGE_OWNER,
  CHANGE_PARTITION,
  CHANGE_SCORE,
  DELETE_LEAD,
  MERGE_LEADS,
  NEW_LEAD,
  PUSH_LEAD,
  type ActivityDetail,
  type ActivityLog,
  type Origin,
} from '../activities/activity-log.js';
import { asText, type Field, type FieldValue } from '../fields/field.js';
import type { Partition } from './partitions.js';
import type { Person } from './person-table.js';
import { fullName } from './person-values.js';
import type { Settings } from '../settings.js';

/** The trace that everything done to persons leaves in the activity log. */
export class PersonTrace {
  readonly #log: ActivityLog;
  readonly #settings: () => Settings;
  readonly #now: () => number;

  constructor(log: ActivityLog, settings: () => Settings, now: () => number) {
    this.#log = log;
    this.#settings = settings;
    this.#now = now;
  }

  created(person: Person, source: string): void {
    this.#append(person.id, NEW_LEAD, { kind: 'new', name: fullName(person) ?? '', source });
  }

  /** The one trace of a person from before the simulator started, dated and visible then. */
  seeded(person: Person, source: string): void {
    const detail: ActivityDetail = { kind: 'new', name: fullName(person) ?? '', source };
    this.#log.append({ leadId: person.id, typeId: NEW_LEAD, recordedAt: person.createdAt, lagMs: 0, detail });
  }

  /** Which types tell of a changed score or owner is not documented for every reader: two settings decide. */
  changed(person: Person, field: Field, before: FieldValue, after: FieldValue, origin: Origin): void {
    const change = { field, oldValue: asText(before), newValue: asText(after), origin };
    const { scoreActivity, ownerActivity } = this.#settings();
    if (field.dataType === 'score') {
      if (scoreActivity !== '13') this.#append(person.id, CHANGE_SCORE, { kind: 'score', ...change });
      if (scoreActivity === '22') return;
    }
    if (field.name === 'externalSalesPersonId') {
      if (ownerActivity !== '13') this.#append(person.id, CHANGE_OWNER, ownerDetail(change));
      if (ownerActivity === '23') return;
    }
    this.#append(person.id, CHANGE_DATA_VALUE, { kind: 'change', ...change });
  }

  removed(person: Person): void {
    this.#append(person.id, DELETE_LEAD, { kind: 'deleted', name: fullName(person) ?? '' });
  }

  moved(person: Person, from: Partition, to: Partition, { reason }: Origin): void {
    const attributes = { 'Old Partition ID': from.id, Reason: reason };
    const detail = { kind: 'plain', primaryId: to.id, primaryValue: to.name, attributes } as const;
    this.#append(person.id, CHANGE_PARTITION, detail);
  }

  /** The entries of the losers become the winner's. `filled`: display names of fields that took a loser's value. */
  merged(
    winner: Person,
    losers: readonly Person[],
    filled: readonly string[],
    { source }: Pick<Origin, 'source'>,
  ): void {
    const ids = losers.map(({ id }) => id);
    this.#log.handOver(new Set(ids), winner.id);
    const attributes = { 'Merge IDs': ids.join(','), 'Merge Fields': filled.join(','), Source: source };
    const name = fullName(winner) ?? '';
    const detail = { kind: 'plain', primaryId: winner.id, primaryValue: name, attributes } as const;
    this.#append(winner.id, MERGE_LEADS, detail);
    if (this.#settings().mergeLosersDeleted) for (const loser of losers) this.removed(loser);
  }

  pushed(person: Person, program: string, origin: Partial<Origin>): void {
    const attributes = { Reason: origin.reason ?? null, Source: origin.source ?? null, 'Lead ID': person.id };
    this.#append(person.id, PUSH_LEAD, { kind: 'plain', primaryValue: program, attributes });
  }

  #append(leadId: number, typeId: number, detail: ActivityDetail): void {
    const lagMs = this.#settings().commitLagMs;
    this.#log.append({ leadId, typeId, recordedAt: this.#now(), lagMs, detail });
  }
}

const ownerDetail = (change: {
  readonly oldValue: string | null;
  readonly newValue: string | null;
  readonly origin: Origin;
}): ActivityDetail => ({
  kind: 'plain',
  primaryValue: change.newValue ?? '',
  attributes: {
    'New Value': change.newValue,
    'Old Value': change.oldValue,
    Reason: change.origin.reason,
    Source: change.origin.source,
  },
});
