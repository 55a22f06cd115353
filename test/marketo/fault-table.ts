import type { FailureDetails } from '../../rules/failures.js';
import type { EveryCall } from './every-call.js';

/** What became of one call that one fault struck. */
export type Fate =
  | {
      readonly failed: true;
      readonly type: string;
      readonly code: string | undefined;
      readonly effect: FailureDetails['effect'];
      readonly retryAfterMs: number | undefined;
      readonly advice: string;
      /** How often the connector sent the call again. */
      readonly again: number;
    }
  | { readonly failed: false; readonly again: number };

export interface Struck {
  readonly call: Pick<EveryCall, 'name' | 'kind'>;
  readonly fate: Fate;
}

export interface FaultRow {
  readonly fault: string;
  readonly struck: readonly Struck[];
}

const KINDS = { read: 'reads', stream: 'streams', write: 'writes' } as const;

const inDoubt = (fate: Fate): string => (fate.failed && fate.effect === 'unknown' ? ', in doubt' : '');

const show = (fate: Fate): string => (fate.failed ? `\`${fate.type}\`${inDoubt(fate)}` : 'understood');

function grouped<T>(items: readonly T[], text: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(text(item), [...(groups.get(text(item)) ?? []), item]);
  return [...groups];
}

/** The one text that all give; where some give another, that one with their names. */
function united(struck: readonly Struck[], text: (one: Struck) => string): string {
  const [usual = ['', []], ...others] = grouped(struck, text).toSorted(
    ([, left], [, right]) => right.length - left.length,
  );
  const exceptions = others.map(
    ([shown, those]) => `${shown === '' ? 'none' : shown} (${those.map(({ call }) => call.name).join(', ')})`,
  );
  return [usual[0], ...exceptions].join('; ');
}

function outcomes(struck: readonly Struck[]): string {
  const present = (Object.keys(KINDS) as (keyof typeof KINDS)[]).filter((kind) =>
    struck.some(({ call }) => call.kind === kind),
  );
  const groups = grouped(present, (kind) => {
    const ofKind = struck.filter(({ call }) => call.kind === kind);
    return united(ofKind, ({ fate }) => show(fate));
  });
  const [first] = groups;
  if (first !== undefined && groups.length === 1) return first[0];
  return groups
    .map(([shown, kinds]) => `${kinds.map((kind) => KINDS[kind]).join(', ')}: ${shown}`)
    .join('<br>');
}

const times = (count: number): string => ['no', 'once', 'twice'][count] ?? `${count} times`;

const DURATIONS = [
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

function duration(ms: number | undefined): string {
  if (ms === undefined) return '';
  const [unit, name] = DURATIONS.find(([size]) => ms >= size) ?? [1, 'ms'];
  return `${Math.round(ms / unit)} ${name}`;
}

/** The advice of most: the calls for a stream may have one of their own. */
const usualAdvice = (struck: readonly Struck[]): string => {
  const advices = struck.flatMap(({ fate }) => (fate.failed ? fate.advice : []));
  const [usual] = grouped(advices, (advice) => advice).toSorted(
    ([, left], [, right]) => right.length - left.length,
  );
  return usual?.[0] ?? '';
};

/** A table of Markdown: what each fault ends in, what the connector does of itself, what people read. */
export function tableOf(title: string, rows: readonly FaultRow[]): string {
  const lines = rows.map(({ fault, struck }) => {
    const again = united(struck, ({ fate }) => times(fate.again));
    const wait = united(struck, ({ fate }) => (fate.failed ? duration(fate.retryAfterMs) : ''));
    return [fault, outcomes(struck), again, wait, usualAdvice(struck)].map(escape).join(' | ');
  });
  const head = ['', 'ends in', 'sent again here', 'wait', 'what the message says to do'].join(' | ');
  return `### ${title}\n\n| ${head} |\n| --- | --- | --- | --- | --- |\n${lines.map((line) => `| ${line} |`).join('\n')}\n`;
}

const escape = (cell: string): string => cell.replaceAll('|', '\\|');
