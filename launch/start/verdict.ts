import {
  compareSides,
  type Comparison,
  type Difference,
  type ExplainedDifference,
} from '../../simulators/compare/index.js';
import type { FieldChoice } from '../../rules/mapping.js';
import { claimsOf, explanationsOf, type Account } from './explanations.js';
import { whole } from './cycles.js';
import { plainLine } from './text.js';

export interface Verdict {
  /** True when nothing differs but what is explained. */
  readonly equal: boolean;
  /** For people, a line each. */
  readonly lines: readonly string[];
}

/** Reads both simulators through their administrative doors and judges the sync's account by what stands there. */
export const compare = (
  origins: { readonly marketo: string; readonly dataverse: string },
  fields: readonly FieldChoice[],
  account: Account,
): Promise<Comparison> =>
  compareSides({
    ...{ marketo: origins.marketo, dataverse: origins.dataverse },
    fields,
    links: claimsOf(account),
    explained: explanationsOf(account),
  });

const EXAMPLES = 3;
const UNEXPLAINED = 50;

const shown = (value: Difference['marketo']): string => {
  const text = value === null || value === '' ? '(blank)' : plainLine(JSON.stringify(value));
  return text.length > 48 ? `${text.slice(0, 47)}…` : text;
};

const differenceLine = (difference: Difference): string => {
  const { what, kind, marketoId, dynamicsId, field, marketo, dynamics } = difference;
  const who = [
    marketoId === null ? [] : [`person ${marketoId}`],
    dynamicsId === null ? [] : [`${kind ?? 'row'} ${dynamicsId}`],
  ].flat();
  const values =
    field === null ? `: ${what}` : `, ${field}: Marketo ${shown(marketo)}, Dynamics ${shown(dynamics)}`;
  return `${who.join(', ')}${values}`;
};

const byReason = (explained: readonly ExplainedDifference[]): [string, ExplainedDifference[]][] => {
  const groups = new Map<string, ExplainedDifference[]>();
  for (const difference of explained) {
    groups.set(difference.reason, [...(groups.get(difference.reason) ?? []), difference]);
  }
  return [...groups].sort(([, left], [, right]) => right.length - left.length);
};

const explainedLines = (explained: readonly ExplainedDifference[]): string[] =>
  byReason(explained).flatMap(([reason, differences]) => [
    `  ${whole(differences.length).padStart(5)}  ${plainLine(reason)}`,
    ...differences.slice(0, EXAMPLES).map((difference) => `         e.g. ${differenceLine(difference)}`),
  ]);

const unexplainedLines = (different: readonly Difference[]): string[] => [
  ...different
    .slice(0, UNEXPLAINED)
    .map((difference) => `  ${difference.what}: ${differenceLine(difference)}`),
  ...(different.length > UNEXPLAINED ? [`  … and ${whole(different.length - UNEXPLAINED)} more`] : []),
];

/** The comparison for people: the counts, each reason with examples, and each difference that nothing explains. */
export const verdictOf = (comparison: Comparison, account: Account): Verdict => {
  const { compared, equal, explained, different } = comparison;
  const linked = account.links.filter(({ status }) => status === 'linked').length;
  return {
    equal: different.length === 0,
    lines: [
      `Compared field by field: ${whole(compared)} values on ${whole(linked)} links.`,
      `  equal         ${whole(equal)}`,
      `  explained     ${whole(explained.length)}`,
      `  unexplained   ${whole(different.length)}`,
      ...(explained.length === 0 ? [] : ['Explained differences, by reason:', ...explainedLines(explained)]),
      ...(different.length === 0 ? [] : ['Differences without a reason:', ...unexplainedLines(different)]),
    ],
  };
};
