import type { LogEntry } from '../../../rules/change-log.js';
import type { FieldValue, FieldValues } from '../../../rules/terms.js';

/** The blank of text, as far as both remotes are concerned. */
const sameValue = (a: FieldValue | undefined, b: FieldValue | undefined): boolean =>
  (a ?? null) === (b ?? null);

export interface LoggedEntry extends LogEntry {
  readonly guid: number;
  /** When the log shows it: entries may be committed late. */
  readonly visibleFrom: number;
}

/** One person in Marketo: values, a change log with old and new values, and fields that refuse us in silence. */
export interface Person {
  readonly values: Record<string, FieldValue>;
  readonly log: LoggedEntry[];
  readonly blocked: Set<string>;
  set(change: FieldValues, viaApi: boolean, now: number, lag: number): void;
  /** Our own update: answered `updated`, also for blocked fields. */
  update(change: FieldValues, now: number, lag: number): void;
}

export const person = (initial: FieldValues): Person => {
  const values: Record<string, FieldValue> = { ...initial };
  const log: LoggedEntry[] = [];
  const blocked = new Set<string>();
  const set: Person['set'] = (change, viaApi, now, lag) => {
    for (const [field, newValue] of Object.entries(change)) {
      const oldValue = values[field] ?? null;
      if (sameValue(oldValue, newValue)) continue;
      values[field] = newValue;
      const at = new Date(now).toISOString();
      log.push({ field, oldValue, newValue, at, viaApi, guid: log.length, visibleFrom: now + lag });
    }
  };
  const update: Person['update'] = (change, now, lag) => {
    const open = Object.entries(change).filter(([field]) => !blocked.has(field));
    set(Object.fromEntries(open), true, now, lag);
  };
  return { values, log, blocked, set, update };
};

/** One row in Dynamics: values, and an ETag that moves with every change. */
export interface Row {
  readonly values: Record<string, FieldValue>;
  etag: string;
  set(change: FieldValues): void;
  /** Our own update with `If-Match`; false is 412. */
  update(change: FieldValues, etag: string | null): boolean;
}

export const row = (initial: FieldValues): Row => {
  let version = 1;
  const self: Row = {
    values: { ...initial },
    etag: 'W/1',
    set(change) {
      Object.assign(self.values, change);
      version += 1;
      self.etag = `W/${version}`;
    },
    update(change, etag) {
      if (etag !== self.etag) return false;
      self.set(change);
      return true;
    },
  };
  return self;
};
