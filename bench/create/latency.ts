import { setTimeout as sleep } from 'node:timers/promises';
import type { BareCreate } from './bare.js';
import type { Campaign } from './campaign.js';
import { emailOfLead, latestWrite, leadsSince, newPersons, type Doors } from './doors.js';
import { judge, spreadOf, type Judged, type Spread } from './figures.js';

/** Over the two bare calls, milliseconds: half of the requests, and all but one in twenty. */
const MOST = { p50: 100, p95: 250 } as const;

export interface LatencyOptions {
  readonly requests: number;
  /** Milliseconds from one request to the next on average; each is up to half as much early or late. */
  readonly paceMs: number;
}

export interface Latency {
  /** From the request's way to the gateway until its row was readable in Dynamics. */
  readonly request: Spread;
  /** From the beginning of the two bare calls until theirs was. */
  readonly bare: Spread;
  /** Of each request over the bare calls right after it. */
  readonly overhead: Spread;
  readonly p50: Judged;
  readonly p95: Judged;
  /** Until the gateway's 201. */
  readonly taken: Spread;
  /** Until the campaign was called back, after the person has its key and its log entry. */
  readonly told: Spread;
}

interface Turn {
  readonly email: string;
  readonly requestedAt: number;
  readonly takenMs: number;
  readonly toldMs: number;
  readonly bareAt: number;
  readonly bareId: string;
}

/** Unmeasured turns before the first: connections, tokens and compiled code are then there. */
const WARM_UP = 5;
/** A request that has no answer by then has failed. */
const LONGEST_MS = 60_000;

/**
 * Makes single requests, as a trigger campaign does, and the two bare calls after each, so that whatever else the machine
 * does meets both alike.
 */
export const measureLatency = async (
  doors: Doors,
  campaign: Campaign,
  bare: BareCreate,
  { requests, paceMs }: LatencyOptions,
): Promise<Latency> => {
  const people = await newPersons(doors, 2 * (requests + WARM_UP));
  const since = await latestWrite(doors);
  const turns: Turn[] = [];
  for (let turn = 0; turn < requests + WARM_UP; turn += 1) {
    const next = performance.now() + paceMs * (0.5 + Math.random());
    const [asked, other] = [people[2 * turn], people[2 * turn + 1]];
    if (asked === undefined || other === undefined) throw new Error('there are too few people');
    const requestedAt = now();
    const { takenMs, told } = await campaign.request([asked.id]);
    const [outcome] = await within(told);
    if (outcome !== 'created') throw new Error(`a request came to "${outcome ?? ''}"`);
    const toldMs = now() - requestedAt;
    const bareAt = now();
    const bareId = await bare(other.id);
    if (turn >= WARM_UP) turns.push({ email: asked.email, requestedAt, takenMs, toldMs, bareAt, bareId });
    await sleep(Math.max(0, next - performance.now()));
  }
  return judged(turns, await readableSince(doors, since));
};

/** Milliseconds since the epoch, with their fractions: the simulators' clock is the same machine's. */
const now = (): number => performance.timeOrigin + performance.now();

const within = async <T>(told: Promise<T>): Promise<T> => {
  const late = new AbortController();
  const over = sleep(LONGEST_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`a request had no answer within ${LONGEST_MS / 1000} s`);
  });
  over.catch(() => undefined);
  try {
    return await Promise.race([told, over]);
  } finally {
    late.abort();
  }
};

interface Readable {
  readonly byId: ReadonlyMap<string, number>;
  readonly byEmail: ReadonlyMap<string, number>;
}

const readableSince = async (doors: Doors, since: number): Promise<Readable> => {
  const made = await leadsSince(doors, since);
  const byId = new Map(made.map(({ id, at }) => [id, at]));
  const byEmail = new Map<string, number>();
  for (const { id, at } of made) byEmail.set(await emailOfLead(doors, id), at);
  return { byId, byEmail };
};

const judged = (turns: readonly Turn[], { byId, byEmail }: Readable): Latency => {
  const requests = turns.map(({ email, requestedAt }) => (byEmail.get(email) ?? Number.NaN) - requestedAt);
  const bares = turns.map(({ bareId, bareAt }) => (byId.get(bareId) ?? Number.NaN) - bareAt);
  const overhead = spreadOf(requests.map((request, turn) => request - (bares[turn] ?? Number.NaN)));
  return {
    request: spreadOf(requests),
    bare: spreadOf(bares),
    overhead,
    p50: judge(overhead.p50, MOST.p50),
    p95: judge(overhead.p95, MOST.p95),
    taken: spreadOf(turns.map(({ takenMs }) => takenMs)),
    told: spreadOf(turns.map(({ toldMs }) => toldMs)),
  };
};
