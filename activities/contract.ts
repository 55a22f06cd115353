/**
 * What workflows know of the activities: names, inputs, results. Results are counts and ids, never records: a history
 * reads as a report and holds no personal data.
 */

export interface CycleRef {
  readonly cycle: number;
  /** The workflow's clock in ISO 8601: rests are counted by it, whatever the clocks of workers say. */
  readonly at: string;
}

export interface BegunCycle {
  readonly cycle: number;
  /** When the cycle may start: end of the last one plus the rest, in milliseconds since the epoch. */
  readonly notBefore: number;
  /** How long a step may show no sign of life before it is tried again; half a minute unless said otherwise. */
  readonly takeoverMs?: number;
}

/** A range of link ids, both ends included. */
export interface Chunk {
  readonly from: number;
  readonly to: number;
}

export interface ChunkRef extends CycleRef {
  readonly chunk: Chunk;
}

export interface FetchMarketoResult {
  readonly entries: number;
  readonly deleted: number;
  readonly read: number;
}

export interface FetchDynamicsResult {
  readonly rows: number;
  readonly deleted: number;
  readonly read: number;
  /** True when the table was read as a whole, for want of a valid change link. */
  readonly full: boolean;
}

export interface OpenChunksResult {
  readonly chunks: readonly Chunk[];
  /** Entries for persons' activity logs that an earlier cycle left behind. */
  readonly entries: number;
  /** Why nothing may be pushed, where the guard on mass change says so: then there is no chunk. */
  readonly stopped?: Stopped;
}

/** The guard on mass change holds the cycle until people decide (`contact-sync guard`). */
export interface Stopped {
  /** The first cycle that was stopped for it. */
  readonly since: number;
  readonly reasons: readonly StopReason[];
}

/** One threshold that is exceeded. */
export interface StopReason {
  readonly measure: 'clears' | 'deletes' | 'writes' | 'sameValue';
  readonly from: 'marketo' | 'dynamics';
  readonly kind: 'lead' | 'contact';
  /** Null where it is about whole records. */
  readonly field: string | null;
  readonly count: number;
  /** Pairs of the table that it is a share of. */
  readonly of: number;
}

export interface DiffResult {
  readonly links: number;
  /** Links found equal, or with nothing left to do. */
  readonly converged: number;
  readonly marketoEdits: number;
  readonly dynamicsEdits: number;
  /** Links that wait for a match. */
  readonly unmatched: number;
}

export interface ResolveResult {
  readonly toMarketo: number;
  readonly toDynamics: number;
  readonly created: number;
  readonly linked: number;
  readonly collisions: number;
  readonly marketoWon: number;
  readonly dynamicsWon: number;
  readonly refused: number;
  readonly quarantined: number;
}

export interface PushResult {
  readonly records: number;
  readonly created: number;
  readonly refused: number;
  /** Records left for the next cycle: in doubt, changed three times under our hands, or held by somebody else. */
  readonly deferred: number;
}

export interface LogRejectionsResult {
  readonly logged: number;
}

export interface CompleteCycle extends CycleRef {
  readonly outcome: 'completed' | 'failed';
  readonly counts: Readonly<Record<string, number>>;
  /** Not before this may the next cycle start, whatever the rest says: a used-up quota's reset. */
  readonly notBefore: string | null;
}

/** The steps of a cycle, on the queue `cycle`. */
export interface CycleActivities {
  begin(): Promise<BegunCycle>;
  prepare(input: CycleRef): Promise<void>;
  fetchMarketo(input: CycleRef): Promise<FetchMarketoResult>;
  fetchLeads(input: CycleRef): Promise<FetchDynamicsResult>;
  fetchContacts(input: CycleRef): Promise<FetchDynamicsResult>;
  openChunks(input: CycleRef): Promise<OpenChunksResult>;
  diff(input: ChunkRef): Promise<DiffResult>;
  resolve(input: ChunkRef): Promise<ResolveResult>;
  pushToDynamics(input: ChunkRef): Promise<PushResult>;
  pushToMarketo(input: ChunkRef): Promise<PushResult>;
  logRejections(input: CycleRef): Promise<LogRejectionsResult>;
  complete(input: CompleteCycle): Promise<void>;
}

