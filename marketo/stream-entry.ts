import { z } from 'zod';
import { storable, storableText } from '../rules/storable.js';
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

type Scalar = string | number | boolean | null | undefined;

/** One check instead of a union of schemas: entries come by the hundred thousand. */
const optionalScalar = z.custom<Scalar>((value) => storable(value) !== undefined).nullish();

/** Text whatever its JSON type, as the log writes values; null for an empty one. */
const textOf = (value: Scalar): string | null => (value == null ? null : storableText(String(value)));

/** After the move to Marketo's Activity Service the numeric `id` is gone; before it, only that may be there. */
const guidOf = ({ marketoGUID, id }: { marketoGUID?: Scalar; id?: Scalar }): string | null =>
  textOf(marketoGUID) ?? textOf(id);

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
    marketoGUID: optionalScalar,
    id: optionalScalar,
    leadId: recordId,
    activityDate: instant,
    activityTypeId: z.int(),
    primaryAttributeValueId: z.int().nullish(),
    primaryAttributeValue: optionalScalar,
    fields: z
      .array(z.object({ name: z.string(), oldValue: optionalScalar, newValue: optionalScalar }))
      .nullish(),
    attributes: z.array(namedValue).nullish(),
  })
  .transform((raw, context): Entry => {
    const guid = guidOf(raw);
    if (guid === null) {
      context.addIssue({ code: 'custom', path: ['marketoGUID'], message: 'missing' });
      return z.NEVER;
    }
    const primaryValue = textOf(raw.primaryAttributeValue);
    const activity = {
      guid,
      marketoId: raw.leadId,
      at: raw.activityDate,
      typeId: raw.activityTypeId,
      ...(raw.primaryAttributeValueId == null ? {} : { primaryId: raw.primaryAttributeValueId }),
      ...(primaryValue === null ? {} : { primaryValue }),
      attributes: attributesByName(raw.attributes ?? []),
    };
    const fields = raw.fields?.map(({ name, oldValue, newValue }) => ({
      name,
      oldValue: textOf(oldValue),
      newValue: textOf(newValue),
    }));
    return { activity, fields };
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
