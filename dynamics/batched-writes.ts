import { FAILURES, type FailureDetails, RemoteFailure, TRANSIENT } from '../rules/failures.js';
import { halve } from '../rules/halve.js';
import type { Lane } from '../rules/terms.js';
import type { CallContext } from './answers.js';
import type { PartAnswer } from './attribution.js';
import { sendBatch } from './batch.js';
import type { Connection } from './connection.js';
import { SQL_TIMEOUT } from './error-codes.js';
import { NOT_RUN, notRun, outcomeOf, unreadable } from './outcomes.js';
import type { RowOutcome, RowWrite } from './types.js';
import { partOf, rowNamedIn } from './write-request.js';

/**
 * Parts of one batch. Microsoft advises small batches at high parallelism; 40 leaves each row three seconds of plug-ins
 * before the deadline.
 */
export const LARGEST_BATCH = 40;
/** Halvings of a batch that may have run in part: enough to single one row out, and each may cost minutes. */
const MOST_DOUBTFUL_HALVINGS = 12;
/** How often rows that were throttled inside a batch are sent again; those that were not run go again once. */
const MOST_THROTTLED = 2;
/** A longer pause is the caller's to wait for, who holds no rows meanwhile. */
const LONGEST_PAUSE_MS = 30_000;

export interface Numbered {
  readonly index: number;
  readonly operation: RowWrite;
}

export interface Indexed {
  readonly index: number;
  readonly outcome: RowOutcome;
}

export interface Sending {
  readonly connection: Connection;
  readonly lane: Lane;
  readonly signal: AbortSignal | undefined;
  /** Sends one row by a request of its own. */
  readonly one: (operation: RowWrite) => Promise<RowOutcome>;
  /** Takes outcomes that are final, as they come. */
  readonly keep: (found: readonly Indexed[]) => Promise<void>;
}

interface Round {
  readonly rows: readonly Numbered[];
  /** How often these rows were sent and certainly not run. */
  readonly again: number;
}

/**
 * Writes the rows of one batch, one request after another, so that no row is under way twice.
 *
 * Refused as a whole for its size, by the database for its time, or by a gateway (which may dislike the text of one
 * row), it is halved, down to single requests: what one row costs never blocks its neighbours. Rows that certainly did
 * not run (the server stopped before them, or throttled them) go again, a bounded number of times. A batch without an answer is *not* repeated here, although every write is guarded:
 * repeated, a row that was written the first time answers `changed` and tells no more than a read does, and a server
 * that is too slow would get the work twice. Its rows are `transient` with an unknown effect, and the caller reads them.
 *
 * @throws RemoteFailure where the environment as a whole refuses us
 */
export async function writeBatch(sending: Sending, batch: readonly Numbered[]): Promise<void> {
  const rounds: Round[] = [{ rows: batch, again: 0 }];
  let doubtful = 0;
  for (let round = rounds.shift(); round !== undefined; round = rounds.shift()) {
    const { rows, again } = round;
    const sent = await sendRows(sending, rows);
    if ('failure' in sent) {
      const perhapsOneRow = sent.failure.code === SQL_TIMEOUT || isGatewaysRefusal(sent.failure);
      if (perhapsOneRow) doubtful += 1;
      const halved = perhapsOneRow && doubtful <= MOST_DOUBTFUL_HALVINGS && rows.length > 1;
      if (sent.failure.type === FAILURES.refusedCall || halved) {
        rounds.unshift(...halves(round));
        continue;
      }
      if (!TRANSIENT.has(sent.failure.type)) throw new RemoteFailure(sent.failure);
      await sending.keep(
        rows.map(({ index }) => ({ index, outcome: { status: 'transient', failure: sent.failure } })),
      );
      continue;
    }
    const found = rows.map((row, at) => ({ row, outcome: sent.outcomes[at] ?? neverReached() }));
    const repeated = found.filter(({ outcome }) => sent.inParts && goesAgain(outcome, again));
    const final = found.filter((each) => !repeated.includes(each));
    if (final.length > 0)
      await sending.keep(final.map(({ row, outcome }) => ({ index: row.index, outcome })));
    if (repeated.length > 0) rounds.push({ rows: repeated.map(({ row }) => row), again: again + 1 });
  }
}

/** A 4xx that is no answer of Dataverse's. */
const isGatewaysRefusal = ({ type, code }: FailureDetails): boolean =>
  type === FAILURES.unavailable && code !== 'HTTP 408' && code?.startsWith('HTTP 4') === true;

const halves = ({ rows, again }: Round): Round[] => halve(rows).map((half) => ({ rows: half, again }));

/** The pause that a throttled row asks for was passed to the budget, which the next request waits for. */
function goesAgain(outcome: RowOutcome, again: number): boolean {
  if (outcome.status !== 'transient' || outcome.failure.effect !== 'none') return false;
  const { code, type, retryAfterMs = Infinity } = outcome.failure;
  if (code === NOT_RUN) return again === 0;
  return type === FAILURES.rateLimited && again < MOST_THROTTLED && retryAfterMs <= LONGEST_PAUSE_MS;
}

type Sent =
  | { readonly outcomes: readonly RowOutcome[]; readonly inParts: boolean }
  | { readonly failure: FailureDetails };

async function sendRows(
  { connection, lane, signal, one }: Sending,
  rows: readonly Numbered[],
): Promise<Sent> {
  const operations = rows.map(({ operation }) => operation);
  const [only] = operations;
  if (only !== undefined && operations.length === 1) return { outcomes: [await one(only)], inParts: false };
  const places = placesOf(operations);
  try {
    const answers = await sendBatch(connection, lane, {
      name: 'write a batch of rows',
      parts: operations.map(partOf),
      named: (answer) => places.get(rowNamedIn(answer) ?? ''),
      writes: true,
      signal,
    });
    const context: CallContext = { name: 'write a row in a batch', origin: connection.origin, writes: true };
    const outcomes = operations.map((operation, at) => outcomeOfPart(answers[at], operation, context));
    return { outcomes, inParts: true };
  } catch (error) {
    if (!(error instanceof RemoteFailure)) throw error;
    return { failure: error.details };
  }
}

/** Places by row id; an id that stands in both tables names none. */
function placesOf(operations: readonly RowWrite[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  const twice = new Set<string>();
  for (const [at, { id }] of operations.entries()) {
    const key = id.toLowerCase();
    if (places.has(key)) twice.add(key);
    places.set(key, at);
  }
  for (const key of twice) places.delete(key);
  return places;
}

function outcomeOfPart(
  answer: PartAnswer | undefined,
  operation: RowWrite,
  context: CallContext,
): RowOutcome {
  if (answer === 'not-run') return notRun(context);
  if (answer === undefined || answer === 'unreadable') return unreadable(context);
  return outcomeOf(answer, operation, context);
}

export function neverReached(): never {
  throw new Error('a batch without an outcome for each of its writes');
}
