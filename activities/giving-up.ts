import { plan } from '../rules/plan.js';
import { isInScope } from '../rules/scope.js';
import type { FieldValue } from '../rules/terms.js';
import { linksByRow } from '../store/links.js';
import type { Push } from './push.js';
import { EMAIL_COLUMN } from './rows.js';

/**
 * The twin is a row of ours to which the sync itself is about to write another address: two that swap theirs would wait for
 * each other for ever. One that keeps its address, whatever its person holds, is a duplicate like any other.
 */
export const isGivingUp = async (
  { ports: { db }, mapping, cycle }: Push,
  twin: string | undefined,
  value: FieldValue,
): Promise<boolean> => {
  const [other] = twin === undefined ? [] : await linksByRow(db, [twin]);
  if (other?.status !== 'linked' || other.successor !== null || !isInScope(other)) return false;
  const fields = mapping.fields[other.kind];
  const email = fields.find(({ column }) => column === EMAIL_COLUMN);
  if (email === undefined) return false;
  // Another chunk's plans may not be saved yet.
  const { link } = plan(other, { fields, cycle, at: new Date().toISOString() });
  const next = link.writes.findLast(
    ({ side, field, state }) =>
      side === 'dynamics' && field === email.name && (state === 'planned' || state === 'sent'),
  );
  const { canonical } = email.codec;
  return next !== undefined && canonical('dynamics', next.to) !== canonical('dynamics', value);
};
