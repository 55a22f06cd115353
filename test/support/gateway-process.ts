import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import type { Installation } from './running.js';

const GATEWAY = join(import.meta.dirname, '../../dist/client/gateway/main.js');

export const API_KEY = 'the-key-that-marketo-shows-to-the-gateway';
export const WEBHOOK_SECRET = 'the-secret-that-webhooks-show-in-a-header';

/** What gateways of an installation read, and workers that call its campaigns back. */
export const GATEWAY_VARIABLES = {
  GATEWAY_PORT: '0',
  GATEWAY_PUBLIC_URL: 'http://127.0.0.1:8090',
  GATEWAY_API_KEY: API_KEY,
  GATEWAY_WEBHOOK_SECRET: WEBHOOK_SECRET,
  GATEWAY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  GATEWAY_CALLBACK_HOSTS: '127.0.0.1',
  GATEWAY_SUPPORT_CONTACT: 'crm@example.com',
};

/** A gateway as a process of its own. */
export interface GatewayProcess {
  readonly origin: string;
  /** What it logged so far. */
  readonly log: () => string;
  /** `kill -9`: nothing is ended, nothing is told. */
  readonly kill: () => Promise<void>;
}

/** Resolves once it listens. */
export const startGateway = async (
  { env }: Pick<Installation, 'env'>,
  variables: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> => {
  const child: ChildProcess = spawn(process.execPath, [GATEWAY], {
    ...{ env: { ...env, ...variables }, cwd: dirname(env['SYNC_CONFIG'] ?? '.') },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (part: Buffer) => {
      log += part.toString();
    });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the gateway ended by itself:\n${log}`);
  });
  ended.catch(() => undefined);
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [{ ready: { port: number } }];
  return {
    origin: `http://127.0.0.1:${String(message.ready.port)}`,
    log: () => log,
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
};

/** Hands a chunk in as Marketo does. */
export const submit = (origin: string, body: object): Promise<Response> =>
  fetch(`${origin}/submitAsyncAction`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': API_KEY },
    body: JSON.stringify(body),
  });
