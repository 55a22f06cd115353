import { contactLeadSources, industries, leadSources, ratings } from '../dataverse/schema/options.js';

/** Labels of one option column, by option value. */
export type OptionLabels = Readonly<Record<number, string>>;

const labels = (options: readonly { readonly value: number; readonly label: string }[]): OptionLabels =>
  Object.fromEntries(options.map(({ value, label }) => [value, label]));

/** Labels by table and column: `OPTION_LABELS.lead['leadsourcecode']?.[7]` is "Trade Show". */
export const OPTION_LABELS: Readonly<Record<'lead' | 'contact', Readonly<Record<string, OptionLabels>>>> = {
  lead: {
    leadsourcecode: labels(leadSources),
    leadqualitycode: labels(ratings),
    industrycode: labels(industries),
  },
  contact: { leadsourcecode: labels(contactLeadSources) },
};

/** The option value behind a label, whatever its case; null when the column has no such option. */
export function optionValue(table: 'lead' | 'contact', column: string, label: string): number | null {
  const wanted = label.toLowerCase();
  const entries = Object.entries(OPTION_LABELS[table][column] ?? {});
  const found = entries.find(([, known]) => known.toLowerCase() === wanted);
  return found === undefined ? null : Number(found[0]);
}
