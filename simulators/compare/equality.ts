import { OPTION_LABELS, type OptionLabels } from '../population/options.js';
import type { Table, Value } from '../population/records.js';

/** Option labels by table and column. */
export type LabelTables = Readonly<Record<Table, Readonly<Record<string, OptionLabels>>>>;

export const SHIPPED_LABELS: LabelTables = OPTION_LABELS;

export interface Cell {
  readonly value: Value | undefined;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/;

/** Blank in any of its forms: nothing, empty text, or a yes/no that nobody ever set to yes. */
const isBlank = (value: Value | undefined): boolean =>
  value === null || value === undefined || value === '' || value === false;

/** Whole seconds since 1970; text without an offset is UTC. */
function secondsOf(text: string): number {
  const zoned = /(Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`;
  return Math.floor(Date.parse(zoned.replace(/([+-]\d{2})(\d{2})$/, '$1:$2')) / 1000);
}

function equalTexts(a: string, b: string): boolean {
  if (MOMENT.test(a) && MOMENT.test(b)) return secondsOf(a) === secondsOf(b);
  if (DAY.test(a) && MOMENT.test(b)) return a === new Date(secondsOf(b) * 1000).toISOString().slice(0, 10);
  if (MOMENT.test(a) && DAY.test(b)) return equalTexts(b, a);
  return a === b;
}

const asNumber = (value: Value): number =>
  typeof value === 'string' && value.trim() !== '' ? Number(value) : typeof value === 'number' ? value : NaN;

/** How one column is read: its option labels, or that it holds an e-mail address. */
export interface Reading {
  readonly labels: OptionLabels | undefined;
  readonly email: boolean;
}

export function readingOf(table: Table, column: string, tables: LabelTables): Reading {
  return { labels: tables[table][column], email: /^emailaddress\d$/.test(column) };
}

/**
 * Whether both sides say the same, in this checker's own reading:
 * blank is blank in any form, and for a yes/no also false; option labels and e-mail addresses in any case; numbers by
 * value; moments to the whole second; days as days; other text exactly.
 */
export function saysTheSame(
  marketo: Value | undefined,
  dynamics: Value | undefined,
  reading: Reading,
): boolean {
  const across =
    reading.labels !== undefined && typeof dynamics === 'number'
      ? (reading.labels[dynamics] ?? `option ${dynamics} without a label`)
      : dynamics;
  if (isBlank(marketo) || isBlank(across)) return isBlank(marketo) && isBlank(across);
  if (marketo === undefined || marketo === null || across === undefined || across === null) return false;
  if (typeof marketo === 'boolean' || typeof across === 'boolean') return String(marketo) === String(across);
  if (typeof marketo === 'number' || typeof across === 'number')
    return asNumber(marketo) === asNumber(across);
  if (reading.email || reading.labels !== undefined) return marketo.toLowerCase() === across.toLowerCase();
  return equalTexts(marketo, across);
}
