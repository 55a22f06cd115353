import type { Dynamics, RowOutcome } from '../dynamics/index.js';
import { RemoteFailure } from '../rules/failures.js';
import type { FieldValue, Kind } from '../rules/terms.js';

/** A row that was to be written, with the e-mail address that the write carries, if it does. */
export interface WrittenRow {
  readonly kind: Kind;
  readonly id: string;
  readonly email: FieldValue | undefined;
}

type Refusal = Extract<RowOutcome, { status: 'refused' }>;

/** Dynamics' code for a row that a duplicate detection rule refuses; as shipped, the rules compare e-mail addresses. */
export const DUPLICATE = '0x80040333';
/** For one whose alternate key another row has. */
const KEY_TAKEN = '0x80060892';

/** True if a duplicate detection rule refused it, which a call can have passed over; keys cannot. */
export const isDuplicate = (outcome: RowOutcome): outcome is Refusal =>
  outcome.status === 'refused' && outcome.code === DUPLICATE;

/**
 * A refusal because of another row says which row that is, first thing: people look there. Where Dynamics does not name
 * it, one read of the same table by e-mail finds it, which is what duplicate rules compare as shipped.
 */
export const withTwin = async (
  dynamics: Dynamics,
  row: WrittenRow,
  outcome: RowOutcome,
  signal: AbortSignal,
): Promise<RowOutcome> => {
  if (outcome.status !== 'refused' || (outcome.code !== DUPLICATE && outcome.code !== KEY_TAKEN))
    return outcome;
  const twin = outcome.twin ?? (await twinByEmail(dynamics, row, outcome, signal));
  return twin === undefined ? outcome : { ...outcome, twin, message: worded(outcome, row, twin) };
};

const worded = ({ code, twinTable, message }: Refusal, { kind, email }: WrittenRow, twin: string): string => {
  const values = typeof email === 'string' ? 'this e-mail' : 'these values';
  const by = code === KEY_TAKEN ? 'this key' : values;
  return `A ${twinTable ?? kind} with ${by} exists: ${twin}. ${message}`;
};

const twinByEmail = async (
  dynamics: Dynamics,
  { kind, id, email }: WrittenRow,
  { code }: Refusal,
  signal: AbortSignal,
): Promise<string | undefined> => {
  if (code !== DUPLICATE || typeof email !== 'string') return undefined;
  try {
    const rows = await dynamics.findByEmail(kind, [email], [], signal);
    return rows.find((row) => row.id !== id.toLowerCase())?.id;
  } catch (error) {
    // The refusal stands without its twin.
    if (error instanceof RemoteFailure) return undefined;
    throw error;
  }
};
