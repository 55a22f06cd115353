import dotenv from 'dotenv';
import type { z } from 'zod';
import { ConfigurationError } from './configuration-error.js';
import { readCredential, type DynamicsCredential } from './credential.js';
import {
  dynamicsSchema,
  marketoSchema,
  processSchema,
  storeSchema,
  type LOG_LEVELS,
} from './environment-schema.js';
import { callbacksSchema, gatewaySchema } from './gateway-schema.js';
import { read, readVariables, setVariables, unreadable, type Reading } from './reading.js';
import type { KeyRing } from './sealing.js';
import { readTemporal, type TemporalEnvironment } from './temporal.js';

export type { DynamicsCredential } from './credential.js';
export type { TemporalEnvironment } from './temporal.js';

/** What every process knows of its environment. */
export interface ProcessEnvironment {
  /** Name of the installation; letters, digits and hyphens. */
  readonly installation: string;
  /** Path of the field selection file. */
  readonly configFile: string;
  /** Milliseconds between the end of a cycle and the start of the next. */
  readonly restMs: number;
  /** Folder of the private database and of what belongs to it. */
  readonly dataDir: string;
  /** Port of the worker's health endpoint; 0 for any free one. */
  readonly healthPort: number;
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

export interface MarketoEnvironment {
  /** Ends in `/rest`, without a slash after it. */
  readonly endpoint: string;
  /** Ends in `/identity`, without a slash after it. */
  readonly identity: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface DynamicsEnvironment {
  /** The origin, without a slash after it. */
  readonly url: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly credential: DynamicsCredential;
  /** Only to sign in somewhere else than at Microsoft. */
  readonly tokenEndpoint?: string;
}

export interface StoreEnvironment {
  /** Absent: the private database in `dataDir`. */
  readonly databaseUrl?: string;
  readonly dataDir: string;
}

export interface CallbacksEnvironment {
  /** Absent: this process calls nobody back. */
  readonly keys?: KeyRing;
  /** `host`, `*.domain`, either with a port; in lower case. */
  readonly hosts: readonly string[];
}

export interface GatewayEnvironment {
  readonly port: number;
  /** Without a slash at its end. */
  readonly publicUrl: string;
  readonly apiKey: string;
  /** Absent: no webhook. */
  readonly webhookSecret?: string;
  readonly supportContact: string;
  readonly keys: KeyRing;
}

interface Sections {
  readonly marketo: MarketoEnvironment;
  readonly dynamics: DynamicsEnvironment;
  readonly store: StoreEnvironment;
  readonly temporal: TemporalEnvironment;
  readonly callbacks: CallbacksEnvironment;
  readonly gateway: GatewayEnvironment;
}

/** A part of the environment that a process may need. */
export type Need = keyof Sections;

export type Environment<N extends Need = never> = ProcessEnvironment & Pick<Sections, N>;

/**
 * Reads the environment once, for a process entry: what every process knows, and the parts in `need`.
 *
 * @throws {ConfigurationError} naming every variable that is missing or cannot be used, and what to do.
 */
export function readEnvironment<const N extends Need>(
  env: NodeJS.ProcessEnv,
  need: readonly N[],
): Environment<N> {
  const variables = setVariables(env);
  const base = readVariables(processSchema, variables);
  const sections = need.map((name) => [name, readers[name](variables)] as const);
  const problems = [base, ...sections.map(([, reading]) => reading)].flatMap((reading) =>
    reading.ok ? [] : reading.problems,
  );
  if (!base.ok || problems.length > 0) {
    throw new ConfigurationError('The environment cannot be used (docs/configuration.md):', [
      ...new Set(problems),
    ]);
  }
  const values = sections.flatMap(([name, reading]) => (reading.ok ? [[name, reading.value] as const] : []));
  // Each section was read by the reader of its own name.
  return { ...processEnvironment(base.value), ...Object.fromEntries(values) } as Environment<N>;
}

/** Adds what `.env` in the working folder holds to the environment; what is set already stays. For process entries. */
export function loadDotenv(path = '.env'): void {
  dotenv.config({ path, quiet: true });
}

const readers: { readonly [N in Need]: (variables: Record<string, string>) => Reading<Sections[N]> } = {
  marketo: readMarketo,
  dynamics: readDynamics,
  store: readStore,
  temporal: readTemporal,
  callbacks: readCallbacks,
  gateway: readGateway,
};

const processEnvironment = (value: z.output<typeof processSchema>): ProcessEnvironment => ({
  installation: value.SYNC_INSTALLATION,
  configFile: value.SYNC_CONFIG,
  restMs: value.SYNC_REST,
  dataDir: value.SYNC_DATA_DIR,
  healthPort: value.SYNC_HEALTH_PORT,
  logLevel: value.LOG_LEVEL,
});

function readMarketo(variables: Record<string, string>): Reading<MarketoEnvironment> {
  const reading = readVariables(marketoSchema, variables);
  if (!reading.ok) return reading;
  const { value } = reading;
  return read({
    endpoint: value.MARKETO_ENDPOINT,
    identity: value.MARKETO_IDENTITY,
    clientId: value.MARKETO_CLIENT_ID,
    clientSecret: value.MARKETO_CLIENT_SECRET,
  });
}

function readDynamics(variables: Record<string, string>): Reading<DynamicsEnvironment> {
  const reading = readVariables(dynamicsSchema, variables);
  const credential = readCredential(variables);
  if (!reading.ok || !credential.ok) {
    return unreadable(...(reading.ok ? [] : reading.problems), ...(credential.ok ? [] : credential.problems));
  }
  const { value } = reading;
  return read({
    url: value.DATAVERSE_URL,
    tenantId: value.ENTRA_TENANT_ID,
    clientId: value.DATAVERSE_CLIENT_ID,
    credential: credential.value,
    ...(value.ENTRA_TOKEN_ENDPOINT === undefined ? {} : { tokenEndpoint: value.ENTRA_TOKEN_ENDPOINT }),
  });
}

function readStore(variables: Record<string, string>): Reading<StoreEnvironment> {
  const reading = readVariables(storeSchema, variables);
  if (!reading.ok) return reading;
  const { DATABASE_URL: databaseUrl } = reading.value;
  const dataDir = variables['SYNC_DATA_DIR'] ?? processSchema.shape.SYNC_DATA_DIR.parse(undefined);
  return read(databaseUrl === undefined ? { dataDir } : { databaseUrl, dataDir });
}

function readCallbacks(variables: Record<string, string>): Reading<CallbacksEnvironment> {
  const reading = readVariables(callbacksSchema, variables);
  if (!reading.ok) return reading;
  const { GATEWAY_ENCRYPTION_KEY: keys, GATEWAY_CALLBACK_HOSTS: hosts } = reading.value;
  return read(keys === undefined ? { hosts } : { hosts, keys });
}

function readGateway(variables: Record<string, string>): Reading<GatewayEnvironment> {
  const reading = readVariables(gatewaySchema, variables);
  if (!reading.ok) return reading;
  const { value } = reading;
  const { GATEWAY_WEBHOOK_SECRET: webhookSecret } = value;
  return read({
    port: value.GATEWAY_PORT,
    publicUrl: value.GATEWAY_PUBLIC_URL,
    apiKey: value.GATEWAY_API_KEY,
    supportContact: value.GATEWAY_SUPPORT_CONTACT,
    keys: value.GATEWAY_ENCRYPTION_KEY,
    ...(webhookSecret === undefined ? {} : { webhookSecret }),
  });
}
