import { createHash, randomUUID } from 'node:crypto';

/** One cell as JSON carries it. */
export type ColumnValue = string | number | boolean | null;

/** A row to start with, keyed by logical column names; the key column and `createdon` are optional. */
export type SeedRow = Readonly<Record<string, ColumnValue>>;

/** Cells by JSON property name (`_ownerid_value` for lookups); an absent cell is null. */
export type Cells = Readonly<Record<string, ColumnValue>>;

const guidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const isGuid = (text: string): boolean => guidPattern.test(text);

export const newGuid = (): string => randomUUID();

/** The same GUID for the same name in every run, so that metadata ids stay put. */
export const namedGuid = (name: string): string => {
  const hex = createHash('sha256').update(name).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
};

/** Date columns carry whole seconds: `2026-01-05T09:12:44Z`. */
export const isoSeconds = (epochMs: number): string => `${new Date(epochMs).toISOString().slice(0, 19)}Z`;

const datePattern = /^(\d{4})-(\d{2})-(\d{2})$/;

/** True for a day that exists, written `YYYY-MM-DD`. */
export const isCalendarDay = (text: string): boolean => {
  const match = datePattern.exec(text);
  if (match === null) return false;
  const parsed = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().slice(0, 10) === text;
};

const dateTimePattern = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,7})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** Epoch milliseconds of an ISO date-time; without an offset it is UTC. Undefined when it is none. */
export const parseDateTime = (text: string): number | undefined => {
  const match = dateTimePattern.exec(text);
  if (match === null || !isCalendarDay(text.slice(0, 10))) return undefined;
  const timed = match[1] === undefined ? `${text}T00:00:00Z` : match[4] === undefined ? `${text}Z` : text;
  const parsed = Date.parse(timed);
  return Number.isNaN(parsed) ? undefined : parsed;
};
