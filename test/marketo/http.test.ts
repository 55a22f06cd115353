import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHttp, type Http } from '../../marketo/http.js';
import { FAILURES } from '../../rules/failures.js';
import { failureOf } from './remote.js';

const call = { name: 'sync persons', writes: true };

interface Exchange {
  readonly http: Http;
  readonly url: string;
  readonly sockets: () => number;
}

async function exchangeWith(answer: RequestListener): Promise<Exchange> {
  const server = createServer(answer);
  let sockets = 0;
  server.on('connection', () => (sockets += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const http = createHttp('contact-sync');
  onTestFinished(() => {
    http.close();
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { http, url: `http://127.0.0.1:${port}/`, sockets: () => sockets };
}

/** Sends a byte now and then, for ever. */
const drip: RequestListener = (_request, response) => {
  const timer = setInterval(() => response.write('x'), 10);
  response.on('close', () => clearInterval(timer));
};

describe('An exchange over HTTP', () => {
  it('uses one socket for calls that follow each other', async () => {
    const { http, url, sockets } = await exchangeWith((_request, response) => response.end('{}'));
    for (let count = 0; count < 3; count += 1) {
      await http.send(call, { method: 'POST', url, body: '{}', deadlineMs: 5_000 });
    }
    expect(sockets()).toBe(1);
  });

  it('reads compressed answers', async () => {
    const { http, url } = await exchangeWith((_request, response) => {
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync('{"city":"Zürich"}'));
    });
    expect((await http.send(call, { method: 'GET', url, deadlineMs: 5_000 })).text).toBe('{"city":"Zürich"}');
  });

  it('does not unpack an answer without end', async () => {
    const bomb = gzipSync(Buffer.alloc(70 * 1024 * 1024));
    const { http, url } = await exchangeWith((_request, response) => {
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(bomb);
    });
    const failure = await failureOf(http.send(call, { method: 'GET', url, deadlineMs: 20_000 }));
    expect(failure).toMatchObject({ type: FAILURES.unavailable, effect: 'unknown' });
  });

  it('ends at its deadline although bytes keep coming', async () => {
    const { http, url } = await exchangeWith(drip);
    const failure = await failureOf(http.send(call, { method: 'GET', url, deadlineMs: 80 }));
    expect(failure).toMatchObject({ type: FAILURES.unavailable, code: 'timeout', effect: 'unknown' });
  });

  it('ends when its caller gives up although bytes keep coming', async () => {
    const { http, url } = await exchangeWith(drip);
    const ending = new AbortController();
    const reason = new Error('the cycle was cancelled');
    setTimeout(() => ending.abort(reason), 40);
    const work = http.send(call, { method: 'GET', url, deadlineMs: 20_000 }, ending.signal);
    await expect(work).rejects.toBe(reason);
  });
});
