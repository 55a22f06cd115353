import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { format, resolveConfig } from 'prettier';
import { expect, it, onTestFinished } from 'vitest';
import type { Marketo, MarketoTiming } from '../../marketo/index.js';
import { FAILURES, RemoteFailure } from '../../rules/failures.js';
import { CODE_TABLE } from './code-table.js';
import { callOf, EVERY_CALL, goodBody, type EveryCall } from './every-call.js';
import { tableOf, type Fate, type FaultRow, type Struck } from './fault-table.js';
import { refuse, startRemote, type Remote, type Reply } from './remote.js';
import { selfSigned } from '../support/self-signed.js';

/** What strikes: an answer, or a place where the API cannot be reached. */
interface Fault {
  readonly name: string;
  readonly reply?: Reply;
  readonly endpoint?: () => Promise<string>;
  readonly timing?: Partial<MarketoTiming>;
}

const DATE = 'Fri, 20 Nov 2026 10:07:00 GMT';
const IN_TWO_MINUTES = 'Fri, 20 Nov 2026 10:09:00 GMT';
const PAGE = '<html><body>not here</body></html>';

const page = (status: number, headers: Readonly<Record<string, string>> = {}, body = PAGE): Reply => ({
  status,
  headers: { 'Content-Type': 'text/html', Date: DATE, ...headers },
  body,
});

/** A server whose certificate nobody has signed but itself. */
const untrusted = async (): Promise<string> => {
  const { privateKey, certificate } = await selfSigned('localhost');
  const server = createTlsServer({ key: privateKey, cert: certificate });
  onTestFinished(() => void server.close());
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve(`https://127.0.0.1:${(server.address() as AddressInfo).port}/rest`);
    });
  });
};

const CONNECTION: readonly Fault[] = [
  {
    name: 'nobody listens (ECONNREFUSED)',
    // Below those that are given out: nobody gets it meanwhile.
    endpoint: () => Promise.resolve('http://127.0.0.1:9/rest'),
  },
  { name: 'no such host (ENOTFOUND)', endpoint: () => Promise.resolve('http://no..host/rest') },
  { name: 'certificate is not trusted', endpoint: untrusted },
  { name: 'connection reset, before the call was executed or after', reply: 'drop' },
  { name: 'answer cut in the middle', reply: 'break' },
  { name: 'no answer within the deadline', reply: 'hang', timing: { callMs: 1_500, pagingTokenMs: 1_500 } },
  {
    name: 'answer has not ended at the deadline',
    reply: 'trickle',
    timing: { callMs: 1_500, pagingTokenMs: 1_500 },
  },
];

const STATUS: readonly Fault[] = [
  ...[301, 302, 307].map((status) => ({
    name: `${status} to elsewhere`,
    reply: page(status, { Location: 'http://127.0.0.1:9/elsewhere' }),
  })),
  ...[400, 401, 403, 404, 405, 407, 408, 409, 413, 414, 415, 418].map((status) => ({
    name: String(status),
    reply: page(status),
  })),
  { name: '429 without Retry-After', reply: page(429, {}, '') },
  { name: '429, Retry-After in seconds', reply: page(429, { 'Retry-After': '120' }, '') },
  { name: '429, Retry-After as a date', reply: page(429, { 'Retry-After': IN_TWO_MINUTES }, '') },
  ...[500, 502, 503, 504].map((status) => ({ name: `${status}, HTML`, reply: page(status) })),
  { name: '502, empty', reply: page(502, {}, '') },
  { name: '503, Retry-After in seconds', reply: page(503, { 'Retry-After': '120' }) },
  { name: '503, Retry-After as a date', reply: page(503, { 'Retry-After': IN_TWO_MINUTES }) },
];

const enveloped = (status: number, code: string, message: string): Fault => {
  const answer = refuse(code, message) as Exclude<Reply, string>;
  const headers = { Date: DATE, 'Retry-After': '120' };
  return { name: `${status} with ${code}, Retry-After in seconds`, reply: { ...answer, status, headers } };
};

const STATUS_AND_CODE: readonly Fault[] = [
  enveloped(429, '606', "Max rate limit '100' exceeded with in '20' secs"),
  enveloped(429, '615', "Concurrent access limit '10' reached"),
  enveloped(503, '608', 'API temporarily unavailable'),
  enveloped(503, '1003', 'Invalid data'),
];

