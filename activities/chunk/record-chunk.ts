import {
  chunkByKey,
  closeSilentChunk,
  markRecorded,
  personsOfChunk,
  type ChunkPerson,
} from '../../store/chunks.js';
import { linksByPerson } from '../../store/links.js';
import { enqueueActivityEntries, lastRefusedCreations } from '../../store/rejections.js';
import { recordEachRequest } from '../../store/requests.js';
import type { CampaignChunk, CreatePersonResult, RequestOutcome } from '../contract.js';
import { sendEntries } from '../log-rejections.js';
import { entryFor } from '../record-outcome.js';
import type { Attempt, Ports } from '../settings.js';
import { tellKeys } from '../tell-keys.js';
import { requestOf } from './group.js';

/** Ties the persons of a chunk to their rows at once, and tells each on its activity log what the action did. */
export const recordChunk = async (
  ports: Ports,
  { key }: CampaignChunk,
  attempt: Attempt,
): Promise<{ readonly recorded: number }> => {
  const { db } = ports;
  const chunk = await chunkByKey(db, key);
  const persons = await personsOfChunk(db, key, 'unrecorded');
  if (chunk !== undefined && persons.length > 0) {
    const links = await linksByPerson(
      db,
      persons.map(({ marketoId }) => marketoId),
    );
    const told = persons.map((person) => ({
      request: requestOf(person, chunk.campaignId, chunk.receivedAt),
      marketoId: person.marketoId,
      result: resultOf(person),
    }));
    const byPerson = new Map(links.map((link) => [link.marketoId, link]));
    const joined = told.filter(({ result }) => result.outcome !== 'already-there');
    await tellKeys(
      ports,
      joined.flatMap(({ marketoId }) => byPerson.get(marketoId) ?? []),
      attempt,
    );
    await recordEachRequest(
      db,
      told.map(({ request, marketoId, result }) => ({ ...request, marketoId, ...result })),
    );
    const refused = told.filter(({ result }) => result.outcome === 'refused');
    const words = await lastRefusedCreations(
      db,
      refused.map(({ marketoId }) => marketoId),
    );
    await enqueueActivityEntries(
      db,
      told
        .filter(({ result }) => result.outcome !== 'not-found')
        .map(({ request, ...outcome }) => {
          const { marketoId, result } = outcome;
          const said = result.outcome === 'refused' ? words.get(marketoId) : undefined;
          return entryFor(request, outcome, byPerson.get(marketoId), said);
        }),
    );
    await markRecorded(db, key);
  }
  await sendEntries(ports, attempt);
  await closeSilentChunk(db, key);
  return { recorded: persons.length };
};

const resultOf = ({ outcome, kind, dynamicsId, code }: ChunkPerson): CreatePersonResult => ({
  // The store holds what this product wrote.
  outcome: outcome as RequestOutcome,
  ...{ kind, dynamicsId, code },
});
