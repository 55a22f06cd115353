import type { RowCreate, RowOutcome } from '../../dynamics/index.js';
import { RemoteFailure } from '../../rules/failures.js';
import type { Link } from '../../rules/link.js';
import type { Mapping } from '../../rules/mapping.js';
import { KINDS } from '../../rules/terms.js';
import { linksByPerson, saveLinks } from '../../store/links.js';
import { save } from '../claimed.js';
import { endReservations, linkCreated, operationOf, sendable, type LocalRefusal } from '../create-row.js';
import { until } from '../deadline.js';
import { tokenOf } from '../failures.js';
import { readStrongly } from '../refused-fields.js';
import { keepRefusals } from '../refusals.js';
import { answer, busy } from '../request.js';
import { conclude, type Group, type Member } from './group.js';
import type { Reserved } from './reserve.js';

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
  const begun = await begin(group, reserved, new Date(now).toISOString(), deadline);
  const signal = until(attempt.signal, deadline);
  await ports.dynamics.write(
    begun.map(({ operation }) => operation),
    {
      signal,
      onOutcomes: async (indexes, outcomes) => {
        const some = indexes.flatMap((index, at) => {
          const [row, outcome] = [begun[index], outcomes[at]];
          return row === undefined || outcome === undefined ? [] : [{ row, outcome }];
        });
        await take(group, await proven(group, some, signal));
        attempt.progress();
      },
    },
  );
};

const begin = async (
  group: Group,
  reserved: readonly Reserved[],
  sentAt: string,
  deadline: string,
): Promise<Begun[]> => {
  const drafts = reserved.map(({ member, link }) => {
    const fields = group.mapping.fields[link.kind];
    const { values, refusals } = sendable(member.request.person, fields);
    const creation = { values: link.creation?.values ?? values, sentAt, deadline };
    return { member, refusals, fields, link: { ...link, creation } };
  });
  const saved = await save(
    group.ports,
    drafts.map(({ link }) => link),
  );
  const byId = new Map(saved.map((link) => [link.id, link]));
  return drafts.flatMap(({ member, refusals, fields, link: { id } }) => {
    const link = byId.get(id);
    if (link === undefined) return [];
    return [{ member, refusals, link, operation: operationOf(member.request, link, fields) }];
  });
};

interface Found {
  readonly row: Begun;
  readonly outcome: RowOutcome;
}

/** Rows that are said to be there are read, all in one call of their table. */
const proven = async ({ ports }: Group, found: readonly Found[], signal: AbortSignal): Promise<Found[]> => {
  const said = found.filter(({ outcome }) => outcome.status === 'exists');
  if (said.length === 0) return [...found];
  const read = new Set<string>();
  for (const kind of KINDS) {
    const ids = said.flatMap(({ row }) => (row.operation.kind === kind ? row.operation.id : []));
    if (ids.length === 0) continue;
    for (const { id } of await ports.dynamics.readRows(kind, ids, [], signal)) read.add(id);
  }
  return found.map(({ row, outcome }) =>
    outcome.status !== 'exists' || read.has(row.operation.id) || outcome.otherwise === undefined
      ? { row, outcome }
      : { row, outcome: outcome.otherwise },
  );
};

const take = async (group: Group, found: readonly Found[]): Promise<void> => {
  const made: { row: Begun; etag: string | null }[] = [];
  const refused: { row: Begun; outcome: Extract<RowOutcome, { status: 'refused' }> }[] = [];
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
  { scope }: Extract<RowOutcome, { status: 'refused' }>,
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
  refused: readonly { readonly row: Begun; readonly outcome: Extract<RowOutcome, { status: 'refused' }> }[],
): Promise<void> => {
  if (refused.length === 0) return;
  await group.ports.db.transaction().execute(async (tx) => {
    await endReservations(
      tx,
      group.ports,
      refused.map(({ row, outcome }) => ({ reserved: row.link, outcome })),
    );
    await conclude(
      tx,
      refused.map(({ row, outcome }) => ({
        asked: row.member.asked,
        result: { ...answer('refused', undefined, tokenOf(outcome.code) ?? 'refused'), kind: row.link.kind },
      })),
    );
  });
};
