import { z } from 'zod';
import { FAILURES, RemoteFailure } from '../rules/failures.js';
import { halve } from '../rules/halve.js';
import { inParallel } from '../rules/in-parallel.js';
import { storable } from '../rules/storable.js';
import type { FieldValue } from '../rules/terms.js';
import type { Answer, Call, Send } from './calls.js';
import { garbage, type CallTraits } from './failure.js';
import { batchFilterValues, type Unaskable } from './filter-values.js';

export interface PersonQuery {
  readonly by: 'id' | 'email' | 'dynamicsId';
  /** Any number of them, in any order, repeated or not. */
  readonly values: readonly (string | number)[];
  /** REST names; `id` and the field of `by` come in any case. */
  readonly fields: readonly string[];
}

export interface PersonRecord {
  readonly id: number;
  /** Every requested field, that of `by`, and `id`; null for one that is empty. */
  readonly values: Readonly<Record<string, FieldValue>>;
}

export interface PersonsRead {
  /** Each person once, in no promised order. A value that nobody holds has none; an e-mail may have several. */
  readonly persons: readonly PersonRecord[];
  /** Values that Marketo could not be asked for; nothing is known of who holds them. */
  readonly unaskable: readonly Unaskable[];
}

type RawRecord = Readonly<Record<string, unknown>>;

/** Not a schema of members: persons come by the hundred thousand, and each field is looked at once, below. */
const records = z.array(z.custom<RawRecord>((json) => typeof json === 'object' && json !== null));
const TOO_MANY = '1003';
/** Calls under way at once: Marketo's rate allows more than one call after the other can use. The budget has the last word. */
const CALLS_AT_ONCE = 4;

/**
 * Reads the persons that hold one of the values, 300 values to a call, all result pages of it, a few calls at once.
 * Unknown field names fail with `Misconfigured` (1006).
 */
export async function readPersons(
  send: Send,
  query: PersonQuery,
  signal?: AbortSignal,
): Promise<PersonsRead> {
  const { batches, unaskable } = batchFilterValues(query.values);
  const fields = [...new Set(['id', query.by, ...query.fields])];
  const persons = new Map<number, PersonRecord>();
  const refused: Unaskable[] = [];
  const read = async (batch: readonly string[]): Promise<void> => {
    const found = await readBatch(send, query.by, batch, fields, signal);
    if (found !== 'tooMany') for (const person of found) persons.set(person.id, person);
    else if (batch.length > 1) for (const half of halve(batch)) await read(half);
    else refused.push(...batch.map((value) => ({ value, because: 'tooMany' as const })));
  };
  await inParallel(batches, CALLS_AT_ONCE, read);
  return { persons: [...persons.values()], unaskable: [...unaskable, ...refused] };
}

async function readBatch(
  send: Send,
  by: PersonQuery['by'],
  batch: readonly string[],
  fields: readonly string[],
  signal?: AbortSignal,
): Promise<PersonRecord[] | 'tooMany'> {
  const found: PersonRecord[] = [];
  const asked = new Set<string>();
  const call: Call<PersonRecord[]> = {
    name: `read persons by ${by}`,
    writes: false,
    path: '/v1/leads.json',
    query: {
      filterType: by,
      filterValues: batch.join(','),
      fields: fields.join(','),
      batchSize: 300,
    },
    limit: 'personsByFilter',
    result: pageOf(fields),
  };
  let nextPageToken: string | undefined;
  try {
    do {
      const page = await send({ ...call, query: { ...call.query, nextPageToken } }, signal);
      found.push(...page.result);
      if (nextPageToken !== undefined) asked.add(nextPageToken);
      nextPageToken = nextOf(page, call);
      // Pages that lead back would be read for ever.
      if (asked.has(nextPageToken ?? '')) throw garbage(call, 'a page token that was used already');
    } while (nextPageToken !== undefined);
  } catch (error) {
    if (isTooMany(error) && by !== 'id') return 'tooMany';
    throw error;
  }
  return found;
}

/** The token alone says that there is more, where `moreResult` is left out; without it the rest cannot be read. */
function nextOf(
  { more, nextToken, result }: Answer<readonly unknown[]>,
  call: CallTraits,
): string | undefined {
  if (more === true && nextToken === undefined) throw garbage(call, 'wrong shape at nextPageToken');
  return (more ?? result.length > 0) ? nextToken : undefined;
}

/** Marketo sends null for an empty field, or leaves it out: both read as null. */
const pageOf = (fields: readonly string[]): z.ZodType<PersonRecord[]> =>
  records.transform((page, context) =>
    page.map((record, index) => personOf(record, fields, [index], context)),
  );

function personOf(
  record: RawRecord,
  fields: readonly string[],
  place: readonly PropertyKey[],
  context: z.RefinementCtx,
): PersonRecord {
  const lack = (member: string): void =>
    context.addIssue({ code: 'custom', path: [...place, member], message: 'of another kind' });
  const values: Record<string, FieldValue> = {};
  for (const field of fields) {
    const value = storable(Object.hasOwn(record, field) ? record[field] : null);
    if (value === undefined) lack(field);
    else values[field] = value;
  }
  const { id } = record;
  if (!Number.isSafeInteger(id)) lack('id');
  return { id: Number(id), values };
}

/** "Too many results match the filter": more than 1,000 persons (Adobe REST docs, code 1003 on this call). */
const isTooMany = (error: unknown): boolean =>
  error instanceof RemoteFailure && error.type === FAILURES.refusedCall && error.details.code === TOO_MANY;