const BODY: readonly Fault[] = [
  { name: 'HTML', reply: page(200) },
  { name: 'empty', reply: { body: '' } },
  { name: 'broken JSON', reply: { body: '{"success":true,"result":[' } },
  { name: 'JSON without an envelope', reply: { body: { hello: 'world' } } },
  { name: '`success:false` without errors', reply: { body: { success: false, errors: [] } } },
  {
    name: '`success:true` with a result of another shape',
    reply: { body: { success: true, nextPageToken: 7, result: { nope: 1 } } },
  },
  {
    name: '`success:true` with errors',
    reply: { body: { success: true, errors: [{ code: '604', message: 'request timed out' }] } },
  },
  { name: '`success:true` with HTTP 201', reply: { status: 201, body: { success: true, result: [] } } },
];

const codeFault = (code: string, gist: string): Fault => {
  const answer = refuse(code, gist) as Exclude<Reply, string>;
  return { name: `${code} ${gist}`, reply: { ...answer, headers: { Date: DATE } } };
};

const CODES = CODE_TABLE.map(({ code, gist }) => codeFault(code, gist));
const UNLISTED = [codeFault('599', 'any other of the 5xx'), codeFault('4711', 'any other code')];

/** Waits are too short to be seen in a test, and shown as they are in Marketo. */
const BRIEF = { rateLimitMs: 2, concurrencyMs: 1 };
const WAITS: Readonly<Record<number, number>> = { [BRIEF.rateLimitMs]: 20_000 };

async function fateOf(work: Promise<unknown>, again: () => number): Promise<Fate> {
  const outcome: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome === undefined) return { failed: false, again: again() };
  // Nothing else may leave the connector.
  expect(outcome).toBeInstanceOf(RemoteFailure);
  const { type, code, effect, message, retryAfterMs } = (outcome as RemoteFailure).details;
  expect(Object.values(FAILURES)).toContain(type);
  expect(code).toMatch(/^[\w.-]{1,40}$/);
  const advice = message.slice(message.lastIndexOf('): ') + 3).replace(/^.*HTTP \d+: /, '');
  expect(advice.length).toBeGreaterThan(10);
  const wait =
    code === '615' && (retryAfterMs ?? 0) < 1_000 ? 1_000 : (WAITS[retryAfterMs ?? 0] ?? retryAfterMs);
  return { failed: true, type, code, effect, retryAfterMs: wait, advice, again: again() };
}

/** Strikes `call`, made by `marketo`, with `fault`. */
async function strike(remote: Remote, marketo: Marketo, call: EveryCall, fault: Fault): Promise<Fate> {
  let met = 0;
  remote.answer = (seen) => {
    if (callOf(seen) !== call) return { body: goodBody(seen) };
    met += 1;
    return fault.reply ?? { body: goodBody(seen) };
  };
  return fateOf(call.make(marketo), () => Math.max(0, met - 1));
}

/** Every call meets every fault, each call at a remote of its own so that they need not wait for each other. */
async function matrix(faults: readonly Fault[]): Promise<FaultRow[]> {
  const endpoints = await Promise.all(faults.map(async ({ endpoint }) => endpoint?.()));
  const columns = await Promise.all(
    EVERY_CALL.map(async (call): Promise<Struck[]> => {
      const remote = await startRemote();
      const usual = remote.connect({ timing: BRIEF });
      const column: Struck[] = [];
      for (const [at, fault] of faults.entries()) {
        const { timing } = fault;
        const special = timing !== undefined || endpoints[at] !== undefined;
        const marketo = special ? remote.connect({ timing: { ...BRIEF, ...timing } }, endpoints[at]) : usual;
        column.push({ call, fate: await strike(remote, marketo, call, fault) });
      }
      return column;
    }),
  );
  return faults.map(({ name }, at) => ({
    fault: name,
    struck: columns.flatMap((column) => column[at] ?? []),
  }));
}

