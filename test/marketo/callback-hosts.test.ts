import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allowUrl, mayConnect, type AllowedUrl } from '../../marketo/callbacks/hosts.js';
import { createPoster, type Resolve } from '../../marketo/callbacks/post.js';

const HOSTS = ['*.adobe.io', 'callback.example.com:8443', '127.0.0.1'];

describe('A callback address', () => {
  it.each([
    'https://mkto.adobe.io/customflowaction/submit',
    'https://a.b.adobe.io/',
    'https://callback.example.com:8443/x',
    'http://127.0.0.1:4010/x',
  ])('may be called when its host is listed: %s', (url) => {
    expect(allowUrl(url, HOSTS)).toMatchObject({ url: new URL(url) });
  });

  it.each([
    ['another host', 'https://example.com/'],
    ['the bare domain of a pattern', 'https://adobe.io/'],
    ['a host that only ends alike', 'https://evil-adobe.io/'],
    ['a host that begins alike', 'https://mkto.adobe.io.evil.example/'],
    ['another port', 'https://mkto.adobe.io:8443/'],
    ['the usual port where another is listed', 'https://callback.example.com/'],
    ['plain http', 'http://mkto.adobe.io/'],
    ['this machine by another name', 'http://localhost:4010/'],
    ['an address inside', 'https://10.0.0.5/'],
    ['another host behind a backslash', 'https://evil.example\\.adobe.io/'],
    ['the root of names at its end', 'https://mkto.adobe.io./'],
    ['this machine in IPv6', 'http://[::1]/'],
    ['this machine as an IPv4 address in IPv6', 'http://[::ffff:127.0.0.1]/'],
    ['an address inside in IPv6', 'https://[fd00::1]/'],
    ['digits of another alphabet', 'http://①②⑦.0.0.2/'],
    ['a port that is no usual one', 'https://mkto.adobe.io:22/'],
    ['the metadata service', 'http://169.254.169.254/latest/meta-data'],
  ])('may not be called with %s', (_what, url) => {
    expect(allowUrl(url, HOSTS)).toBe('not-allowed');
  });

  it.each([
    'https://user:password@mkto.adobe.io/',
    'https://mkto.adobe.io@evil.example/',
    'https://mkto.adobe.io%40evil.example/',
    'ftp://mkto.adobe.io/',
    'nothing',
    'https://mkto.adobe.io/#x',
  ])('is malformed: %s', (url) => {
    expect(allowUrl(url, HOSTS)).toBe('malformed');
  });

  it.each([
    // Node writes these hosts as what they mean.
    ['http://2130706433/', '127.0.0.1'],
    ['http://0x7f.1/', '127.0.0.1'],
  ])('is judged by what it means: %s', (url, host) => {
    expect(new URL(url).hostname).toBe(host);
    expect(allowUrl(url, ['*.adobe.io'])).toBe('not-allowed');
  });
});

describe('An address', () => {
  it.each(['93.184.215.14', '2606:4700::1111', '::ffff:93.184.215.14'])(
    '%s is on the internet',
    (address) => {
      expect(mayConnect(address, false)).toBe(true);
    },
  );

  it.each([
    ...['10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1'],
    ...['255.255.255.255', '127.0.0.1', '::1', '::', 'fe80::1', 'fd00::1', 'fc00::1', '::ffff:10.0.0.1'],
    ...['::ffff:127.0.0.1', '64:ff9b::a00:1', '2002:a00:1::', '2001:db8::1', '::ffff:a00:1', 'ff02::1', 'x'],
  ])('%s is not', (address) => {
    expect(mayConnect(address, false)).toBe(false);
  });

  it('of this machine may be called where its name is listed', () => {
    for (const address of ['127.0.0.1', '::1', '127.9.9.9']) expect(mayConnect(address, true)).toBe(true);
    expect(mayConnect('10.0.0.1', true)).toBe(false);
  });
});

