import { z } from 'zod';
import { storableText } from '../rules/storable.js';
import type { IsoInstant } from '../rules/terms.js';
import { instant, recordId } from './wire.js';

export interface FieldChange {
  /** REST name. */
  readonly name: string;
  /** Text whatever the type of the field; null for empty. */
  readonly oldValue: string | null;
  readonly newValue: string | null;
}

export interface Activity {
  readonly guid: string;
  readonly marketoId: number;
  readonly at: IsoInstant;
  readonly typeId: number;
  readonly primaryId?: number;
  readonly primaryValue?: string;
  /** By display name, and by API name where Marketo tells it. Empty attributes are absent; lists are JSON text. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Activity types that this connector reads (Adobe REST docs, "Activities"). */
export const ACTIVITY_TYPES = {
  newPerson: 12,
  changeDataValue: 13,
  changeScore: 22,
  mergePersons: 32,
} as const;

const text = z.union([z.string(), z.number(), z.boolean()]).transform((value) => storableText(String(value)));
const optionalText = text.nullish().transform((value) => value ?? null);

/** After the move to Marketo's Activity Service the numeric `id` is gone; before it, only that may be there. */
const guidOf = ({ marketoGUID, id }: { marketoGUID: string | null; id: string | null }): string | undefined =>
  marketoGUID ?? id ?? undefined;

const namedValue = z.object({
  name: z.string().nullish(),
  apiName: z.string().nullish(),
  value: z.unknown().optional(),
});

/** An entry of any of the streams; `fields` is filled for a change of data values only. */
export interface Entry {
  readonly activity: Activity;
  readonly fields: readonly FieldChange[] | undefined;
}

export const entry = z
  .object({
    marketoGUID: optionalText,
    id: optionalText,
    leadId: recordId,
    activityDate: instant,
    activityTypeId: z.int(),
    primaryAttributeValueId: z.int().nullish(),
    primaryAttributeValue: optionalText,
    fields: z
      .array(z.object({ name: z.string(), oldValue: optionalText, newValue: optionalText }))
      .nullish()
      .transform((fields) => fields ?? undefined),
    attributes: z
      .array(namedValue)
      .nullish()
      .transform((attributes) => attributesByName(attributes ?? [])),
  })
  .transform((raw, context): Entry => {
    const guid = guidOf(raw);
    if (guid === undefined) {
      context.addIssue({ code: 'custom', path: ['marketoGUID'], message: 'missing' });
      return z.NEVER;
    }
    const activity = {
      guid,
      marketoId: raw.leadId,
      at: raw.activityDate,
      typeId: raw.activityTypeId,
      ...(raw.primaryAttributeValueId == null ? {} : { primaryId: raw.primaryAttributeValueId }),
      ...(raw.primaryAttributeValue === null ? {} : { primaryValue: raw.primaryAttributeValue }),
      attributes: raw.attributes,
    };
    return { activity, fields: raw.fields };
  });

/** An entry of the log of changes: what does not say which fields changed would be lost if it were passed over. */
export const changeEntry = entry.transform((read, context): Entry => {
  if (read.activity.typeId === ACTIVITY_TYPES.changeDataValue && read.fields === undefined) {
    context.addIssue({ code: 'custom', path: ['fields'], message: 'missing' });
  }
  return read;
});

function attributesByName(attributes: readonly z.infer<typeof namedValue>[]): Record<string, string> {
  const named: Record<string, string> = {};
  for (const { name, apiName, value } of attributes) {
    if (value === null || value === undefined) continue;
    const shown = typeof value === 'string' ? value : JSON.stringify(value);
    for (const key of [name, apiName]) if (key != null) named[key] = shown;
  }
  return named;
}

/** Ids of the persons that a merge (type 32) ended; the activity's person is the one they went into. */
export const mergedIds = (merge: Activity): number[] =>
  (merge.attributes['Merge IDs']?.match(/\d+/g) ?? []).map(Number).filter((id) => id !== merge.marketoId);

/** A changed score (type 22), which the log of changes does not carry; `undefined` for any other activity. */
export function scoreChange({ typeId, primaryValue, attributes }: Activity): ScoreChange | undefined {
  const name = primaryValue ?? attributes['Score Name'];
  if (typeId !== ACTIVITY_TYPES.changeScore || name === undefined) return undefined;
  return { name, oldValue: attributes['Old Value'] ?? null, newValue: attributes['New Value'] ?? null };
}

export interface ScoreChange {
  /** Display name of the field, unlike in the log of changes. */
  readonly name: string;
  readonly oldValue: string | null;
  readonly newValue: string | null;
}
