import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { told } from './refused.js';

/** How long a request may take to arrive, in milliseconds, and how often that is looked after: Node's default is 30 s. */
export const ARRIVAL = {
  requestTimeout: 20_000,
  http: { headersTimeout: 10_000, connectionsCheckingInterval: 1_000 },
};

interface Unreadable {
  readonly status: 400 | 408 | 431;
  readonly text: string;
}

const MALFORMED: Unreadable = { status: 400, text: 'malformed request' };
/** By the codes of Node's HTTP server. */
const UNREADABLE: Readonly<Record<string, Unreadable>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, text: 'the request came too slowly' },
  HPE_HEADER_OVERFLOW: { status: 431, text: 'the headers are too large' },
};

/** Answers what no request can be made of, which the framework never sees, in the form of every other refusal. */
export const answerUnreadable =
  (logger: Logger) =>
  ({ code }: { readonly code?: string }, socket: Socket): void => {
    if (code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const { status, headers, body } = refusalOf(logger, UNREADABLE[code ?? ''] ?? MALFORMED);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}connection: close\r\n\r\n`;
    socket.end(head + body, () => socket.destroy());
  };

/** Node answers an `Expect` that it does not know by itself, with 417 and nothing. */
export const answerExpectations = (server: Server, logger: Logger): void => {
  server.on('checkExpectation', (_, response) => {
    const { status, headers, body } = refusalOf(logger, MALFORMED);
    response.writeHead(status, headers).end(body);
  });
};

const refusalOf = (logger: Logger, { status, text }: Unreadable) => {
  const requestId = randomUUID();
  logger.info({ reqId: requestId, route: 'unreadable', status }, 'request');
  const body = JSON.stringify(told(text, requestId));
  const headers = {
    'x-request-id': requestId,
    'cache-control': 'no-store',
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(body.length),
  };
  return { status, headers, body };
};
