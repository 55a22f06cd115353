import { z } from 'zod';
import type { FieldValue } from '../rules/terms.js';
import type { Send } from './calls.js';
import { problem, reasonOf, recordId, type Problem } from './wire.js';

/** Records to one call (Adobe REST docs, "Sync Leads"). */
export const MOST_RECORDS = 300;

export interface SyncPersonsCall {
  readonly action: 'createOrUpdate' | 'createOnly' | 'updateOnly' | 'createDuplicate';
  /** Must be present in every record; `id` only with `updateOnly`. */
  readonly lookupField: string;
  /**
   * 1 to 300, keyed by REST name; null clears a field, an absent one is left alone. What two records of one call with
   * one lookup value do is not documented: send each value once.
   */
  readonly records: readonly Readonly<Record<string, FieldValue>>[];
}

/** What became of the record at the same place in the call. */
export type SyncResult =
  | { readonly status: 'created' | 'updated'; readonly id: number }
  | {
      readonly status: 'skipped';
      readonly id?: number;
      readonly code: string;
      /** Marketo's own words; they can quote the value. */
      readonly message: string;
      /** REST name of the field that Marketo names as the reason. */
      readonly field?: string;
    };

const done = z.object({ status: z.enum(['created', 'updated']), id: recordId });

const skipped = z
  .object({
    status: z.literal('skipped'),
    id: recordId.nullish(),
    reasons: z.array(problem).nullish(),
    errors: z.array(problem).nullish(),
  })
  .transform(({ id, reasons, errors }): SyncResult => {
    const reason = reasonOf({ reasons, errors }, 'record');
    const field = fieldNamedIn(reason);
    return {
      status: 'skipped',
      ...(id == null ? {} : { id }),
      ...reason,
      ...(field === undefined ? {} : { field }),
    };
  });

/** The one place where a text of Marketo is read: it names the field of a refused value nowhere else. */
const fieldNamedIn = ({ message }: Problem): string | undefined =>
  /^Invalid value for field '([^']+)' and value/.exec(message)?.[1];

/** Creates or updates persons. One refused value skips its whole record, and no other record. */
export async function syncPersons(
  send: Send,
  { action, lookupField, records }: SyncPersonsCall,
  signal?: AbortSignal,
): Promise<SyncResult[]> {
  if (records.length === 0) return [];
  if (records.length > MOST_RECORDS) throw new RangeError(`Sync Leads takes ${MOST_RECORDS} records at most`);
  const { result } = await send(
    {
      name: 'sync persons',
      writes: true,
      // A second creation is refused, or another person; all else comes to the same, being keyed.
      once: action === 'createOnly' || action === 'createDuplicate',
      path: '/v1/leads.json',
      body: { action, lookupField, input: records },
      limit: 'syncPersons',
      // Skipped records have no id: the place is all that ties an answer to its record.
      result: z.array(z.discriminatedUnion('status', [done, skipped])).length(records.length),
    },
    signal,
  );
  return result;
}
