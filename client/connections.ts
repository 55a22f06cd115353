import type { Client } from '@temporalio/client';
import { ConfigurationError } from '../config/configuration-error.js';
import type { DynamicsEnvironment, MarketoEnvironment, TemporalEnvironment } from '../config/environment.js';
import type { SyncConfig } from '../config/sync-config.js';
import { createDynamics, type Dynamics, type DynamicsSettings } from '../dynamics/index.js';
import { createMarketo, type Marketo } from '../marketo/index.js';
import type { CallBudget } from '../rules/budget.js';
import type { Lane, Side } from '../rules/terms.js';
import { createBudget, DYNAMICS_LIMITS, MARKETO_LIMITS, type CallLimits } from '../store/budget.js';
import type { Database } from '../store/database.js';
import { CommandFailure, refusal } from './failure.js';

export interface RemotesInput {
  readonly db: Database;
  readonly environment: { readonly marketo: MarketoEnvironment; readonly dynamics: DynamicsEnvironment };
  readonly budget: SyncConfig['budget'];
  readonly lane: Lane;
}

export interface Remotes {
  readonly marketo: Marketo;
  readonly dynamics: Dynamics;
  close(): void;
}

/**
 * Connects to both remotes under the budgets that the store shares between all processes; nothing is sent yet.
 *
 * @throws {ConfigurationError} when a share is too small to work with.
 */
export const connectRemotes = ({ db, environment, budget, lane }: RemotesInput): Remotes => {
  const limits = {
    marketo: { ...MARKETO_LIMITS, share: budget.marketo.share },
    dynamics: { ...DYNAMICS_LIMITS, share: budget.dynamics.share },
  };
  const marketo = createMarketo(environment.marketo, {
    budget: budgetOf(db, 'marketo', limits.marketo),
    lane,
  });
  const dynamics = createDynamics(dynamicsSettings(environment.dynamics), {
    budget: budgetOf(db, 'dynamics', limits.dynamics),
    lane,
  });
  const close = (): void => {
    marketo.close();
    dynamics.close();
  };
  return { marketo, dynamics, close };
};

const budgetOf = (db: Database, side: Side, limits: CallLimits): CallBudget => {
  try {
    return createBudget(db, side, limits);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ConfigurationError(
      'The field selection file cannot be used (docs/configuration.md):',
      [`budget.${side}.share: ${cause.message}`],
      { cause },
    );
  }
};

const dynamicsSettings = ({ credential, ...where }: DynamicsEnvironment): DynamicsSettings => {
  if (credential.kind === 'secret') return { ...where, clientSecret: credential.secret };
  const { privateKey, thumbprintSha256, certificate } = credential;
  const x5c = certificate === undefined ? {} : { x5c: certificate };
  return { ...where, certificate: { privateKey, thumbprintSha256, ...x5c } };
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
