import { seedRows } from './admin/rows.js';
import { Entitlement } from './http/entitlement.js';
import { Faults } from './http/faults.js';
import { ServiceProtection } from './http/limits.js';
import { createOrganization } from './organization.js';
import type { Environment } from './http/requests.js';
import { createServer } from './http/server.js';
import { SignIn } from './sign-in/sign-in.js';
import { restoreState, revisionOf, stateOf, type DataverseState } from './state.js';
import type { SeedRow } from './rows/values.js';

export type { DataverseState } from './state.js';
export type { ColumnValue, SeedRow } from './rows/values.js';

export interface DataverseSimulatorOptions {
  /** Port on 127.0.0.1; 0 or none takes a free one. */
  readonly port?: number;
  /** PEM texts. Serves https instead of http, for clients that take nothing else. */
  readonly tls?: Readonly<{ certificate: string; privateKey: string }>;
  /** `real` enforces the service protection limits (default), `off` does not. */
  readonly limits?: 'real' | 'off';
  readonly tenantId?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** PEM of a certificate that the application may sign in with, beside its secret. */
  readonly clientCertificate?: string;
  /** Rows that are there at the start; they pass over all checks of value. */
  readonly leads?: readonly SeedRow[];
  readonly contacts?: readonly SeedRow[];
  readonly accounts?: readonly SeedRow[];
  /** What an earlier run held, to go on from there; then the rows above are not used. */
  readonly state?: DataverseState;
  /** The environment's clock, epoch milliseconds. */
  readonly now?: () => number;
}

export interface DataverseSimulator {
  /** `http://127.0.0.1:port`, what `DATAVERSE_URL` is set to. */
  readonly origin: string;
  /** The environment variables that point the product at this simulator. */
  readonly environment: Readonly<Record<string, string>>;
  /** All that the environment holds, to be given to a later run. */
  state(): DataverseState;
  /** Another text whenever the state is another. */
  revision(): string;
  /** Drops all rows, the journal and faults; schema, rights, settings and delta tokens stay. */
  empty(): void;
  close(): Promise<void>;
}

/** Starts a Dataverse environment in this process: Web API v9.2, sign-in, and the door under `/admin`. */
export const startDataverseSimulator = async (
  options: DataverseSimulatorOptions = {},
): Promise<DataverseSimulator> => {
  const {
    port = 0,
    tenantId = 'd3b7c2a0-5c1e-4a55-9d0e-0c0ffee00001',
    clientId = 'd3b7c2a0-5c1e-4a55-9d0e-0c0ffee00002',
    clientSecret = 'simulated-client-secret',
  } = options;
  const organization = createOrganization(options.now ?? Date.now, options.limits ?? 'real');
  if (options.state === undefined) {
    const { account, lead, contact } = organization.tables;
    seedRows(organization, account, options.accounts ?? []);
    seedRows(organization, lead, options.leads ?? []);
    seedRows(organization, contact, options.contacts ?? []);
  } else {
    restoreState(organization, options.state);
  }
  const environment: Environment = {
    organization,
    signIn: new SignIn({
      ...{ tenantId, clientId, clientSecret },
      ...(options.clientCertificate === undefined ? {} : { clientCertificate: options.clientCertificate }),
    }),
    protection: new ServiceProtection(),
    entitlement: new Entitlement(),
    faults: new Faults(),
    tenantId,
    clientId,
  };
  const app = createServer(environment, options.tls);
  // Fastify does not know that a server of our making speaks TLS.
  const listening = await app.listen({ port, host: '127.0.0.1' });
  const origin = options.tls === undefined ? listening : listening.replace(/^http:/, 'https:');
  organization.origin = origin;
  return {
    origin,
    environment: {
      DATAVERSE_URL: origin,
      ENTRA_TENANT_ID: tenantId,
      ENTRA_TOKEN_ENDPOINT: `${origin}/${tenantId}/oauth2/v2.0/token`,
      DATAVERSE_CLIENT_ID: clientId,
      DATAVERSE_CLIENT_SECRET: clientSecret,
    },
    state: () => stateOf(organization),
    revision: () => revisionOf(organization),
    empty: () => {
      for (const { rows } of Object.values(organization.tables)) rows.clear();
      organization.journal.clear();
      environment.faults.clear();
    },
    close: async () => {
      await app.close();
    },
  };
};
