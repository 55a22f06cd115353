import { RemoteFailure } from '../../rules/failures.js';
import { inParts } from '../../rules/in-parts.js';
import type { Link } from '../../rules/link.js';
import { chunkByKey, personsOfChunk, type ChunkPerson } from '../../store/chunks.js';
import { claimEmails, releaseEmails } from '../../store/claims.js';
import { holdsOfPersons } from '../../store/holds.js';
import { linksByPerson } from '../../store/links.js';
import { BATCH } from '../batches.js';
import { currentMapping } from '../catalog.js';
import { claimMs } from '../claimed.js';
import type { CampaignChunk, CreateChunkResult, CreatePersonResult } from '../contract.js';
import { personFields } from '../person-fields.js';
import {
  carriersOfForeignKeys,
  heldBack,
  judgeFound,
  judgeOwn,
  matchCandidates,
  mayBelongTo,
} from '../judge-person.js';
import { answer, busy } from '../request.js';
import { freeRowIds, reserveRows } from '../reserve-rows.js';
import type { Attempt, Ports } from '../settings.js';
import { withdraw } from '../withdraw-reservation.js';
import { findCandidates } from './find-records.js';
import { conclude, memberOf, type Group, type Member } from './group.js';
import { joinMembers, linkRows, type FoundPair } from './link-rows.js';
import { makeRows } from './make-rows.js';

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
    for (const some of inParts(open, BATCH)) {
      attempt.signal.throwIfAborted();
      const group: Group = { ports, mapping, attempt, campaignId, hindrances };
      await workOn(group, some);
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

/** As for a single request (create-person.ts), with what each step asks asked for all of them at once. */
const matchOrCreate = async (group: Group, members: readonly Member[]): Promise<void> => {
  if (members.length === 0) return;
  const own = await linksOf(
    group,
    members.map(({ asked }) => asked),
  );
  const held = await holdsOfPersons(
    group.ports.db,
    members.map(({ asked }) => asked.marketoId),
  );
  const sorted = {
    answered: [] as Answered[],
    again: [] as Linked[],
    reserved: [] as Linked[],
    withdrawn: [] as Linked[],
  };
  const fresh: Member[] = [];
  for (const member of members) {
    const { marketoId } = member.asked;
    const judged = judgeOwn(member.request, own.get(marketoId), held.has(marketoId));
    if (judged.do === 'answer') sorted.answered.push({ asked: member.asked, result: judged.result });
    else if (judged.do === 'make') sorted.reserved.push({ member, link: judged.link });
    else if (judged.do === 'withdraw') sorted.withdrawn.push({ member, link: judged.link });
    else if (judged.do === 'link-again') sorted.again.push({ member, link: judged.link });
    else fresh.push(member);
  }
  const matched = await matchNew(group, fresh);
  await conclude(group.ports.db, [...sorted.answered, ...matched.answered]);
  for (const each of sorted.withdrawn) await withdrawOne(group, each);
  await joinMembers(group, sorted.again);
  await linkRows(group, matched.pairs);
  await makeRows(group, [...sorted.reserved, ...(await reserve(group, matched.alone))]);
};

/** There are few of them: reservations of persons that were left out of scope since. */
const withdrawOne = async (group: Group, { member, link }: Linked): Promise<void> => {
  try {
    const result = await withdraw(member.request, link);
    await conclude(group.ports.db, [{ asked: member.asked, result }]);
  } catch (error) {
    if (!(error instanceof RemoteFailure)) throw error;
    group.hindrances.push(error);
  }
};

interface Answered {
  readonly asked: ChunkPerson;
  readonly result: CreatePersonResult;
}

interface Linked {
  readonly member: Member;
  readonly link: Link;
}

interface Matched {
  readonly answered: readonly Answered[];
  readonly pairs: readonly FoundPair[];
  /** Persons that no row belongs to: each gets one. */
  readonly alone: readonly Member[];
}

/** Persons that no link holds. One of a row that somebody is at work on is looked at again. */
const matchNew = async (group: Group, fresh: readonly Member[]): Promise<Matched> => {
  const matched = { answered: [] as Answered[], pairs: [] as FoundPair[], alone: [] as Member[] };
  if (fresh.length === 0) return matched;
  const twins = await carriersOfForeignKeys(
    group.ports.db,
    fresh.map(({ request }) => request.person),
  );
  const found = await findCandidates(group, fresh);
  const matching = matchCandidates(found);
  for (const member of fresh) {
    const { asked, request } = member;
    const awaited = found.awaited.find((row) => mayBelongTo(row, request.person));
    if (twins.has(asked.marketoId)) {
      matched.answered.push({ asked, result: answer('ambiguous', undefined) });
    } else if (awaited !== undefined) {
      group.hindrances.push(busy(`the row ${awaited.dynamicsId}`));
    } else {
      const judged = judgeFound(request, found.rows, matching);
      if (judged.do === 'answer') matched.answered.push({ asked, result: judged.result });
      else if (judged.do === 'link') matched.pairs.push({ member, row: judged.row });
      else matched.alone.push(member);
    }
  }
  return matched;
};

/** One that somebody else reserved meanwhile is looked at again. */
const reserve = async (group: Group, members: readonly Member[]): Promise<Linked[]> => {
  const persons = members.map(({ asked }) => asked.marketoId);
  const links = await reserveRows(
    group.ports,
    members.map(({ request }) => request),
    await freeRowIds(group.ports, persons),
  );
  const byPerson = new Map(links.map((link) => [link.marketoId, link]));
  return members.flatMap((member) => {
    const link = byPerson.get(member.asked.marketoId);
    if (link !== undefined) return [{ member, link }];
    group.hindrances.push(busy(`person ${String(member.asked.marketoId)}`));
    return [];
  });
};
