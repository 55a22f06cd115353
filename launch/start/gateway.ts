import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installFlowStep } from '../../simulators/install-flow-step.js';
import { freePorts, isFree } from '../ports.js';
import { startChild, type Child } from './child.js';
import { StartFailure } from './failure.js';
import type { Folder } from './folder.js';

/** What simulated Marketo and the gateway of a data folder know of each other, from its first start on. */
interface Acquaintance {
  readonly port: number;
  readonly apiKey: string;
  readonly encryptionKey: string;
}

const FILE = 'gateway.json';
const secret = (): string => randomBytes(32).toString('base64');

const kept = async (file: string): Promise<Acquaintance | undefined> => {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Acquaintance;
  } catch {
    return undefined;
  }
};

/** The kept one, or a new one. @throws {StartFailure} when somebody else listens at the port that Marketo knows. */
const acquaintanceIn = async ({ path }: Folder): Promise<Acquaintance> => {
  const file = join(path, FILE);
  const known = await kept(file);
  if (known !== undefined) {
    if (await isFree(known.port)) return known;
    throw new StartFailure(
      `Port ${known.port} is taken, at which the simulated Marketo knows the gateway: free it, or begin anew with --fresh.`,
      2,
    );
  }
  const [port = 0] = await freePorts(1);
  const fresh = { port, apiKey: secret(), encryptionKey: secret() };
  await writeFile(file, `${JSON.stringify(fresh)}\n`, { mode: 0o600 });
  return fresh;
};

const originOf = (port: number | string): string => `http://127.0.0.1:${port}`;

/** The variables of the gateway, and of workers that call its campaigns back. */
export const gatewayVariables = async (folder: Folder): Promise<Readonly<Record<string, string>>> => {
  const { port, apiKey, encryptionKey } = await acquaintanceIn(folder);
  return {
    GATEWAY_PORT: String(port),
    GATEWAY_PUBLIC_URL: originOf(port),
    GATEWAY_API_KEY: apiKey,
    GATEWAY_ENCRYPTION_KEY: encryptionKey,
    GATEWAY_CALLBACK_HOSTS: '127.0.0.1',
    GATEWAY_SUPPORT_CONTACT: 'demo@example.com',
  };
};

export const startGateway = (folder: Folder, env: Readonly<Record<string, string>>): Child =>
  startChild({
    name: 'The gateway',
    script: fileURLToPath(new URL('../../client/gateway/main.js', import.meta.url)),
    // Not read: they tell people, and a later start, whose gateway this is.
    args: ['--data-dir', folder.path],
    env,
    cwd: folder.path,
    logFile: join(folder.logs, 'gateway.log'),
    preload: pathToFileURL(fileURLToPath(new URL('../with-parent.js', import.meta.url))).href,
  });

/** What an administrator does once: the flow step, and a campaign that runs it for whoever fills in a form. */
export const installStep = async (
  marketo: string,
  { GATEWAY_PUBLIC_URL: url = '', GATEWAY_API_KEY: apiKey = '' }: Readonly<Record<string, string>>,
): Promise<void> => {
  await installFlowStep({
    ...{ marketo, url: `${url}/install`, credentials: { apiKey } },
    campaign: { name: 'Sync Person to Dynamics', parameters: { syncAs: 'lead' } },
  });
};
