import type { RemoteFailure } from '../../rules/failures.js';
import type { Link } from '../../rules/link.js';
import { match } from '../../rules/matching.js';
import { chunkByKey, personsOfChunk, type ChunkPerson } from '../../store/chunks.js';
import { claimEmails, releaseEmails } from '../../store/claims.js';
import { linksByPerson, linksByRow } from '../../store/links.js';
import { BATCH } from '../batches.js';
import { currentMapping } from '../catalog.js';
import { claimMs } from '../claimed.js';
import type { CampaignChunk, CreateChunkResult, CreatePersonResult } from '../contract.js';
import { heldBack } from '../create-person.js';
import { personFields } from '../fetch-marketo.js';
import { linkAgain } from '../link-row.js';
import { answer, busy } from '../request.js';
import { isGuid, textOf } from '../rows.js';
import type { Attempt, Ports } from '../settings.js';
import { findCandidates } from './find-records.js';
import { conclude, memberOf, type Group, type Member } from './group.js';
import { linkRows, type FoundPair } from './link-rows.js';
import { makeRows } from './make-rows.js';
import { reserveAll, type Reserved } from './reserve.js';

/**
 * Creates or links the rows of a chunk's persons, 300 at a time, by the rules and under the claims of a single request.
 * Each outcome is kept as soon as it is known, so a repeated attempt goes on with the rest; what somebody else holds is
 * looked at again for as long as others get on, then the attempt ends and is repeated.
 *
 * @throws RemoteFailure of what keeps the rest from going on
 */
export const createChunk = async (
  ports: Ports,
  { key }: CampaignChunk,
  attempt: Attempt,
): Promise<CreateChunkResult> => {
  const campaignId = (await chunkByKey(ports.db, key))?.campaignId ?? null;
  for (;;) {
    const open = await personsOfChunk(ports.db, key, 'open');
    if (open.length === 0) return countOutcomes(await personsOfChunk(ports.db, key));
    const hindrances: RemoteFailure[] = [];
    const mapping = await currentMapping(ports);
    for (let at = 0; at < open.length; at += BATCH) {
      attempt.signal.throwIfAborted();
      const group: Group = { ports, mapping, attempt, campaignId, hindrances };
      await workOn(group, open.slice(at, at + BATCH));
      attempt.progress();
    }
    const left = await personsOfChunk(ports.db, key, 'open');
    if (left.length < open.length) continue;
    throw hindrances[0] ?? busy(`${String(left.length)} persons of a chunk`);
  }
};

const countOutcomes = (persons: readonly ChunkPerson[]): CreateChunkResult => {
  const counts: Record<string, number> = {};
  for (const { outcome } of persons) if (outcome !== null) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
};

const workOn = async (group: Group, asked: readonly ChunkPerson[]): Promise<void> => {
  const { ports, attempt } = group;
  const members = await readMembers(group, await withoutSettled(group, asked));
  const keys = members.map(({ request }) => request.key);
  const held = await claimEmails(ports.db, keys, attempt.holder, claimMs(ports.timing));
  try {
    const mine = members.filter(({ request }) => held.has(request.key));
    if (mine.length < members.length) group.hindrances.push(busy('an e-mail of a chunk'));
    await matchOrCreate(group, mine);
  } finally {
    await releaseEmails(ports.db, attempt.holder);
  }
};

/** Persons that have their row, or cannot get one, are answered without asking anybody (rule 5). */
const withoutSettled = async (group: Group, asked: readonly ChunkPerson[]): Promise<ChunkPerson[]> => {
  const links = await linksOf(group, asked);
  const settled = asked.flatMap((person) => {
    const link = links.get(person.marketoId);
    if (link?.status === 'linked') return [{ asked: person, result: answer('already-there', link) }];
    return link?.status === 'merged-away' ? [{ asked: person, result: heldBack(link) }] : [];
  });
  await conclude(group.ports.db, settled);
  return asked.filter((person) => !settled.some((each) => each.asked === person));
};

const linksOf = async (
  { ports: { db } }: Group,
  asked: readonly { readonly marketoId: number }[],
): Promise<Map<number | null, Link>> => {
  const links = await linksByPerson(
    db,
    asked.map(({ marketoId }) => marketoId),
  );
  return new Map(links.map((link) => [link.marketoId, link]));
};

