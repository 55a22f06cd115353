/**
 * Names that Temporal keeps: workflow types, ids and task queues. They are permanent: a released name is never changed,
 * because runs, campaigns and operators' searches refer to it.
 */

/** Types of the workflows, as `workflows/index.ts` exports them. */
export const WORKFLOW_TYPES = {
  syncCycle: 'syncCycle',
  createPerson: 'createPerson',
  backfill: 'backfill',
  syncChunk: 'syncChunk',
} as const;

/** Signals that runs are sent, as `workflows/names.ts` defines them. */
export const SIGNALS = { requested: 'requested' } as const;

/** Cron only guarantees that there is always a next run, and never two; how long to rest is counted by the store. */
export const CYCLE_CRON = '@every 1s';

/** The same for the backfill lane: when there is something to do, the store says. */
export const BACKFILL_CRON = '@every 1s';

const ROOT = 'contact-sync';
const INSTALLATION = '[A-Za-z0-9-]{1,64}';
const CYCLE = new RegExp(`^${ROOT}/(${INSTALLATION})/cycle$`);
const BACKFILL = new RegExp(`^${ROOT}/(${INSTALLATION})/backfill$`);
const ON_DEMAND = new RegExp(`^${ROOT}/(${INSTALLATION})/on-demand$`);
const CREATE_PERSON = new RegExp(`^${ROOT}/(${INSTALLATION})/create-person/([1-9]\\d*)$`);

const CHUNK = new RegExp(`^${ROOT}/(${INSTALLATION})/chunk/([0-9a-f]{64})$`);
const CHUNKS = new RegExp(`^${ROOT}/(${INSTALLATION})/chunks$`);

/** What every id and queue of an installation starts with; made for searches (`WorkflowId STARTS_WITH ...`). */
export const buildPrefix = (installation: string): string => `${ROOT}/${installation}/`;

/** Id of the workflow that runs the cycles. */
export const buildCycleId = (installation: string): string => `${buildPrefix(installation)}cycle`;

/** The installation whose cycles the id names, or undefined for any other id. */
export const parseCycleId = (id: string): string | undefined => CYCLE.exec(id)?.[1];

/** What the id of a creation on demand names. */
export interface CreatePersonId {
  readonly installation: string;
  /** Marketo's integer id of the person. */
  readonly marketoId: number;
}

/** Id of the workflow that creates one person in Dynamics: one person, one workflow. */
export const buildCreatePersonId = ({ installation, marketoId }: CreatePersonId): string =>
  `${buildPrefix(installation)}create-person/${String(marketoId)}`;

/** The installation and person that the id names, or undefined for any other id. */
export const parseCreatePersonId = (id: string): CreatePersonId | undefined => {
  const [, installation, marketoId] = CREATE_PERSON.exec(id) ?? [];
  return installation === undefined ? undefined : { installation, marketoId: Number(marketoId) };
};

/** Id of the workflow that runs the backfill lane. */
export const buildBackfillId = (installation: string): string => `${buildPrefix(installation)}backfill`;

/** The installation whose backfill lane the id names, or undefined for any other id. */
export const parseBackfillId = (id: string): string | undefined => BACKFILL.exec(id)?.[1];

/** Task queue of the backfill lane: its own, so that a long pass never takes a slot of the cycle. */
export const buildBackfillQueue = (installation: string): string => `${buildPrefix(installation)}backfill`;

/** The installation whose backfill lane the queue serves, or undefined for any other queue. */
export const parseBackfillQueue = (queue: string): string | undefined => BACKFILL.exec(queue)?.[1];

/** What the id of a campaign's chunk names. */
export interface ChunkId {
  readonly installation: string;
  /** Hash of the chunk's one-time token. */
  readonly key: string;
}

/** Id of the workflow that works a campaign's chunk off: one chunk, one workflow. */
export const buildChunkId = ({ installation, key }: ChunkId): string =>
  `${buildPrefix(installation)}chunk/${key}`;

/** The installation and chunk that the id names, or undefined for any other id. */
export const parseChunkId = (id: string): ChunkId | undefined => {
  const [, installation, key] = CHUNK.exec(id) ?? [];
  return installation === undefined || key === undefined ? undefined : { installation, key };
};

/** Task queue of campaigns' chunks: apart from requests in real time, which they must not delay. */
export const buildChunkQueue = (installation: string): string => `${buildPrefix(installation)}chunks`;

/** The installation whose chunks the queue serves, or undefined for any other queue. */
export const parseChunkQueue = (queue: string): string | undefined => CHUNKS.exec(queue)?.[1];

/** Task queue of the cycle's workflow and its activities. */
export const buildCycleQueue = (installation: string): string => `${buildPrefix(installation)}cycle`;

/** The installation whose cycles the queue serves, or undefined for any other queue. */
export const parseCycleQueue = (queue: string): string | undefined => CYCLE.exec(queue)?.[1];

/** Task queue of creations on demand: its own, so that a bulk cycle never delays them. */
export const buildOnDemandQueue = (installation: string): string => `${buildPrefix(installation)}on-demand`;

/** The installation whose creations the queue serves, or undefined for any other queue. */
export const parseOnDemandQueue = (queue: string): string | undefined => ON_DEMAND.exec(queue)?.[1];
