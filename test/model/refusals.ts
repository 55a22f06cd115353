import { requireInstallation } from '../../activities/catalog.js';
import { rejectionLeaks } from '../support/rejections.js';
import type { World as RealWorld } from '../support/world.js';
import { FIELD_NAMES } from './fields.js';
import type { Names, Observed } from './observed.js';
import type { Stage } from './stage.js';

/** What is refused, and was ever told of it, as the real store and the persons' own logs have it at the end. */
interface Refusals {
  readonly rejections: readonly {
    readonly id: string;
    readonly link_id: number;
    readonly closed_at: Date | null;
  }[];
  readonly entries: ReadonlyMap<string, { readonly marketo_id: number; readonly state: string }>;
  /** How often each rejection stands on a person's activity log. */
  readonly told: ReadonlyMap<string, number>;
  readonly notices: ReadonlySet<string>;
  /** Persons whose log says that a request was refused. */
  readonly refusedRequests: ReadonlySet<number>;
}

/**
 * Where the rules of refusals are broken, a line for each: fields of a pair that differ and nobody says why, and
 * rejections that a person's activity log does not have exactly once.
 */
export const refusalsUnexplained = async (stage: Stage, names: Names, seen: Observed): Promise<string[]> => {
  const { real } = stage;
  const refusals = await readRefusals(real, stage.door);
  return [
    ...(await rejectionLeaks(real.db)),
    ...differencesUnexplained(names, seen, refusals),
    ...untold(names, seen, refusals),
  ];
};

const readRefusals = async (real: RealWorld, door: Stage['door']): Promise<Refusals> => {
  const { activityTypes } = await requireInstallation(real.ports);
  const { activities } = (await door(
    'marketo',
    'GET',
    `/admin/activities?typeId=${String(activityTypes.refused)}`,
  )) as {
    readonly activities: readonly {
      readonly attributes: readonly {
        readonly apiName?: string;
        readonly name: string;
        readonly value: unknown;
      }[];
    }[];
  };
  const told = new Map<string, number>();
  for (const { attributes } of activities) {
    const id = String(attributes.find((each) => (each.apiName ?? each.name) === 'ledgerId')?.value);
    told.set(id, (told.get(id) ?? 0) + 1);
  }
  const entries = await real.db
    .selectFrom('activity_entries')
    .select(['id', 'marketo_id', 'state'])
    .where('type', '=', 'refused')
    .execute();
  const outcomes = await real.db
    .selectFrom('activity_entries')
    .select(['marketo_id', 'attributes'])
    .where('type', '=', 'syncPerson')
    .execute();
  const rejections = await real.db.selectFrom('rejections').select(['id', 'link_id', 'closed_at']).execute();
  return {
    ...{ told, rejections, entries: new Map(entries.map((entry) => [entry.id, entry])) },
    refusedRequests: new Set(
      outcomes.flatMap(({ marketo_id: id, attributes }) => (attributes['outcome'] === 'refused' ? id : [])),
    ),
    notices: await readNotices(real),
  };
};

/** Fields of a kind of row that are set aside with a notice. */
export const readNotices = async ({ db }: RealWorld): Promise<Set<string>> => {
  const notices = await db.selectFrom('field_notices').select(['kind', 'field']).execute();
  return new Set(notices.map(({ kind, field }) => `${kind} ${field}`));
};

const differencesUnexplained = (
  names: Names,
  { persons, rows, pairs, links }: Observed,
  { rejections, notices }: Refusals,
): string[] => {
  const open = new Set(rejections.flatMap(({ id, closed_at }) => (closed_at === null ? id : [])));
  return [...pairs].flatMap(([person, row]) => {
    const [left, right] = [persons.get(person), rows.get(row)];
    const link = links.find(
      ({ marketoId, status }) => status === 'linked' && marketoId === Number(names.idOf('marketo', person)),
    );
    if (left === undefined || right === undefined || link === undefined) return [];
    return FIELD_NAMES.flatMap((name) => {
      if (!Object.hasOwn(right.values, name) || left.values[name] === right.values[name]) return [];
      if (open.has(link.parked[name]?.rejectionId ?? '') || notices.has(`${right.kind} ${name}`)) return [];
      return [`${name} of ${person} and ${row} differs, and no rejection or notice says why`];
    });
  });
};

/** Each rejection of a living person once; of one that is gone, once at most. */
const untold = (
  names: Names,
  { persons, links }: Observed,
  { rejections, entries, told, refusedRequests }: Refusals,
): string[] => {
  const known = new Set(rejections.map(({ id }) => id));
  const strange = [...told.keys()]
    .filter((id) => !known.has(id))
    .map((id) => `the log tells of ${id}, which is no rejection`);
  return [
    ...strange,
    ...rejections.flatMap(({ id, link_id }) => {
      const times = told.get(id) ?? 0;
      const entry = entries.get(id);
      const marketoId = entry?.marketo_id ?? links.find((link) => link.id === link_id)?.marketoId;
      const name = marketoId == null ? undefined : names.nameOf('marketo', String(marketoId));
      const isThere = name !== undefined && persons.has(name);
      if (times === 1 || (times === 0 && !isThere)) return [];
      // What a request was refused for, the action's own entry tells.
      if (times === 0 && entry === undefined && refusedRequests.has(marketoId ?? 0)) return [];
      return [`rejection ${id} stands ${String(times)} times on the log of ${name ?? 'nobody'}`];
    }),
  ];
};
