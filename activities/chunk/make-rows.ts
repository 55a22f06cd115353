import type { RowCreate, RowOutcome } from '../../dynamics/index.js';
import { RemoteFailure } from '../../rules/failures.js';
import type { Link } from '../../rules/link.js';
import type { Mapping } from '../../rules/mapping.js';
import { KINDS } from '../../rules/terms.js';
import { separatedPersons, type Addressed } from '../../store/ambiguous.js';
import { linksByPerson, saveLinks } from '../../store/links.js';
import { save } from '../claimed.js';
import {
  addressed,
  begun,
  endReservations,
  explained,
  linkCreated,
  operationOf,
  type LocalRefusal,
  type RowRefusal,
} from '../create-row.js';
import { until } from '../deadline.js';
import { tokenOf } from '../failures.js';
import { readStrongly } from '../refused-fields.js';
import { keepRefusals } from '../refusals.js';
import { answer, busy } from '../request.js';
import { isDuplicate } from '../twin.js';
import { conclude, type Group, type Member } from './group.js';

/** A member whose row is to be made under the id that stands in the link. */
interface Reserved {
  readonly member: Member;
  readonly link: Link;
}

/** A row about to be made: what is sent is noted in its link. */
interface Begun {
  readonly member: Member;
  readonly link: Link;
  readonly refusals: readonly LocalRefusal[];
  readonly operation: RowCreate;
}

/**
 * Makes the rows of reservations in batches, and keeps what became of each as its batch ends. Guarded like a single one:
 * a call that is repeated makes no second row, and one that is said to be there is believed in once it was read.
 */
export const makeRows = async (group: Group, reserved: readonly Reserved[]): Promise<void> => {
  if (reserved.length === 0) return;
  const { ports, attempt } = group;
  const now = Date.now();
  const deadline = new Date(now + ports.timing.dynamicsDeadlineMs).toISOString();
  const begun = await begin(group, reserved, { sentAt: new Date(now).toISOString(), deadline });
  const signal = until(attempt.signal, deadline);
  const decided: Begun[] = [];
  await write(group, begun, signal, async (found) => {
    const separated = await separatedPersons(ports.db, duplicatesOf(found));
    const isDecided = ({ row, outcome }: Found): boolean =>
      isDuplicate(outcome) && separated.has(personOf(row));
    decided.push(...found.filter(isDecided).map(({ row }) => row));
    return found.filter((each) => !isDecided(each));
  });
  // People who decided that the rows of these addresses are somebody else's have decided about duplicates.
  const allowed = decided.map((row) => ({
    ...row,
    operation: { ...row.operation, duplicatesAllowed: true as const },
  }));
  await write(group, allowed, signal, (found) => Promise.resolve(found));
};

const personOf = ({ member }: Begun): number => member.asked.marketoId;

const duplicatesOf = (found: readonly Found[]): Addressed[] =>
  found
    .filter(({ outcome }) => isDuplicate(outcome))
    .map(({ row }) => addressed(personOf(row), row.operation));

/** Writes rows and keeps what became of those that `select` leaves. */
const write = async (
  group: Group,
  begun: readonly Begun[],
  signal: AbortSignal,
  select: (found: readonly Found[]) => Promise<readonly Found[]>,
): Promise<void> => {
  if (begun.length === 0) return;
  const { ports, attempt } = group;
  await ports.dynamics.write(
    begun.map(({ operation }) => operation),
    {
      signal,
      onOutcomes: async (indexes, outcomes) => {
        const found = indexes.flatMap((index, at) => {
          const [row, outcome] = [begun[index], outcomes[at]];
          return row === undefined || outcome === undefined ? [] : [{ row, outcome }];
        });
        const sure = await proven(group, await select(found), signal);
        await take(group, await allExplained(group, sure, signal));
        attempt.progress();
      },
    },
  );
};

const begin = async (
  group: Group,
  reserved: readonly Reserved[],
  at: { readonly sentAt: string; readonly deadline: string },
): Promise<Begun[]> => {
  const drafts = reserved.map(({ member, link }) => ({ member, ...begun(member.request, link, at) }));
  const saved = await save(
    group.ports,
    drafts.map(({ link }) => link),
  );
  const byId = new Map(saved.map((link) => [link.id, link]));
  return drafts.flatMap(({ member, refusals, link: { id } }) => {
    const link = byId.get(id);
    if (link === undefined) {
      group.hindrances.push(busy(`the link of person ${String(member.asked.marketoId)}`));
      return [];
    }
    const operation = operationOf(member.request, link, group.mapping.fields[link.kind]);
    return [{ member, refusals, link, operation }];
  });
};

interface Found {
  readonly row: Begun;
  readonly outcome: RowOutcome;
}

