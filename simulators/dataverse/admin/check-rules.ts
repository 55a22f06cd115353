import { DataverseError } from '../errors.js';
import { columnOf, type Organization } from '../organization.js';
import type { Rule } from '../rows/rules.js';

/** Refuses rules on columns that no table in question has: they could never refuse anything. */
export const checkRules = ({ tables }: Organization, rules: readonly Rule[]): void => {
  for (const { table, column } of rules) {
    const places = table === '*' ? Object.values(tables) : [tables[table]];
    if (places.some((place) => columnOf(place, column) !== undefined)) continue;
    const where = table === '*' ? 'No table has a' : `Table '${table}' has no`;
    throw new DataverseError(400, 'admin', `${where} column '${column}'. Lookups are named _x_value here.`);
  }
};
