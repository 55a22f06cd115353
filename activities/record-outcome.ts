import { v5 as uuidFrom } from 'uuid';
import type { Link } from '../rules/link.js';
import { keepOutcomes } from '../store/chunks.js';
import { linksByPerson } from '../store/links.js';
import { enqueueActivityEntries, lastRefusedCreations, type ActivityEntry } from '../store/rejections.js';
import { recordRequests } from '../store/requests.js';
import type { CreatePersonInput, CreatePersonResult, PersonRequest } from './contract.js';
import { sendEntries, type SendEntries } from './log-rejections.js';
import { short } from './refusals.js';
import type { Attempt, Ports } from './settings.js';
import { tellKeys } from './tell-keys.js';

type Outcome = CreatePersonInput & { readonly result: CreatePersonResult };

/** Tells the campaign's person what the action did, and ties the person to its row at once. */
export const recordOutcome = async (
  ports: Ports,
  input: Outcome,
  attempt: Attempt,
  send: SendEntries = sendEntries,
): Promise<void> => {
  const { marketoId, requests, result } = input;
  const [link] = await linksByPerson(ports.db, [marketoId]);
  if (link !== undefined && result.outcome !== 'already-there') await tellKeys(ports, [link], attempt);
  await recordRequests(ports.db, marketoId, requests, result);
  const inChunks = requests.filter(({ chunk }) => chunk !== undefined);
  const told = inChunks.map(({ requestId }) => ({ requestId, ...result }));
  await keepOutcomes(ports.db, told, true);
  if (result.outcome === 'not-found') return;
  const refused = result.outcome === 'refused' ? [marketoId] : [];
  const refusal = (await lastRefusedCreations(ports.db, refused)).get(marketoId);
  await enqueueActivityEntries(
    ports.db,
    requests.map((request) => entryFor(request, input, link, refusal)),
  );
  await send(ports, attempt);
};

/** Name space of the ids of log entries that answer requests: a request that is told twice is told once. */
const REQUESTS = '5f0c2b0e-6f57-4a53-9a0a-0c1d5ad2f2f4';

export const entryFor = (
  request: Pick<PersonRequest, 'requestId' | 'syncAs' | 'campaignId'>,
  { marketoId, result }: Pick<Outcome, 'marketoId' | 'result'>,
  link: Link | undefined,
  refusal: string | undefined,
): ActivityEntry => {
  const id = uuidFrom(request.requestId, REQUESTS);
  return {
    id,
    linkId: link?.id ?? null,
    marketoId,
    type: 'syncPerson',
    primaryValue: result.dynamicsId ?? String(marketoId),
    attributes: {
      outcome: result.outcome,
      syncAs: request.syncAs,
      recordType: result.kind ?? '',
      campaignId: request.campaignId ?? '',
      requestId: request.requestId,
      message: short([result.code, refusal].filter(Boolean).join(': ')),
      ledgerId: id,
    },
    at: new Date().toISOString(),
  };
};