const readMembers = async (group: Group, asked: readonly ChunkPerson[]): Promise<Member[]> => {
  if (asked.length === 0) return [];
  const { ports, mapping, attempt } = group;
  const fields = [...new Set(['id', 'email', 'dynamicsId', ...personFields(mapping)])];
  const values = asked.map(({ marketoId }) => marketoId);
  const { persons } = await ports.marketo.readPersons({ by: 'id', values, fields }, attempt.signal);
  const byId = new Map(persons.map((person) => [person.id, person]));
  const missing = asked.filter(({ marketoId }) => !byId.has(marketoId));
  await conclude(
    ports.db,
    missing.map((person) => ({ asked: person, result: answer('not-found', undefined) })),
  );
  return asked.flatMap((person) => {
    const read = byId.get(person.marketoId);
    return read === undefined ? [] : [memberOf(group, person, read)];
  });
};

/** The same order of judgement as for a single request (create-person.ts). */
const matchOrCreate = async (group: Group, members: readonly Member[]): Promise<void> => {
  if (members.length === 0) return;
  const { db } = group.ports;
  const own = await linksOf(
    group,
    members.map(({ asked }) => asked),
  );
  const results: { asked: ChunkPerson; result: CreatePersonResult }[] = [];
  const reserved: Reserved[] = [];
  const fresh: Member[] = [];
  for (const member of members) {
    const link = own.get(member.asked.marketoId);
    const tell = (result: CreatePersonResult): void => void results.push({ asked: member.asked, result });
    if (link === undefined) fresh.push(member);
    else if (link.status === 'linked') tell(answer('already-there', link));
    else if (link.status === 'unmatched') reserved.push({ member, link });
    else if (link.status === 'ambiguous' || link.status === 'merged-away') tell(heldBack(link));
    else tell(await linkAgain(member.request, link));
  }
  const sorted = await sortOut(group, fresh);
  await conclude(db, [
    ...results,
    ...sorted.ambiguous.map(({ asked }) => ({ asked, result: answer('ambiguous', undefined) })),
  ]);
  await linkRows(group, sorted.pairs);
  await makeRows(group, [...reserved, ...(await reserveAll(group, sorted.alone))]);
};

interface SortedOut {
  readonly pairs: readonly FoundPair[];
  readonly ambiguous: readonly Member[];
  /** Persons that no row belongs to: each gets one. */
  readonly alone: readonly Member[];
}

const sortOut = async (group: Group, fresh: readonly Member[]): Promise<SortedOut> => {
  if (fresh.length === 0) return { pairs: [], ambiguous: [], alone: [] };
  const twins = await carriersOfForeignKeys(group, fresh);
  const found = await findCandidates(group, fresh);
  const { pairs, ambiguous } = match(
    found.rows.map(({ row }) => row),
    found.persons,
  );
  const rowOf = new Map(
    pairs.map(({ row, person }) => [person.marketoId, found.rows.find((each) => each.row === row)]),
  );
  const unclear = new Set(ambiguous.flatMap(({ persons }) => persons.map(({ marketoId }) => marketoId)));
  const sorted = { pairs: [] as FoundPair[], ambiguous: [] as Member[], alone: [] as Member[] };
  for (const member of fresh) {
    const { marketoId } = member.asked;
    const row = rowOf.get(marketoId);
    if (found.busy.has(member.request.key)) continue;
    if (twins.has(marketoId) || unclear.has(marketoId) || found.crowded.has(member.request.key))
      sorted.ambiguous.push(member);
    else if (row === undefined) sorted.alone.push(member);
    else sorted.pairs.push({ member, row });
  }
  return sorted;
};

/** Twins of persons that have the row already: another row would make the confusion worse. */
const carriersOfForeignKeys = async (
  { ports: { db } }: Group,
  members: readonly Member[],
): Promise<Set<number>> => {
  const carried = members.flatMap(({ asked: { marketoId }, request: { person } }) => {
    const key = textOf(person.values['dynamicsId'])?.toLowerCase() ?? '';
    return isGuid(key) ? [{ marketoId, key }] : [];
  });
  const links = await linksByRow(
    db,
    carried.map(({ key }) => key),
  );
  const taken = carried.filter(({ marketoId, key }) =>
    links.some((link) => link.dynamicsId === key && link.status === 'linked' && link.marketoId !== marketoId),
  );
  return new Set(taken.map(({ marketoId }) => marketoId));
};