/** What the backfill lane may have to do, in the order of its urgency. */
export const BACKFILL_WORK = ['lead', 'contact', 'fields', 'reconciliation'] as const;

/**
 * - `lead`, `contact`: the table is read for a change link that fits the field selection
 * - `fields`: records with fields that were never read
 * - `reconciliation`: a pass over everything
 */
export type BackfillWork = (typeof BACKFILL_WORK)[number];

export interface BackfillMoment {
  /** The workflow's clock in ISO 8601. */
  readonly at: string;
}

export interface BackfillDue {
  /** Null: nothing is due. */
  readonly work: BackfillWork | null;
  /** When to ask again, in milliseconds since the epoch. */
  readonly lookAgainAt: number;
  readonly takeoverMs: number;
}

/** What a turn of the lane did. A turn ends after some minutes, so that more urgent work gets its own. */
export interface BackfillTurn {
  readonly counts: Readonly<Record<string, number>>;
  /** What the pass that was completed by this turn found in all; null as long as none was. */
  readonly completed: Readonly<Record<string, number>> | null;
}

/** The steps of the backfill lane, on the queue `backfill`. */
export interface BackfillActivities {
  findWork(input: BackfillMoment): Promise<BackfillDue>;
  readTable(input: BackfillMoment & { readonly kind: 'lead' | 'contact' }): Promise<BackfillTurn>;
  readFields(input: BackfillMoment): Promise<BackfillTurn>;
  reconcile(input: BackfillMoment): Promise<BackfillTurn>;
}

/** What a campaign asks for: the action "Sync Person to Dynamics". */
export interface PersonRequest {
  readonly requestId: string;
  readonly campaignId: string | null;
  readonly requestedAt: string;
  readonly syncAs: 'lead' | 'contact';
  /** GUID of the Dynamics user, or team, who is to own the new record. */
  readonly ownerId?: string;
  /** A user unless it says otherwise. */
  readonly ownerType?: 'systemuser' | 'team';
  /** Key of the chunk of a campaign that waits for the outcome. */
  readonly chunk?: string;
}

export const REQUEST_OUTCOMES = [
  'created',
  'linked',
  'already-there',
  'refused',
  'ambiguous',
  'merged-away',
  'out-of-scope',
  'not-found',
] as const;
export type RequestOutcome = (typeof REQUEST_OUTCOMES)[number];

export interface CreatePersonInput {
  readonly marketoId: number;
  readonly requests: readonly PersonRequest[];
}

export interface CreatePersonResult {
  readonly outcome: RequestOutcome;
  readonly kind: 'lead' | 'contact' | null;
  readonly dynamicsId: string | null;
  /** Code of the refusal; its text stays in the store. */
  readonly code: string | null;
}

/** On the queue `on-demand`, so that a bulk cycle never delays it. */
export interface OnDemandActivities {
  createPerson(input: CreatePersonInput): Promise<CreatePersonResult>;
  recordOutcome(input: CreatePersonInput & { readonly result: CreatePersonResult }): Promise<void>;
  /** Tries each callback once; what fails is left to the sweep, so that nobody else waits for it. */
  answerChunks(input: { readonly chunks: readonly string[] }): Promise<AnswerChunksResult>;
}

export interface AnswerChunksResult {
  /** Chunks whose callback is over. */
  readonly answered: number;
  /** Chunks that wait for others of their persons, or for another try. */
  readonly left: number;
}

/** A chunk of a campaign, by the hash of its one-time token. */
export interface CampaignChunk {
  readonly key: string;
}

/** Persons of a chunk by outcome. */
export type CreateChunkResult = Readonly<Record<string, number>>;

export interface AnswerChunkResult {
  readonly callback: 'none' | 'accepted' | 'refused' | 'expired';
}

/** A chunk of many persons, on the queue `chunks`, so that a batch campaign never delays a request in real time. */
export interface ChunkActivities {
  createChunk(input: CampaignChunk): Promise<CreateChunkResult>;
  recordChunk(input: CampaignChunk): Promise<{ readonly recorded: number }>;
  answerChunk(input: CampaignChunk): Promise<AnswerChunkResult>;
}
