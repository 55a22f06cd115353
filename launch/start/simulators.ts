import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts, isFree } from '../ports.js';
import { startChild, type Child } from './child.js';
import type { Folder } from './folder.js';
import type { StartOptions } from './options.js';

/** Both remotes and the people who edit in them, in a process of their own. */
export interface Simulators {
  readonly child: Child;
  /** Origins of the administrative doors. */
  readonly marketo: string;
  readonly dataverse: string;
  readonly environment: Readonly<Record<string, string>>;
  /** From now on so many edits a minute; answers how many were made so far, once the last one has ended. */
  setLife(editsPerMinute: number): Promise<number>;
}

/** One edit of a simulated person, as the simulators tell it. */
export interface ToldEdit {
  readonly what: 'edit' | 'unsubscribe' | 'create' | 'delete' | 'form';
  /** Name of the form. */
  readonly form?: string;
  readonly table?: 'leads' | 'contacts';
  readonly record?: {
    readonly side: 'marketo' | 'dynamics';
    readonly table?: 'leads' | 'contacts';
    readonly id: number | string;
  };
  readonly values?: Readonly<Record<string, string | number | boolean | null>>;
  readonly collision: boolean;
}

const script = fileURLToPath(new URL('../../simulators/main.js', import.meta.url));

/** The ports of the last start where nobody took them meanwhile, else any. */
const portsLike = async (last: Folder['ports']): Promise<Folder['ports']> => {
  const [marketo = 0, dataverse = 0] = await freePorts(2);
  const kept = async (port: number): Promise<boolean> => port > 0 && (await isFree(port));
  return {
    marketo: (await kept(last.marketo)) ? last.marketo : marketo,
    dataverse: (await kept(last.dataverse)) ? last.dataverse : dataverse,
  };
};

const portOf = (origin: string): number => Number(new URL(origin).port);

export const portsOf = ({ marketo, dataverse }: Simulators): Folder['ports'] => ({
  marketo: portOf(marketo),
  dataverse: portOf(dataverse),
});

const pacemaker = (child: Child) => {
  const waiting: ((edits: number) => void)[] = [];
  child.onMessage((message) => {
    if (typeof message['life'] === 'number') waiting.shift()?.(Number(message['edits']));
  });
  return (editsPerMinute: number): Promise<number> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      child.send({ life: editsPerMinute });
    });
};

/** Starts the process; `ready` follows once both answer. */
export const startSimulators = async (
  folder: Folder,
  { people, limits, seed, forms }: StartOptions,
  env: Readonly<Record<string, string>>,
): Promise<{ child: Child; ready: Promise<Simulators> }> => {
  const ports = await portsLike(folder.ports);
  const child = startChild({
    name: 'The process of the simulators',
    script,
    args: [
      ...['--marketo-port', String(ports.marketo), '--dataverse-port', String(ports.dataverse)],
      ...['--people', String(people), '--limits', limits, '--seed', seed],
      ...['--forms', String(forms)],
      ...['--state-dir', folder.path, '--exit-with-parent'],
    ],
    env,
    cwd: folder.path,
    logFile: join(folder.logs, 'simulators.log'),
  });
  const setLife = pacemaker(child);
  const ready = child.ready.then((said) => {
    const { marketo, dataverse, environment } = said as Omit<Simulators, 'child' | 'setLife'>;
    return { child, marketo, dataverse, environment, setLife };
  });
  // Whoever does not come to wait for it learns of a failure by the child's own promise.
  ready.catch(() => undefined);
  return { child, ready };
};
