import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One line of the health report: a part of the worker and how it is. */
export interface Health {
  readonly ok: boolean;
  readonly parts: Readonly<Record<string, string>>;
}

/**
 * Serves `GET /healthz`: 200 when every part works, else 503, with the parts as JSON. On all interfaces, for a
 * container's own check and an orchestrator's; it tells no data.
 */
export const serveHealth = async (
  port: number,
  check: () => Promise<Health>,
): Promise<{ readonly port: number; close(): Promise<void> }> => {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/healthz') {
      response.writeHead(404).end();
      return;
    }
    void check().then(({ ok, parts }) => {
      response.writeHead(ok ? 200 : 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ ok, ...parts }));
    });
  });
  await listening(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
};

const listening = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, resolve);
  });