/** Rows that are said to be there are read, all in one call of their table. */
const proven = async (group: Group, found: readonly Found[], signal: AbortSignal): Promise<Found[]> => {
  const said = found.filter(({ outcome }) => outcome.status === 'exists');
  if (said.length === 0) return [...found];
  const read = new Set<string>();
  for (const kind of KINDS) {
    const ids = said.flatMap(({ row }) => (row.operation.kind === kind ? row.operation.id : []));
    if (ids.length === 0) continue;
    for (const { id } of await group.ports.dynamics.readRows(kind, ids, [], signal)) read.add(id);
  }
  return found.flatMap(({ row, outcome }) => {
    if (outcome.status !== 'exists' || read.has(row.operation.id)) return [{ row, outcome }];
    if (outcome.otherwise !== undefined) return [{ row, outcome: outcome.otherwise }];
    group.hindrances.push(busy(`the row ${row.operation.id}`));
    return [];
  });
};

const allExplained = ({ ports }: Group, found: readonly Found[], signal: AbortSignal): Promise<Found[]> =>
  Promise.all(
    found.map(async ({ row, outcome }) => ({
      row,
      outcome: await explained(ports, row.operation, outcome, signal),
    })),
  );

const take = async (group: Group, found: readonly Found[]): Promise<void> => {
  const made: { row: Begun; etag: string | null }[] = [];
  const refused: { row: Begun; outcome: RowRefusal }[] = [];
  for (const { row, outcome } of found) {
    switch (outcome.status) {
      case 'done':
        made.push({ row, etag: outcome.etag ?? null });
        break;
      case 'exists':
        made.push({ row, etag: null });
        break;
      case 'refused':
        if (await mayGoWithout(group, row, outcome))
          group.hindrances.push(busy(`the schema of ${row.link.kind}`));
        else refused.push({ row, outcome });
        break;
      case 'transient':
        group.hindrances.push(new RemoteFailure(outcome.failure));
        break;
      case 'changed':
      case 'gone':
        group.hindrances.push(busy(`the row ${row.operation.id}`));
    }
  }
  await settle(group, made);
  await refuseAll(group, refused);
};

const strongly = new WeakMap<Group, Promise<Mapping>>();

/** A column that may not be written after all is left out of the next attempt; anything else is final. */
const mayGoWithout = async (
  group: Group,
  { member, link }: Begun,
  { scope }: RowRefusal,
): Promise<boolean> => {
  if (scope !== 'column-rights' && scope !== 'schema') return false;
  const read = strongly.get(group) ?? readStrongly(group.ports, group.attempt.signal);
  strongly.set(group, read);
  const columns = ({ fields }: Mapping): number =>
    Object.keys(operationOf(member.request, link, fields[link.kind]).values).length;
  return columns(await read) < columns(group.mapping);
};

const settle = async (
  group: Group,
  made: readonly { readonly row: Begun; readonly etag: string | null }[],
): Promise<void> => {
  if (made.length === 0) return;
  const { db, timing } = group.ports;
  const drafts = made.map(({ row, etag }) => ({
    row,
    ...linkCreated(row.member.request, { ...row.link, etag }, row.refusals),
  }));
  const missed = await db.transaction().execute(async (tx) => {
    const saved = await saveLinks(
      tx,
      drafts.map(({ link }) => link),
      timing.overlapMs,
    );
    const kept = drafts.filter(({ link }) => saved.has(link.id));
    await keepRefusals(
      tx,
      kept.flatMap(({ told }) => told),
    );
    await conclude(tx, kept.map(created));
    return drafts.filter(({ link }) => !saved.has(link.id));
  });
  if (missed.length === 0) return;
  // The cycle met the new rows first, and completed the pairs by their reservations.
  const now = await linksByPerson(
    db,
    missed.map(({ row }) => row.member.asked.marketoId),
  );
  const joined = missed.filter(({ link }) =>
    now.some(({ id, status }) => id === link.id && status === 'linked'),
  );
  await conclude(db, joined.map(created));
};

const created = ({ row: { member }, link }: { readonly row: Begun; readonly link: Link }) => ({
  asked: member.asked,
  result: answer('created', link),
});

const refuseAll = async (
  group: Group,
  refused: readonly { readonly row: Begun; readonly outcome: RowRefusal }[],
): Promise<void> => {
  if (refused.length === 0) return;
  const ending = refused.map(({ row, outcome }) => ({ reserved: row.link, outcome }));
  await endReservations(group.ports, ending, (tx) =>
    conclude(
      tx,
      refused.map(({ row, outcome }) => ({
        asked: row.member.asked,
        result: { ...answer('refused', undefined, tokenOf(outcome.code) ?? 'refused'), kind: row.link.kind },
      })),
    ),
  );
};
