import * as z from 'zod';

import type { CallContext } from './answers.js';
import { type PartAnswer, readPart } from './batch.js';
import { consistency, grantOn, type Grants, saidIn, type SecuredColumn, type Told } from './grants.js';
import type { PartRequest } from './multipart-writer.js';

/** The table that attaches masking rules to columns. */
const RULES = 'attributemaskingrules';

/** Which columns have a masking rule. Small as a rule: one row for each masked column of the environment. */
export const maskParts = (strong: boolean): PartRequest[] => [
  readPart(`${RULES}?$select=attributelogicalname,entityname`, consistency(strong)),
];

/** The whole list, each rule with its column: a rule that is not understood may be on any column. */
const rules = z.object({
  value: z.array(z.object({ entityname: z.string().min(1), attributelogicalname: z.string().min(1) })),
  '@odata.nextLink': z.undefined().optional(),
});

const key = (table: string, column: string): string => `${table}.${column}`.toLowerCase();

const MASKED =
  'A masking rule is attached to it, so its values come masked: take the rule off the column in Dynamics, ' +
  'or leave the field out.';
const MAYBE_MASKED =
  'Its values may come masked: give the application user a role with prvReadAttributeMaskingRule, so that the sync ' +
  `can see in ${RULES} that no masking rule is attached, or make the column one that is not secured.`;

/**
 * Columns with a masking rule.
 * @throws RemoteFailure where asking again may help
 */
export function masksIn(part: PartAnswer | undefined, call: CallContext): Told<ReadonlySet<string>> {
  const said = saidIn(part, RULES, rules, call);
  if ('unknown' in said) return { unknown: MAYBE_MASKED };
  return {
    known: new Set(
      said.known.value.map(({ entityname, attributelogicalname }) => key(entityname, attributelogicalname)),
    ),
  };
}

/**
 * Whether a grant leaves open that the column's values come masked. `CanReadUnmasked` is 0 also where no rule is
 * attached, and values come masked even to those who may read them unmasked, unless a read asks for it, which ours do
 * not: what counts is the rule. Values of other types than text are not masked.
 */
export function mayBeMasked(columns: Grants['columns'], column: SecuredColumn): boolean {
  const granted = grantOn(columns, column);
  return column.text && granted?.readable === true && granted.maskable;
}

/** Why a column that may be read is not, on account of masks; undefined where its values come as they are. */
export function hiddenBy({ columns, masks }: Grants, column: SecuredColumn): string | undefined {
  if (!mayBeMasked(columns, column)) return undefined;
  if ('unknown' in masks) return masks.unknown;
  return masks.known.has(key(column.kind, column.name)) ? MASKED : undefined;
}
