import { z } from 'zod';
import { durationSchema } from './duration.js';

/** The sense of a field by its name: opt-outs are consent unless the configuration says otherwise. */
const OPT_OUT = /^(unsubscribed$|doNot)/;

const columnName = z
  .string()
  .regex(/^[a-z][a-z0-9_]*$/, 'must be the logical name of a column: lower-case letters, digits and "_".');

const restName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]*$/, 'must be the REST name of a person field: letters, digits and "_".');

const column = (table: string) =>
  columnName
    .optional()
    .describe(
      `logical name of the column of the ${table} table; without it, the field is not synced for ${table}s`,
    );

/** One row of `fields`. */
export const fieldSchema = z
  .strictObject({
    marketo: restName.describe('REST name of the person field in Marketo'),
    lead: column('lead'),
    contact: column('contact'),
    direction: z
      .enum(['both', 'toMarketo', 'toDynamics'])
      .default('both')
      .describe('which way the field travels; on a one-way field the source always wins'),
    consent: z
      .boolean()
      .optional()
      .describe(
        'an opt-out: on first contact the most restrictive value wins. Default: true for unsubscribed and doNot…',
      ),
  })
  .transform(({ marketo, lead, contact, direction, consent }) => ({
    marketo,
    direction,
    consent: consent ?? OPT_OUT.test(marketo),
    ...(lead === undefined ? {} : { lead }),
    ...(contact === undefined ? {} : { contact }),
  }));

const share = (byDefault: number, why: string) =>
  z
    .number()
    .gt(0, 'must be more than 0 and at most 1.')
    .max(1, 'must be more than 0 and at most 1.')
    .default(byDefault)
    .describe(why);

const calls = (least: number) => z.int().min(least, `must be a whole number of calls, at least ${least}.`);

/** Left to on-demand unless the configuration says otherwise. */
const RESERVED_PART = 0.1;

const marketoBudget = z
  .strictObject({
    share: share(0.5, "share of the instance's API limits that the sync may use; others share them too"),
    dailyQuota: calls(1)
      .default(50_000)
      .describe('calls that the subscription may make in a day, all integrations together'),
    dailyReserve: calls(0)
      .optional()
      .describe(
        "calls of the day that the cycle leaves to creation on demand. Default: a tenth of the day's quota",
      ),
  })
  .transform(({ dailyReserve, ...rest }) => ({
    ...rest,
    dailyReserve: dailyReserve ?? Math.floor(rest.dailyQuota * RESERVED_PART),
  }))
  .refine(({ dailyQuota, dailyReserve }) => dailyReserve < dailyQuota, {
    path: ['dailyReserve'],
    message: 'must be less than dailyQuota: nothing is left for the cycle.',
  })
  .prefault({});

const reconciliation = z
  .strictObject({
    every: z
      .union([z.literal('off').transform(() => null), durationSchema])
      .prefault('7d')
      .describe('between the starts of two passes, or "off": then only "contact-sync reconcile" starts one'),
    callsPerMinute: calls(1).default(30).describe('calls to each side that a pass makes in a minute at most'),
  })
  .prefault({});

const dynamicsBudget = z
  .strictObject({
    share: share(0.8, "share of the sync user's service protection limits that the sync may use"),
  })
  .prefault({});

/** A text such as `10%`, read as a share of 1; `off` as null. */
const part = (byDefault: string, why: string) =>
  z
    .string()
    .transform((text, context) => {
      if (text === 'off') return null;
      const percent = /^\d+(\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) : 0;
      if (percent > 0 && percent <= 100) return percent / 100;
      const message = `"${text}" is no percentage. Write a number above 0, at most 100, and a percent sign (10%), or off.`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    })
    .prefault(byDefault)
    .describe(why);

const thresholds = z.strictObject({
  clears: part('10%', 'share of the pairs of a table of which one field may be cleared'),
  deletes: part('10%', 'share of the pairs of a table that may lose their record on one side'),
  writes: part('50%', 'share of the pairs of a table that may be written'),
  sameValue: part('25%', 'share of the pairs of a table that may get one and the same value in one field'),
  atLeast: z
    .int()
    .min(1, 'must be a whole number of records, at least 1.')
    .default(100)
    .describe('fewer changes than this never stop a cycle'),
});

/** `off`, or the thresholds. */
const guard = z
  .union([z.literal('off').transform(() => null), thresholds])
  .prefault({})
  .describe('a cycle that would change more than this stops before it pushes anything, and asks; off: never');

const scopeColumn = (table: string) =>
  columnName
    .optional()
    .describe(
      `logical name of a Yes/No column of the ${table} table; only an explicit No leaves a ${table} out`,
    );

/** The record filter. */
export const scopeSchema = z
  .strictObject({
    lead: scopeColumn('lead'),
    contact: scopeColumn('contact'),
    person: restName
      .optional()
      .describe('REST name of a boolean person field, such as syncExcluded; true leaves the person out'),
  })
  .transform(({ lead, contact, person }) => ({
    ...(lead === undefined ? {} : { lead }),
    ...(contact === undefined ? {} : { contact }),
    ...(person === undefined ? {} : { person }),
  }))
  .prefault({})
  .describe('flags by which people leave single records out of the sync; all are in scope without');

export const syncConfigSchema = z.strictObject({
  fields: z
    .array(fieldSchema)
    .min(1, 'must have at least one field.')
    .describe('field selection: the only fields that are read and written'),
  scope: scopeSchema,
  stampColumn: columnName
    .optional()
    .describe(
      'logical name of a text column of both tables, into which each write of a row puts which one it is: then an edit over a write whose answer was lost is known for the later one. Nobody else may write to it',
    ),
  onMarketoDelete: z
    .enum(['keep', 'recreate'])
    .default('keep')
    .describe('what a later edit in Dynamics does for a person that was deleted in Marketo'),
  budget: z
    .strictObject({
      marketo: marketoBudget,
      dynamics: dynamicsBudget,
    })
    .prefault({})
    .describe('how much of the API limits of each side the sync may use'),
  reconciliation: reconciliation.describe(
    'passes over all records that find what no change feed reported, heal it and report it',
  ),
  timing: z
    .strictObject({
      overlap: durationSchema
        .prefault('5m')
        .describe("how far back Marketo's log is read again in each cycle"),
      doubt: durationSchema
        .prefault('2m')
        .describe(
          'how long after its deadline a creation without an answer is in doubt, before it is looked up',
        ),
      call: durationSchema
        .prefault('5m')
        .describe(
          'the longest that a call may take, for a writing one its wait for room under the API limits included',
        ),
      takeover: durationSchema
        .prefault('30s')
        .describe('how long a step may show no sign of life before another worker takes it up'),
      probe: durationSchema
        .prefault('1h')
        .describe(
          'how long after a refusal, or its last trial, one record of the same cause is tried again although no value moved',
        ),
    })
    .prefault({})
    .describe('durations with a unit: 30s, 5m, 1h'),
  guard,
  ledger: z
    .strictObject({
      months: z
        .int()
        .min(1, 'must be a whole number of months, at least 1.')
        .max(1_200, 'must be at most 1200 months.')
        .default(12)
        .describe('whole months of decisions that are kept besides the current one'),
    })
    .prefault({})
    .describe('the record of every decision'),
});
