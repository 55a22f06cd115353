import { startDataverseSimulator } from './dataverse/index.js';
import { startLife, type Life, type LifeEdit } from './life.js';
import { startMarketoSimulator } from './marketo/index.js';
import { generatePopulation, underEmployers } from './population/index.js';
import { keepState, loadState, type RemotesState } from './state-folder.js';
import { holdFolder } from './state-lock.js';

export interface RemotesOptions {
  /** 0 takes any free port. */
  readonly marketoPort: number;
  readonly dataversePort: number;
  readonly people: number;
  readonly limits: 'real' | 'off';
  readonly seed: string;
  /** Which share of the edits of simulated people is a form that somebody fills in, 0 to 1. Default 0. */
  readonly forms?: number;
  /** Folder that keeps everything over a restart; what it holds counts more than `people`. */
  readonly stateDir?: string;
  /** Told of edits that could not be made, one line each. */
  readonly tell: (line: string) => void;
  /** Told of each edit that simulated people make. */
  readonly onEdit?: (edit: LifeEdit) => void;
}

/** Both remotes, populated, and the people who edit in them. */
export interface Remotes {
  /** Origins, for the administrative doors. */
  readonly marketo: string;
  readonly dataverse: string;
  /** What both began with: so many people of a new population, or so many records that the folder kept. */
  readonly begin: { readonly people: number } | { readonly persons: number; readonly rows: number };
  /** The environment that points a sync at both. */
  readonly environment: Readonly<Record<string, string>>;
  /** From now on so many edits a minute, 0 for none; answers how many were made since the start. */
  setLife(editsPerMinute: number): Promise<{ readonly edits: number }>;
  close(): Promise<void>;
}

/** The port of one simulator is taken by another process. */
export class PortInUse extends Error {
  constructor(port: number, option: string) {
    super(`Port ${port} is already in use: choose another with ${option}, or 0 for any free one.`);
    this.name = 'PortInUse';
  }
}

async function onPort<Started>(
  port: number,
  option: string,
  start: () => Promise<Started>,
): Promise<Started> {
  try {
    return await start();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
      throw new PortInUse(port, option);
    throw error;
  }
}

/** What the two begin with: what the folder kept, else a new population. */
async function beginning({ people, seed, stateDir }: RemotesOptions) {
  const kept = stateDir === undefined ? undefined : await loadState(stateDir);
  if (kept === undefined) {
    const { persons, leads, contacts, employers } = generatePopulation({ people, seed });
    const employed = underEmployers(contacts, employers, seed);
    return { lives: 0, counts: { people }, marketo: { persons }, dataverse: { leads, ...employed } };
  }
  const { lives, marketo, dataverse } = kept;
  const { lead, contact } = dataverse.tables;
  const rows = (lead?.rows.length ?? 0) + (contact?.rows.length ?? 0);
  const counts = { persons: marketo.persons.length, rows };
  return { lives, counts, marketo: { state: marketo }, dataverse: { state: dataverse } };
}

/**
 * Starts both simulators with one population.
 *
 * @throws PortInUse, StateUnreadable, StateFolderUnusable; nothing is left running then
 */
export async function startRemotes(options: RemotesOptions): Promise<Remotes> {
  const servers: { close(): Promise<void> }[] = [];
  const release = options.stateDir === undefined ? undefined : await holdFolder(options.stateDir);
  const end = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()));
  };
  try {
    const { stop, ...remotes } = await startServers(options, servers);
    return {
      ...remotes,
      close: async () => {
        await remotes.setLife(0);
        await end();
        await stop().finally(release);
      },
    };
  } catch (error) {
    await end().finally(release);
    throw error;
  }
}

async function startServers(
  options: RemotesOptions,
  servers: { close(): Promise<void> }[],
): Promise<Omit<Remotes, 'close'> & { readonly stop: () => Promise<void> }> {
  const { limits, marketoPort, dataversePort, stateDir } = options;
  const begin = await beginning(options);
  const marketo = await onPort(marketoPort, '--marketo-port', () =>
    startMarketoSimulator({ port: marketoPort, limits, ...begin.marketo }),
  );
  servers.push(marketo);
  const dataverse = await onPort(dataversePort, '--dataverse-port', () =>
    startDataverseSimulator({ port: dataversePort, limits, ...begin.dataverse }),
  );
  servers.push(dataverse);
  const origins = { marketo: marketo.origin, dataverse: dataverse.origin };
  const life = lifeIn(origins, options, begin.lives);
  const state = (): RemotesState => ({
    lives: life.lives(),
    marketo: marketo.state(),
    dataverse: dataverse.state(),
  });
  const revision = (): string => [life.lives(), marketo.revision(), dataverse.revision()].join('\n');
  const kept =
    stateDir === undefined ? undefined : await keepState(stateDir, { state, revision, tell: options.tell });
  return {
    ...origins,
    begin: begin.counts,
    environment: { ...marketo.environment, ...dataverse.environment },
    setLife: life.set,
    stop: async () => kept?.stop(),
  };
}

/** Life that can be given another pace; one change waits for the one before it. */
function lifeIn(
  origins: Readonly<{ marketo: string; dataverse: string }>,
  { seed, forms = 0, tell, onEdit }: RemotesOptions,
  livedBefore: number,
) {
  let current: Life | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  let edits = 0;
  // Counted over restarts: the same life again would make the same new people a second time.
  let lives = livedBefore;
  const change = async (editsPerMinute: number): Promise<{ edits: number }> => {
    edits += (await current?.stop())?.edits ?? 0;
    current = null;
    if (editsPerMinute > 0) {
      lives += 1;
      const onError = (error: unknown): void => tell(`An edit failed: ${messageOf(error)}`);
      const told = onEdit && { onEdit };
      current = startLife({ ...origins, seed: `${seed} ${lives}`, editsPerMinute, forms, onError, ...told });
    }
    return { edits };
  };
  return {
    lives: (): number => lives,
    set: (editsPerMinute: number): Promise<{ edits: number }> => {
      const changed = turn.then(() => change(editsPerMinute));
      turn = changed.catch(() => undefined);
      return changed;
    },
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
