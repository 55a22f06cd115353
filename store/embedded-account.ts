import { execFile } from 'node:child_process';
import { accessSync, chmodSync, constants, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** How PostgreSQL's programs are started; PostgreSQL refuses to run as root. */
export interface Account {
  /** Whom the files must belong to, when that is not this process's own user. */
  readonly owner?: Owner;
  /** What `spawn` needs to start a program as that user. */
  readonly spawn: { readonly uid?: number; readonly gid?: number };
  /** A command put before the program instead, for a folder that the user could not reach otherwise. */
  readonly prefix: readonly string[];
}

const lookUp = async (name: string): Promise<Owner | undefined> => {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
};

/** An existing cluster keeps its owner; a new one goes to `postgres`, or `nobody` where there is no such user. */
const unprivileged = async (cluster: string): Promise<Owner> => {
  const owner = statSync(cluster, { throwIfNoEntry: false });
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const account = (await lookUp('postgres')) ?? (await lookUp('nobody'));
  if (account === undefined) {
    throw new Error(
      'PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody',
    );
  }
  return account;
};

const mayEnter = (folder: string, account: Owner): boolean => {
  const { mode, uid, gid } = statSync(folder);
  if (uid === account.uid) return (mode & 0o100) !== 0;
  return (mode & (gid === account.gid ? 0o010 : 0o001)) !== 0;
};

/** The first folder on the way to `path` that the account may not enter. */
const barrier = (path: string, account: Owner): string | undefined => {
  const parent = dirname(path);
  if (parent === path) return undefined;
  return barrier(parent, account) ?? (mayEnter(parent, account) ? undefined : parent);
};

const onPath = (program: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((candidate) => {
      try {
        accessSync(candidate, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });

/**
 * The account that PostgreSQL runs under: this process's own, or an unprivileged one when that is root.
 * A home folder of root is closed to others, so there the programs also get the right to pass through folders.
 *
 * @param cluster PostgreSQL's data folder (need not exist yet), inside `dataDir`.
 * @param programs folder of PostgreSQL's programs.
 * @throws when root has no way to run it; says which folder is in the way.
 */
export const chooseAccount = async (dataDir: string, cluster: string, programs: string): Promise<Account> => {
  if (process.getuid?.() !== 0) return { spawn: {}, prefix: [] };
  const account = await unprivileged(cluster);
  chmodSync(dataDir, statSync(dataDir).mode | 0o011);
  const closed = barrier(cluster, account) ?? barrier(join(programs, 'postgres'), account);
  if (closed === undefined) return { owner: account, spawn: account, prefix: [] };
  const setpriv = onPath('setpriv');
  if (setpriv === undefined) {
    throw new Error(
      `PostgreSQL does not run as root, and ${closed} is closed to other users: ` +
        `run as another user, open it (chmod o+x ${closed}) or move the project`,
    );
  }
  const ids = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
  const right = '+dac_read_search';
  return {
    owner: account,
    spawn: {},
    prefix: [setpriv, ...ids, `--inh-caps=${right}`, `--ambient-caps=${right}`],
  };
};
