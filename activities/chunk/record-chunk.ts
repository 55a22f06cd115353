import { inCalls, MOST_RECORDS } from '../../marketo/index.js';
import type { Link } from '../../rules/link.js';
import {
  chunkByKey,
  closeSilentChunk,
  markRecorded,
  personsOfChunk,
  type ChunkPerson,
} from '../../store/chunks.js';
import { linksByPerson } from '../../store/links.js';
import { enqueueActivityEntries } from '../../store/rejections.js';
import { recordEachRequest } from '../../store/requests.js';
import { save } from '../claimed.js';
import type { CampaignChunk, CreatePersonResult, RequestOutcome } from '../contract.js';
import { sendEntries } from '../log-rejections.js';
import { entryFor } from '../record-outcome.js';
import type { Attempt, Ports } from '../settings.js';
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
    await stampAll(ports, links, attempt);
    const told = persons.map((person) => ({
      request: requestOf(person, chunk.campaignId, chunk.receivedAt),
      marketoId: person.marketoId,
      result: resultOf(person),
    }));
    await recordEachRequest(
      db,
      told.map(({ request, marketoId, result }) => ({ ...request, marketoId, ...result })),
    );
    const byPerson = new Map(links.map((link) => [link.marketoId, link]));
    await enqueueActivityEntries(
      db,
      told
        .filter(({ result }) => result.outcome !== 'not-found')
        .map(({ request, ...outcome }) => entryFor(request, outcome, byPerson.get(outcome.marketoId))),
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

const stampAll = async (ports: Ports, links: readonly Link[], { signal }: Attempt): Promise<void> => {
  const due = links.filter(({ status, stamp }) => status === 'linked' && stamp !== null);
  const recordOf = ({ marketoId, stamp }: Link) => ({ id: marketoId, ...stamp });
  for (const some of inCalls(due, MOST_RECORDS, recordOf)) {
    const call = { action: 'updateOnly' as const, lookupField: 'id', records: some.map(recordOf) };
    const results = await ports.marketo.syncPersons(call, signal);
    const done = some.filter((_, index) => results[index]?.status === 'updated');
    await save(
      ports,
      done.map((link) => ({ ...link, stamp: null })),
    );
  }
};
