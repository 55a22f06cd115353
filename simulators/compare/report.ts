import type { Value } from '../population/records.js';

/** What two sides that should be in step do not agree on. */
export interface Difference {
  readonly what:
    | 'value differs'
    | 'person is missing'
    | 'row is missing'
    | 'row without a person'
    | 'linked twice'
    | 'person carries a CRM id without a link';
  readonly kind: 'lead' | 'contact' | null;
  readonly marketoId: number | null;
  readonly dynamicsId: string | null;
  /** Marketo's name of the field, where one field differs. */
  readonly field: string | null;
  readonly marketo: Value;
  readonly dynamics: Value;
}

export interface ExplainedDifference extends Difference {
  readonly reason: string;
}

/**
 * Why something may differ. What is left out covers everything: an id alone covers the whole record, a field alone
 * that field everywhere. An explanation that says none of the three is refused.
 */
export interface Explanation {
  readonly marketoId?: number;
  readonly dynamicsId?: string;
  readonly field?: string;
  readonly reason: string;
}

/** Finds the explanation of a difference and remembers which explanations were of use. */
export function explainer(explanations: readonly Explanation[]) {
  const byRecord = new Map<string, Explanation[]>();
  const used = new Set<Explanation>();
  for (const explanation of explanations) {
    const key = keyOf(explanation);
    byRecord.set(key, [...(byRecord.get(key) ?? []), explanation]);
  }
  const candidates = ({ marketoId, dynamicsId, field }: Difference): Explanation[] =>
    [`person ${marketoId}`, `row ${dynamicsId?.toLowerCase() ?? null}`, `field ${field}`].flatMap(
      (key) => byRecord.get(key) ?? [],
    );
  return {
    explain: (difference: Difference): Explanation | undefined => {
      const found = candidates(difference).find((explanation) => covers(explanation, difference));
      if (found !== undefined) used.add(found);
      return found;
    },
    unused: (): Explanation[] => explanations.filter((explanation) => !used.has(explanation)),
  };
}

/** The narrowest thing that the explanation names, to look it up by. */
function keyOf({ marketoId, dynamicsId, field, reason }: Explanation): string {
  if (marketoId !== undefined) return `person ${marketoId}`;
  if (dynamicsId !== undefined) return `row ${dynamicsId.toLowerCase()}`;
  if (field !== undefined) return `field ${field}`;
  throw new Error(`An explanation names neither a record nor a field: ${reason}`);
}

function covers(explanation: Explanation, { marketoId, dynamicsId, field }: Difference): boolean {
  return (
    (explanation.marketoId === undefined || explanation.marketoId === marketoId) &&
    (explanation.dynamicsId === undefined ||
      explanation.dynamicsId.toLowerCase() === dynamicsId?.toLowerCase()) &&
    (explanation.field === undefined || explanation.field === field)
  );
}

/** How many lines of single differences a summary shows. */
const SHOWN = 20;

const counted = (number: number, noun: string): string =>
  `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;

const short = (value: Value): string => {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};

function lineOf(difference: Difference): string {
  const { what, kind, marketoId, dynamicsId, field, marketo, dynamics } = difference;
  const who = [
    marketoId === null ? [] : [`person ${marketoId}`],
    dynamicsId === null ? [] : [`${kind ?? 'row'} ${dynamicsId}`],
  ]
    .flat()
    .join(', ');
  const values = field === null ? '' : `, ${field}: Marketo ${short(marketo)}, Dynamics ${short(dynamics)}`;
  return `  ${what}: ${who}${values}`;
}

export interface SummaryInput {
  readonly links: number;
  readonly compared: number;
  readonly equal: number;
  readonly explained: readonly ExplainedDifference[];
  readonly different: readonly Difference[];
}

/** The result for people to read: counts, reasons with their numbers, and the first differences. */
export function summaryOf({ links, compared, equal, explained, different }: SummaryInput): string {
  const reasons = new Map<string, number>();
  for (const { reason } of explained) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const head =
    `Compared ${counted(compared, 'field value')} on ${counted(links, 'link')}: ${equal.toLocaleString('en-US')} equal, ` +
    `${counted(explained.length, 'explained difference')}, ${counted(different.length, 'unexplained difference')}.`;
  const byCount = [...reasons].sort(([, a], [, b]) => b - a);
  return [
    head,
    ...byCount.map(([reason, count]) => `  explained, ${count.toLocaleString('en-US')} times: ${reason}`),
    ...different.slice(0, SHOWN).map(lineOf),
    ...(different.length > SHOWN
      ? [`  ... and ${counted(different.length - SHOWN, 'more difference')}`]
      : []),
  ].join('\n');
}
