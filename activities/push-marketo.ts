import type { Link } from '../rules/link.js';
import { plannedWrites } from '../rules/outcome.js';
import { isInScope } from '../rules/scope.js';
import { linksByPerson } from '../store/links.js';
import { inBatches } from './batches.js';
import { currentMapping } from './catalog.js';
import { save, withClaims } from './claimed.js';
import type { ChunkRef, PushResult } from './contract.js';
import { creations, isCreation } from './create-persons.js';
import { settleEnd } from './endings.js';
import { FieldSearches } from './field-searches.js';
import { owingKey } from './keys.js';
import { beginPush, NOTHING_PUSHED, type Push } from './push.js';
import { sendUntilDone } from './send-persons.js';
import type { Attempt, Ports } from './settings.js';
import { updates } from './update-persons.js';

/** Writes what was decided for Marketo: changed fields of persons, and persons for rows that have none. */
export const pushToMarketo = async (ports: Ports, input: ChunkRef, attempt: Attempt): Promise<PushResult> => {
  const mapping = await currentMapping(ports);
  const searches = new FieldSearches();
  return inBatches(ports, input.chunk, attempt, NOTHING_PUSHED, async (links) => {
    const due = links.filter((link) => isUpdate(link) || isCreation(link));
    if (due.length === 0) return NOTHING_PUSHED;
    const push = beginPush({ ports, mapping, cycle: input.cycle, attempt, searches });
    const { total, leftOut } = await withClaims(ports, attempt, due, NOTHING_PUSHED, (held) =>
      pushClaimed(push, held),
    );
    return { ...total, deferred: total.deferred + leftOut };
  });
};

const isUpdate = (link: Link): boolean =>
  link.marketoId !== null &&
  isInScope(link) &&
  ((link.status === 'linked' && plannedWrites(link, 'marketo').length > 0) ||
    ((link.status === 'linked' || link.status === 'ended') && link.stamp !== null));

const pushClaimed = async (push: Push, held: readonly Link[]): Promise<PushResult> => {
  const wanted = await withoutOldFlags(push.ports, held.filter(isUpdate));
  const updated = await sendUntilDone(push, wanted, updates).finally(() => tellLiving(push.ports, wanted));
  const created = await sendUntilDone(push, held.filter(isCreation), creations);
  return {
    records: updated.done + created.done,
    created: created.done,
    refused: updated.refused + created.refused,
    deferred: updated.deferred + created.deferred,
  };
};

/** A person that got a row while a call flagged it for the one that it lost is told its key once more by the next cycle. */
const tellLiving = async (ports: Ports, sent: readonly Link[]): Promise<void> => {
  const persons = sent.flatMap(({ status, marketoId }) => (status === 'ended' ? (marketoId ?? []) : []));
  const living = (await linksByPerson(ports.db, persons)).filter(({ status }) => status === 'linked');
  const owed = living.map(owingKey);
  // Somebody else changed one at this moment.
  if ((await save(ports, owed)).length < owed.length) await tellLiving(ports, sent);
};

/** A person that has a row again is not to be flagged for the row that it lost. */
const withoutOldFlags = async (ports: Ports, links: readonly Link[]): Promise<Link[]> => {
  const ended = links.filter(({ status }) => status === 'ended');
  const persons = ended.flatMap(({ marketoId }) => marketoId ?? []);
  const alive = new Set((await linksByPerson(ports.db, persons)).map(({ marketoId }) => marketoId));
  const old = ended.filter(({ marketoId }) => alive.has(marketoId));
  await save(
    ports,
    old.map((link) => ({ ...settleEnd(link), stamp: null, dirty: false })),
  );
  return links.filter((link) => !old.includes(link));
};
