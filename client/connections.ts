import type { Client } from '@temporalio/client';
import { openRemotes, type Remotes, type RemotesEnvironment } from '../activities/remotes.js';
import { ConfigurationError } from '../config/configuration-error.js';
import type { TemporalEnvironment } from '../config/environment.js';
import type { SyncConfig } from '../config/sync-config.js';
import type { Database } from '../store/database.js';
import { CommandFailure, refusal } from './failure.js';

/**
 * Connects to both remotes under the budgets that the store shares between all processes, in front of a cycle that may
 * be running; nothing is sent yet.
 *
 * @throws {ConfigurationError} when a share is too small to work with.
 */
export const connectRemotes = (
  environment: RemotesEnvironment,
  config: SyncConfig,
  db: Database,
): Remotes => {
  try {
    const remotes = openRemotes(environment, config, db);
    return {
      marketo: remotes.marketo.onLane('on-demand'),
      dynamics: remotes.dynamics.onLane('on-demand'),
      close: () => remotes.close(),
    };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const what = 'The shares of the API limits cannot be used (docs/configuration.md):';
    throw new ConfigurationError(what, [`budget: ${cause.message}`], { cause });
  }
};

export interface Temporal {
  readonly client: Client;
  close(): Promise<void>;
}

/** Long enough for a handshake across the world, short enough for an operator who waits. */
const CONNECT_MS = 5_000;

/**
 * Connects to Temporal and makes sure that the namespace is there.
 *
 * @throws {CommandFailure} naming the address and the variable to check.
 */
export const connectTemporal = async (environment: TemporalEnvironment): Promise<Temporal> => {
  // Loaded here: most of the time that the command line takes to start is this package's.
  const { Client: TemporalClient, Connection } = await import('@temporalio/client');
  const { connectionOptions, namespace } = environment;
  const { address } = connectionOptions;
  const connection = await Connection.connect({ ...connectionOptions, connectTimeout: CONNECT_MS }).catch(
    (cause: unknown) => {
      throw unreachable(address, cause);
    },
  );
  try {
    const call = () => connection.workflowService.describeNamespace({ namespace });
    await connection.withDeadline(Date.now() + CONNECT_MS, call);
  } catch (cause) {
    await connection.close();
    throw namespaceFailure(address, namespace, cause);
  }
  return {
    client: new TemporalClient({ connection, namespace }),
    close: () => connection.close(),
  };
};

const unreachable = (address: string, cause: unknown): CommandFailure =>
  new CommandFailure(`Temporal at ${address} does not answer.`, {
    hints: ['Check that it runs there, TEMPORAL_ADDRESS and TEMPORAL_TLS.', `It said: ${firstLine(cause)}`],
    cause,
  });

/** gRPC status codes (grpc.io, "Status codes and their use in gRPC"). */
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;

const namespaceFailure = (address: string, namespace: string, cause: unknown): CommandFailure => {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  if (code === NOT_FOUND) {
    return refusal(`Temporal at ${address} has no namespace "${namespace}".`, 'Check TEMPORAL_NAMESPACE.');
  }
  if (code === PERMISSION_DENIED || code === UNAUTHENTICATED) {
    return refusal(
      `Temporal at ${address} does not let us into namespace "${namespace}".`,
      'Check TEMPORAL_API_KEY, or the client certificate.',
    );
  }
  return unreachable(address, cause);
};

const firstLine = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)[0] ?? '';
