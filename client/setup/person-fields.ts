import { setTimeout as delay } from 'node:timers/promises';
import type { Marketo, NewField } from '../../marketo/index.js';
import type { MarketoField } from '../../rules/catalog.js';
import { CommandFailure, refusal } from '../failure.js';

/** The person fields that hold the key to the record in Dynamics. Names are permanent: a field is never removed. */
export const PERSON_FIELDS = [
  { name: 'dynamicsId', displayName: 'Dynamics Id', type: 'string' },
  { name: 'dynamicsType', displayName: 'Dynamics Type', type: 'string' },
  { name: 'dynamicsDeleted', displayName: 'Dynamics Deleted', type: 'boolean' },
] as const satisfies readonly NewField[];

const DESCRIPTIONS: Readonly<Record<(typeof PERSON_FIELDS)[number]['name'], string>> = {
  dynamicsId: 'Id of the lead or contact in Dynamics 365.',
  dynamicsType: 'Table of that record in Dynamics 365: lead or contact.',
  dynamicsDeleted: 'True when that record was deleted in Dynamics 365.',
};

/** How often and how long a new field is looked for, in milliseconds. */
export interface Waits {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export const DEFAULT_WAITS: Waits = { intervalMs: 1_000, timeoutMs: 120_000 };

export interface EnsuredFields {
  readonly made: readonly string[];
  /** Every person field, with ours among them. */
  readonly fields: readonly MarketoField[];
}

/**
 * Makes the person fields that are missing, keeps those that are there, and waits until Marketo shows all of them: a new
 * field takes a while, and `dynamicsId` is of use only once persons can be looked up by it.
 *
 * @param known the person fields as they were just read.
 * @throws {CommandFailure} when a field is there and of no use to us, or does not show in time.
 */
export const ensurePersonFields = async (
  marketo: Marketo,
  known: readonly MarketoField[],
  {
    waits = DEFAULT_WAITS,
    signal,
  }: { readonly waits?: Waits; readonly signal?: AbortSignal | undefined } = {},
): Promise<EnsuredFields> => {
  checkTypes(known);
  const missing = PERSON_FIELDS.filter(({ name }) => known.every((field) => field.name !== name));
  const results = await marketo.createFields(
    missing.map((field) => ({ ...field, description: DESCRIPTIONS[field.name] })),
    signal,
  );
  const made = missing.map(({ name }) => name).filter((_, index) => results[index]?.status === 'created');
  const fields = await untilShown(marketo, known, waits, signal);
  checkTypes(fields);
  return { made, fields };
};

const checkTypes = (fields: readonly MarketoField[]): void => {
  for (const { name, type } of PERSON_FIELDS) {
    const found = fields.find((field) => field.name === name);
    if (found === undefined) continue;
    if (found.type !== type) {
      throw refusal(
        `The person field ${name} exists in Marketo with the type ${found.type}; it has to be ${type}.`,
        'A field of Marketo can neither be removed nor change its type: Marketo Support can rename its REST name.',
      );
    }
    if (!found.updateable) {
      throw refusal(
        `The person field ${name} exists in Marketo and the API may not change it.`,
        'Check the role of the API user, and whether the field is blocked or owned by a CRM.',
      );
    }
  }
};

/** What a field still lacks before it is of use; empty when all are ready. */
const notReady = (fields: readonly MarketoField[]): readonly string[] =>
  PERSON_FIELDS.flatMap(({ name }) => {
    const found = fields.find((field) => field.name === name);
    if (found === undefined) return [`${name} is not shown to the API user`];
    return name === 'dynamicsId' && !found.searchable ? [`${name} cannot be searched yet`] : [];
  });

const untilShown = async (
  marketo: Marketo,
  known: readonly MarketoField[],
  waits: Waits,
  signal: AbortSignal | undefined,
): Promise<readonly MarketoField[]> => {
  const deadline = Date.now() + waits.timeoutMs;
  let fields = known;
  for (;;) {
    const lacks = notReady(fields);
    if (lacks.length === 0) return fields;
    if (Date.now() > deadline) {
      throw new CommandFailure(
        `Marketo does not show the new person fields within ${String(waits.timeoutMs / 1000)} s.`,
        {
          hints: [
            ...lacks.map((lack) => `${lack}.`),
            'Run setup again later; if it stays so, check the field permissions of the API user.',
          ],
        },
      );
    }
    if (fields !== known) await delay(waits.intervalMs, undefined, signal === undefined ? {} : { signal });
    fields = await marketo.fields(signal);
  }
};