/** The same at the identity service, for which it matters only that no call was sent. */
async function identityMatrix(faults: readonly Fault[]): Promise<FaultRow[]> {
  const remote = await startRemote();
  const calls = EVERY_CALL.filter(({ name }) =>
    ["read today's usage", 'sync persons', 'read activities'].includes(name),
  );
  const rows: FaultRow[] = [];
  for (const { name, reply = 'drop', timing } of faults) {
    const struck: Struck[] = [];
    for (const call of calls) {
      const before = remote.signIns.length;
      remote.grant = () => reply;
      const marketo = remote.connect({ timing: { ...BRIEF, ...timing } });
      const fate = await fateOf(call.make(marketo), () => remote.signIns.length - before - 1);
      marketo.close();
      struck.push({ call, fate });
    }
    rows.push({ fault: name, struck });
  }
  expect(remote.calls).toEqual([]);
  return rows;
}

const allOf = (rows: readonly FaultRow[]): Struck[] => rows.flatMap(({ struck }) => struck);

const INTRODUCTION = `# Failures of Marketo

Every fault that the connector can meet at every call that it makes, and what becomes of it. This page is written by
\`test/marketo/fault-matrix.test.ts\`, which strikes each of the ${EVERY_CALL.length} calls with each fault over real HTTP; it
cannot say anything that the connector does not do. \`npx vitest run test/marketo/fault-matrix.test.ts -u\` writes it anew.

- **ends in**: the type of the failure, from the closed vocabulary in \`rules/failures.ts\`. \`Unavailable\`, \`RateLimited\`
  and \`Busy\` heal with time and are tried again; \`QuotaExhausted\` ends the cycle until the reset; \`CursorInvalid\` begins
  the stream again from its stored time; a \`RefusedCall\` is parted until the record that Marketo cannot take stands
  alone; \`Unauthorized\`, \`Forbidden\` and \`Misconfigured\` need somebody to mend something.
- **in doubt**: the write may have been executed. It is never sent again before somebody has looked.
- **sent again here**: by the connector itself, because nothing was executed; everything else is left to the cycle.
- **wait**: how long the failure asks everybody to wait.
`;

const KINDS = `The calls are ${EVERY_CALL.filter(({ kind }) => kind === 'read').length} reads (${names('read')}),
${EVERY_CALL.filter(({ kind }) => kind === 'stream').length} streams (${names('stream')}) and
${EVERY_CALL.filter(({ kind }) => kind === 'write').length} writes (${names('write')}).
`;

function names(kind: EveryCall['kind']): string {
  return EVERY_CALL.flatMap((call) => (call.kind === kind ? call.name : [])).join(', ');
}

it(
  'every fault at every call ends in a class that is stated, and the page says which',
  { timeout: 60_000 },
  async () => {
    const parts = {
      'No whole answer': await matrix(CONNECTION),
      'An HTTP status, with the page of a gateway': await matrix(STATUS),
      'An HTTP status beside a code of the error envelope': await matrix(STATUS_AND_CODE),
      'HTTP 200, and none of this API': await matrix(BODY),
      'A code of the error envelope': await matrix(CODES),
      'A code that Adobe does not list': await matrix(UNLISTED),
      'At the identity service': await identityMatrix([
        ...CONNECTION.filter(({ reply }) => reply !== undefined).map((fault) => ({
          ...fault,
          timing: { identityMs: 150 },
        })),
        ...STATUS.filter(({ name }) => !/^(302|307|405|407|409|413|414|415|418)/.test(name)),
        ...BODY.filter(({ name }) => !name.includes('success')),
      ]),
    };
    const tables = Object.entries(parts).map(([title, rows]) => tableOf(title, rows));

    const all = Object.values(parts).flatMap(allOf);
    expect(all.length).toBeGreaterThan(EVERY_CALL.length * 90);
    for (const { call, fate } of all) {
      if (!fate.failed) continue;
      // Only a write leaves a doubt, and what is in doubt is not sent again.
      if (call.kind !== 'write') expect(fate.effect).toBe('none');
      if (fate.effect === 'unknown') expect(fate.again).toBe(0);
    }
    // What is understood although Marketo refused: there is no such field; too many persons share a value.
    const understood = all.flatMap(({ call, fate }) => (fate.failed ? [] : call.name));
    expect([...new Set(understood)].toSorted()).toEqual([
      'read persons by email',
      'read the schema of a field',
    ]);

    const path = new URL('../../docs/failures-marketo.md', import.meta.url).pathname;
    const text = [INTRODUCTION, KINDS, ...tables].join('\n');
    const config = await resolveConfig(path);
    await expect(await format(text, { ...config, filepath: path })).toMatchFileSnapshot(path);
  },
);