describe('A callback', () => {
  let port = 0;
  let calls = 0;
  const server = createServer((request, response) => {
    calls += 1;
    if (request.url === '/redirect') response.writeHead(307, { location: '/inside' }).end();
    else if (request.url !== '/never') response.writeHead(202).end('x'.repeat(200_000));
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const target = (url: string, hosts: readonly string[] = ['127.0.0.1', `callback.test:${String(port)}`]) =>
    allowUrl(url, hosts) as AllowedUrl;
  const request = { headers: { 'content-type': 'application/json' }, body: '{}', timeoutMs: 2_000 };

  /** A name server that answers each question with the next of these. */
  const names = (...answers: string[]): Resolve => {
    return (_name, _options, done) => {
      const address = answers.length > 1 ? (answers.shift() ?? '') : (answers[0] ?? '');
      done(null, [{ address, family: address.includes(':') ? 6 : 4 }]);
    };
  };

  it('is answered with its status, however long the body', async () => {
    const poster = createPoster();
    const to = target(`http://127.0.0.1:${String(port)}/ok`);
    expect(await poster.post({ ...request, to })).toMatchObject({ status: 202 });
    expect(await poster.post({ ...request, to })).toMatchObject({ status: 202 });
    poster.close();
  });

  it('follows no redirect', async () => {
    const poster = createPoster();
    const before = calls;
    const to = target(`http://127.0.0.1:${String(port)}/redirect`);
    expect(await poster.post({ ...request, to })).toMatchObject({ status: 307 });
    expect(calls - before).toBe(1);
    poster.close();
  });

  it.each(['127.0.0.1', '10.0.0.8', '169.254.169.254', '::1', 'fd00::1'])(
    'reaches nothing when the name leads to %s',
    async (address) => {
      const poster = createPoster(names(address));
      const before = calls;
      const to = target(`https://callback.test:${String(port)}/x`);
      expect(await poster.post({ ...request, to })).toEqual({ inside: true });
      expect(calls).toBe(before);
      poster.close();
    },
  );

  it('reaches nothing when one of the addresses of the name is inside', async () => {
    const both: Resolve = (_name, _options, done) =>
      done(null, [
        { address: '93.184.215.14', family: 4 },
        { address: '10.0.0.8', family: 4 },
      ]);
    const poster = createPoster(both);
    const to = target(`https://callback.test:${String(port)}/x`);
    expect(await poster.post({ ...request, to })).toEqual({ inside: true });
    poster.close();
  });

  it('trusts the address that it connects to, not the one that was asked for before', async () => {
    // The first answer is good, every later one leads inside: each connection is judged by its own.
    const poster = createPoster(names('203.0.114.1', '127.0.0.1'));
    const before = calls;
    const to = target(`https://callback.test:${String(port)}/x`);
    const first = await poster.post({ ...request, to, timeoutMs: 200 });
    expect(first).not.toHaveProperty('status');
    expect(await poster.post({ ...request, to })).toEqual({ inside: true });
    expect(calls).toBe(before);
    poster.close();
  });

  it('is given up after its time, and then is in doubt', async () => {
    const poster = createPoster();
    const to = target(`http://127.0.0.1:${String(port)}/never`);
    expect(await poster.post({ ...request, to, timeoutMs: 100 })).toEqual({
      noAnswer: 'timeout',
      sent: true,
    });
    poster.close();
  });

  it('that nobody listens for was certainly not sent', async () => {
    const poster = createPoster();
    const to = target('http://127.0.0.1:1/');
    expect(await poster.post({ ...request, to })).toEqual({ noAnswer: 'ECONNREFUSED', sent: false });
    poster.close();
  });

  it('ends at once when its caller gives up', async () => {
    const poster = createPoster();
    const stop = new AbortController();
    const to = target(`http://127.0.0.1:${String(port)}/never`);
    const call = poster.post({ ...request, to, signal: stop.signal });
    setTimeout(() => stop.abort(new Error('stopped')), 50);
    await expect(call).rejects.toThrow('stopped');
    poster.close();
  });
});
