import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const PROGRAM = fileURLToPath(new URL('../../simulators/main.js', import.meta.url));

const environment = z.object({
  MARKETO_ENDPOINT: z.string(),
  MARKETO_IDENTITY: z.string(),
  MARKETO_CLIENT_ID: z.string(),
  MARKETO_CLIENT_SECRET: z.string(),
  DATAVERSE_URL: z.string(),
  ENTRA_TENANT_ID: z.string(),
  ENTRA_TOKEN_ENDPOINT: z.string(),
  DATAVERSE_CLIENT_ID: z.string(),
  DATAVERSE_CLIENT_SECRET: z.string(),
});
const ANY_PORTS = ['--marketo-port=0', '--dataverse-port=0'];

/** The environment variables that lead to both simulators. */
export type Addresses = z.infer<typeof environment>;

export interface Simulators {
  readonly addresses: Addresses;
  /** Plain JSON of an administrative door; with `change`, a PATCH of it. */
  door(remote: 'marketo' | 'dataverse', path: string, change?: object): Promise<unknown>;
  close(): Promise<void>;
}

const patch = (change: object): RequestInit => ({
  method: 'PATCH',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(change),
});

/**
 * Both simulators in a process of their own, so that their work is not counted as ours, without rate limits. The channel
 * tells that process when this one is gone, however it ended.
 */
export async function startSimulators(people: number): Promise<Simulators> {
  const child = spawn(
    process.execPath,
    [...[PROGRAM, '--exit-with-parent'], ...ANY_PORTS, `--people=${people}`, '--limits=off'],
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  ) as ChildProcessByStdio<null, Readable, null>;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for await (const line of createInterface({ input: child.stdout })) {
    const addresses = environment.parse(JSON.parse(line));
    const origins = {
      marketo: new URL(addresses.MARKETO_ENDPOINT).origin,
      dataverse: addresses.DATAVERSE_URL,
    };
    return {
      addresses,
      door: async (remote, path, change) => {
        const answer = await fetch(`${origins[remote]}/admin/${path}`, change && patch(change));
        if (!answer.ok) throw new Error(`the door of ${remote} answered ${path} with ${answer.status}`);
        return await answer.json();
      },
      close: async () => {
        child.kill('SIGTERM');
        await ended;
      },
    };
  }
  throw new Error('the simulators ended before they had started; their message stands above');
}
