import { RemoteFailure, TRANSIENT } from '../rules/failures.js';
import type { Lane } from '../rules/terms.js';
import { type Indexed, LARGEST_BATCH, neverReached, type Numbered, writeBatch } from './batched-writes.js';
import type { Call, Connection } from './connection.js';
import { inParallel } from '../rules/in-parallel.js';
import { inParts } from '../rules/in-parts.js';
import { outcomeOf } from './outcomes.js';
import { TABLES } from './tables.js';
import type { RowOutcome, RowWrite, WriteOptions } from './types.js';
import { requestOf } from './write-request.js';

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
    const one = (operation: RowWrite): Promise<RowOutcome> => writeOne(connection, lane, operation, signal);
    await writeBatch({ connection, lane, signal, one, keep }, batch);
  });
  return operations.map((_operation, index) => outcomes.get(index) ?? neverReached());
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

function batchesOf(operations: readonly Numbered[], parallel: number): Numbered[][] {
  const even = Math.ceil(operations.length / parallel);
  const size = Math.min(Math.max(even, SMALLEST_BATCH), LARGEST_BATCH);
  return inParts(operations, size);
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
