import { z } from 'zod';
import type { IsoInstant } from '../rules/terms.js';
import type { Send } from './calls.js';
import { problem, reasonOf, toMarketoInstant } from './wire.js';

/** Activities to one call (Adobe REST docs, "Add custom activities"). */
export const MOST_ACTIVITIES = 300;

export interface NewActivity {
  readonly marketoId: number;
  readonly at: IsoInstant;
  /** Of an approved custom activity type. */
  readonly typeId: number;
  readonly primaryValue: string;
  /** By API name; all together at most 65,536 bytes. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** What became of the activity at the same place in the call. */
export type ActivityResult =
  | { readonly status: 'added'; readonly guid: string }
  | { readonly status: 'skipped'; readonly code: string; readonly message: string };

const guid = z.union([z.string(), z.number()]).transform(String);

const added = z
  .object({ status: z.literal('added'), marketoGUID: guid.nullish(), id: guid.nullish() })
  .transform(({ marketoGUID, id }, context): ActivityResult => {
    const own = marketoGUID ?? id;
    if (own == null) context.addIssue({ code: 'custom', path: ['marketoGUID'], message: 'missing' });
    return { status: 'added', guid: own ?? '' };
  });

const skipped = z
  .object({
    status: z.literal('skipped'),
    errors: z.array(problem).nullish(),
    reasons: z.array(problem).nullish(),
  })
  .transform((skip): ActivityResult => ({ status: 'skipped', ...reasonOf(skip, 'activity') }));

/**
 * Adds custom activities to the logs of persons. Marketo has no key against repetition: a call whose effect is unknown
 * must not be sent again before the activities have been read.
 */
export async function addActivities(
  send: Send,
  activities: readonly NewActivity[],
  signal?: AbortSignal,
): Promise<ActivityResult[]> {
  if (activities.length === 0) return [];
  if (activities.length > MOST_ACTIVITIES) {
    throw new RangeError(`Add Custom Activities takes ${MOST_ACTIVITIES} activities at most`);
  }
  const { result } = await send(
    {
      name: 'add custom activities',
      writes: true,
      once: true,
      path: '/v1/activities/external.json',
      body: { input: activities.map(toActivityInput) },
      limit: 'addActivities',
      result: z.array(z.discriminatedUnion('status', [added, skipped])).length(activities.length),
    },
    signal,
  );
  return result;
}

/** An activity as it is sent. */
export const toActivityInput = ({
  marketoId,
  at,
  typeId,
  primaryValue,
  attributes,
}: NewActivity): object => ({
  leadId: marketoId,
  activityDate: toMarketoInstant(at),
  activityTypeId: typeId,
  primaryAttributeValue: primaryValue,
  attributes: Object.entries(attributes).map(([apiName, value]) => ({ apiName, value })),
});
