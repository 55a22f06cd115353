import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Folder } from './folder.js';

type Variables = Readonly<Record<string, string>>;

/** Variables of a real installation, which may stand in the shell or the profile: the demo must not touch it. */
const REAL = /^(MARKETO_|DATAVERSE_|ENTRA_|TEMPORAL_|SYNC_|GATEWAY_|DATABASE_URL$)/;

/** The process's environment without anything of a real installation; loopback never goes through a proxy. */
export const neutralEnvironment = (env: NodeJS.ProcessEnv): Record<string, string> => {
  const kept = Object.entries(env).flatMap(([name, value]) =>
    value === undefined || REAL.test(name) ? [] : [[name, value] as const],
  );
  const direct = [env['NO_PROXY'] ?? env['no_proxy'] ?? [], '127.0.0.1', 'localhost'].flat().join(',');
  return { ...Object.fromEntries(kept), NO_PROXY: direct, no_proxy: direct };
};

export interface Places {
  /** What the simulators say. */
  readonly remotes: Variables;
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly configFile: string;
  readonly installation: string;
  readonly rest: string;
}

/** The variables that point the product's own processes at this run. */
export const productVariables = (folder: Folder, places: Places): Variables => ({
  ...places.remotes,
  DATABASE_URL: places.databaseUrl,
  SYNC_DATA_DIR: folder.path,
  SYNC_INSTALLATION: places.installation,
  SYNC_CONFIG: places.configFile,
  SYNC_REST: places.rest,
  SYNC_HEALTH_PORT: '0',
  TEMPORAL_ADDRESS: places.temporalAddress,
  TEMPORAL_NAMESPACE: 'default',
  // An empty profile: one of the user's own may name another server's key or certificate.
  TEMPORAL_CONFIG_FILE: join(folder.path, 'temporal.toml'),
});

/** Name of the file that points the command line at this run: `node --env-file=<it> dist/client/contact-sync.js`. */
export const ENV_FILE = 'demo.env';

/** Writes what the variables refer to, and the variables themselves for people who want to try the command line. */
export const writeEnvironment = async ({ path }: Folder, variables: Variables): Promise<void> => {
  await writeFile(join(path, 'temporal.toml'), '[profile.default]\n');
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(join(path, ENV_FILE), lines.join(''), { mode: 0o600 });
};
