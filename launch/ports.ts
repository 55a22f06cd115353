import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

/** Below the range that systems hand out by themselves, so that nothing takes a port between its choice and its use. */
const RANGE = [15_000, 32_000] as const;
const TRIES = 100;

const listen = (port: number): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });

const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['EADDRINUSE', 'EACCES'].includes(String(error.code));

/** True when nothing listens on that loopback port at this moment. */
export const isFree = async (port: number): Promise<boolean> => {
  try {
    await close(await listen(port));
    return true;
  } catch {
    return false;
  }
};

const listenAnywhere = async (): Promise<{ readonly server: Server; readonly port: number }> => {
  for (let tried = 1; ; tried += 1) {
    const port = randomInt(...RANGE);
    try {
      return { server: await listen(port), port };
    } catch (error) {
      if (!isTaken(error) || tried === TRIES) throw error;
    }
  }
};

/** So many different loopback ports that nothing listens on at this moment. */
export const freePorts = async (count: number): Promise<readonly number[]> => {
  const taken = await Promise.all(Array.from({ length: count }, listenAnywhere));
  await Promise.all(taken.map(({ server }) => close(server)));
  return taken.map(({ port }) => port);
};
