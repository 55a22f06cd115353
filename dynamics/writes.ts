import { FAILURES, RemoteFailure, TRANSIENT } from '../rules/failures.js';
import type { Lane } from '../rules/terms.js';
import type { CallContext } from './answers.js';
import { type PartAnswer, sendBatch } from './batch.js';
import { API_PATH, type Call, type Connection } from './connection.js';
import { inParallel } from './in-parallel.js';
import type { PartRequest } from './multipart-writer.js';
import { notRun, outcomeOf, unreadable } from './outcomes.js';
import { mustBeGuid } from './reads.js';
import { TABLES } from './tables.js';
import type { RowOutcome, RowWrite, WriteOptions } from './types.js';

/**
 * Parts of one batch. Microsoft advises small batches at high parallelism; 40 leaves each row three seconds of plug-ins
 * before the deadline.
 */
const LARGEST_BATCH = 40;
/** A few writes are still spread, but not over batches smaller than this. */
const SMALLEST_BATCH = 10;
/** Batches under way at once until the environment has advised a number. */
const ASSUMED_PARALLELISM = 4;

/** Sends one write by its own request. */
export async function writeOne(
  connection: Connection,
  lane: Lane,
  operation: RowWrite,
  signal?: AbortSignal,
): Promise<RowOutcome> {
  const { path, headers, body } = requestOf(operation);
  const name = `${operation.type} a row of ${TABLES[operation.kind].set}`;
  const call: Call = { name, method: 'PATCH', path, headers, body, writes: true, signal };
  const outcome = await outcomeOfCall(connection, lane, call, operation);
  if (outcome.status === 'transient' && !TRANSIENT.has(outcome.failure.type)) {
    throw new RemoteFailure(outcome.failure);
  }
  return outcome;
}

/** Sends many writes in batches; see `Dynamics.write`. */
export async function writeMany(
  connection: Connection,
  lane: Lane,
  operations: readonly RowWrite[],
  { signal, onOutcomes }: WriteOptions = {},
): Promise<RowOutcome[]> {
  const { first, repeated } = byRow(operations);
  const outcomes = new Map<number, RowOutcome>();
  const keep = async (found: readonly Indexed[]): Promise<void> => {
    for (const { index, outcome } of found) outcomes.set(index, outcome);
    await onOutcomes?.(
      found.map(({ index }) => index),
      found.map(({ outcome }) => outcome),
    );
  };
  if (repeated.length > 0) await keep(repeated);
  const parallel = connection.parallelism.current() ?? ASSUMED_PARALLELISM;
  await inParallel(batchesOf(first, parallel), parallel, async (batch) => {
    const rows = batch.map(({ operation }) => operation);
    const found = await writeBatch({ connection, lane, signal }, rows);
    await keep(batch.map(({ index }, at) => ({ index, outcome: found[at] ?? neverReached() })));
  });
  return operations.map((_operation, index) => outcomes.get(index) ?? neverReached());
}

interface Indexed {
  readonly index: number;
  readonly outcome: RowOutcome;
}

interface Sending {
  readonly connection: Connection;
  readonly lane: Lane;
  readonly signal: AbortSignal | undefined;
}

/**
 * One batch. Where it is refused as a whole (too large, or one record that a gateway will not let through) it is
 * halved, down to single requests, so that a refused write never blocks its neighbours.
 */
async function writeBatch(sending: Sending, operations: readonly RowWrite[]): Promise<RowOutcome[]> {
  const { connection, lane, signal } = sending;
  const [only] = operations;
  if (only !== undefined && operations.length === 1) return [await writeOne(connection, lane, only, signal)];
  try {
    const parts = operations.map(partOf);
    const name = 'write a batch of rows';
    const answers = await sendBatch(connection, lane, { name, parts, writes: true, signal });
    const context: CallContext = { name: 'write a row in a batch', origin: connection.origin, writes: true };
    return operations.map((operation, index) => outcomeOfPart(answers[index], operation, context));
  } catch (error) {
    if (!(error instanceof RemoteFailure)) throw error;
    const failure = error.details;
    if (TRANSIENT.has(failure.type)) return operations.map(() => ({ status: 'transient', failure }));
    if (failure.type !== FAILURES.refusedCall) throw error;
  }
  const middle = Math.ceil(operations.length / 2);
  return [
    ...(await writeBatch(sending, operations.slice(0, middle))),
    ...(await writeBatch(sending, operations.slice(middle))),
  ];
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

/** Splits off operations on a row that an earlier one already writes: their outcome is known without asking. */
function byRow(operations: readonly RowWrite[]): {
  first: readonly Numbered[];
  repeated: readonly Indexed[];
} {
  const seen = new Set<string>();
  const first: Numbered[] = [];
  const repeated: Indexed[] = [];
  operations.forEach((operation, index) => {
    const row = `${operation.kind} ${operation.id.toLowerCase()}`;
    const status = operation.type === 'create' ? 'exists' : 'changed';
    if (seen.has(row)) repeated.push({ index, outcome: { status } });
    else first.push({ index, operation });
    seen.add(row);
  });
  return { first, repeated };
}

interface Numbered {
  readonly index: number;
  readonly operation: RowWrite;
}

function batchesOf(operations: readonly Numbered[], parallel: number): Numbered[][] {
  const even = Math.ceil(operations.length / parallel);
  const size = Math.min(Math.max(even, SMALLEST_BATCH), LARGEST_BATCH);
  const count = Math.ceil(operations.length / size);
  return Array.from({ length: count }, (_batch, at) => operations.slice(at * size, (at + 1) * size));
}

function requestOf(operation: RowWrite): {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
} {
  const { set, key } = TABLES[operation.kind];
  const query = operation.returnEtag === true ? `?$select=${key}` : '';
  const binds = operation.type === 'create' ? operation.binds : undefined;
  return {
    path: `${set}(${mustBeGuid(operation.id)})${query}`,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(operation.type === 'create' ? { 'if-none-match': '*' } : { 'if-match': operation.etag }),
      ...(operation.returnEtag === true && { prefer: 'return=representation' }),
    },
    body: JSON.stringify({ ...operation.values, ...binds }),
  };
}

function partOf(operation: RowWrite): PartRequest {
  const { path, headers, body } = requestOf(operation);
  return {
    method: 'PATCH',
    path: `${API_PATH}${path}`,
    headers: { accept: 'application/json', ...headers },
    body,
  };
}

async function outcomeOfCall(
  connection: Connection,
  lane: Lane,
  call: Call,
  operation: RowWrite,
): Promise<RowOutcome> {
  try {
    return outcomeOf(await connection.send(lane, call), operation, connection.context(call));
  } catch (error) {
    if (!(error instanceof RemoteFailure)) throw error;
    return { status: 'transient', failure: error.details };
  }
}

function neverReached(): never {
  throw new Error('a batch without an outcome for each of its writes');
}
