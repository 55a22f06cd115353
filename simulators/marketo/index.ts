import { startEngine } from './campaigns/engine.js';
import { createServer } from './http/server.js';
import { createInstance } from './instance.js';
import { seedPersons, type SeedPerson } from './persons/seed.js';
import { restoreState, revisionOf, stateOf, type MarketoState } from './state.js';

export type { MarketoState } from './state.js';
export type { SeedPerson } from './persons/seed.js';

export interface MarketoSimulatorOptions {
  /** TCP port on 127.0.0.1; 0 (default) takes any free one. */
  readonly port?: number;
  /** Whether 606, 607 and 615 are answered at Marketo's documented limits. Default `real`. */
  readonly limits?: 'real' | 'off';
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** Names the subscription, as in `123-ABC-456`. */
  readonly munchkinId?: string;
  readonly persons?: readonly SeedPerson[];
  /** What an earlier run held, to go on from there; then `persons` is not used. */
  readonly state?: MarketoState;
  /** Epoch ms. Default: the system's clock. */
  readonly now?: () => number;
  /** How long an activity stays invisible after it happened, ms. Default 0. */
  readonly commitLagMs?: number;
}

export interface MarketoSimulator {
  /** `http://127.0.0.1:<port>`; the administrative door is `${origin}/admin`. */
  readonly origin: string;
  /** MARKETO_ENDPOINT, MARKETO_IDENTITY, MARKETO_CLIENT_ID, MARKETO_CLIENT_SECRET for a client of this simulator. */
  readonly environment: Record<string, string>;
  /** All that the instance holds, to be given to a later run. */
  state(): MarketoState;
  /** Another text whenever the state is another. */
  revision(): string;
  /** Drops all persons, the log, the journal and faults; fields, settings and places in streams stay. */
  empty(): void;
  close(): Promise<void>;
}

/**
 * Starts a simulated Marketo Engage subscription over HTTP; see docs/simulators-marketo.md. Rejects when the port is
 * taken, or when a seeded person has an unknown field or a value that the field cannot hold.
 */
export async function startMarketoSimulator(
  options: MarketoSimulatorOptions = {},
): Promise<MarketoSimulator> {
  const clientId = options.clientId ?? 'simulated-client';
  const clientSecret = options.clientSecret ?? 'simulated-secret';
  const munchkinId = options.munchkinId ?? '123-ABC-456';
  const { state } = options;
  const limits = options.limits ?? 'real';
  const lag = options.commitLagMs === undefined ? {} : { commitLagMs: options.commitLagMs };
  const instance = createInstance({
    client: { id: clientId, secret: clientSecret, user: `api@${munchkinId.toLowerCase()}.example` },
    settings: { ...state?.settings, limits, ...lag },
    now: options.now ?? Date.now,
    munchkinId,
    ...(state && { firstPersonId: state.nextPersonId }),
  });
  if (state === undefined) seedPersons(instance, options.persons ?? []);
  else restoreState(instance, state);
  const server = createServer(instance);
  const origin = await server.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  instance.address.origin = origin;
  const engine = startEngine(instance);
  return {
    origin,
    environment: {
      MARKETO_ENDPOINT: `${origin}/rest`,
      MARKETO_IDENTITY: `${origin}/identity`,
      MARKETO_CLIENT_ID: clientId,
      MARKETO_CLIENT_SECRET: clientSecret,
    },
    state: () => stateOf(instance),
    revision: () => revisionOf(instance),
    empty: () => {
      instance.people.table.clear();
      instance.log.forget();
      instance.journal.clear();
      instance.faults.clear();
    },
    close: async () => {
      engine.stop();
      await server.close();
    },
  };
}
