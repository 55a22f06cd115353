import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';

import { format, resolveConfig } from 'prettier';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { DynamicsOptions, DynamicsSettings } from '../../dynamics/index.js';
import { FAILURES } from '../../rules/failures.js';
import { batchReply, type HeardPart, heardParts } from './batch-wire.js';
import { DOCUMENTED } from './error-table.js';
import { CALLS, endOf, healthy, healthyPart } from './every-call.js';
import {
  errorReply,
  type FakeDataverse,
  type Heard,
  type Reply,
  startFakeDataverse,
} from './fake-dataverse.js';
import type { Part } from './rights.js';
import { selfSigned } from '../support/self-signed.js';

const DOCUMENT = '../../docs/failures-dynamics.md';

let fake: FakeDataverse;
let untrusted: Server;
let nowhere: string;
beforeAll(async () => {
  fake = await startFakeDataverse();
  const gone = await startFakeDataverse();
  nowhere = gone.url;
  await gone.close();
  const { privateKey, certificate } = await selfSigned('localhost');
  untrusted = createServer({ key: privateKey, cert: certificate });
  await new Promise<void>((resolve) => untrusted.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  untrusted.close();
  await fake.close();
});

interface Fault {
  readonly what: string;
  /** Answers of the remote; all is well where it is absent. */
  readonly answer?: (request: Heard, count: number) => Reply;
  readonly token?: (count: number) => Reply;
  readonly settings?: () => Partial<DynamicsSettings>;
  readonly options?: Partial<DynamicsOptions>;
  /** Concerns batches alone. */
  readonly batches?: true;
}

const always = (what: string, reply: Reply): Fault => ({ what, answer: () => reply });
const html = (status: number): Reply => ({ status, body: '<html><body>We are sorry</body></html>' });
const throttled = (wait: string): Reply =>
  errorReply(429, '0x80072322', 'Slow down.', { 'retry-after': wait });
const entra = (status: number, error: string): Reply => ({
  status,
  body: { error, error_description: 'AADSTS1' },
});
const token = (what: string, reply: Reply): Fault => ({
  what: `Token endpoint: ${what}`,
  token: () => reply,
});
const impatient = { deadlines: { readMs: 60, writeMs: 60, signInMs: 5000 } };

const parts = (request: Heard, answer: (part: HeardPart, index: number) => Part | undefined): Reply =>
  request.url.endsWith('$batch')
    ? batchReply(heardParts(request).flatMap((part, index) => answer(part, index) ?? []))
    : healthy(fake)(request);
const inBatch = (what: string, answer: (request: Heard, count: number) => Reply): Fault => ({
  what: `In a batch: ${what}`,
  answer,
  batches: true,
});

const FAULTS: readonly Fault[] = [
  { what: 'Connection refused', settings: () => ({ url: nowhere }) },
  { what: 'No such host', settings: () => ({ url: 'http://dataverse.invalid' }) },
  {
    what: 'Certificate not trusted',
    settings: () => ({ url: `https://127.0.0.1:${(untrusted.address() as AddressInfo).port}` }),
  },
  always('Connection reset, before or after the call was carried out', 'drop'),
  always('Body cut', 'cut'),
  { ...always('No answer within the deadline', 'hang'), options: impatient },
  always('200 with HTML', html(200)),
  always('200, empty', { status: 200 }),
  always('200 with broken JSON', { status: 200, body: '{"value":[{"conta' }),
  always('200 with JSON of another form', { status: 200, body: { hello: [1] } }),
  always('302 to elsewhere', { status: 302, headers: { location: 'https://elsewhere.example/' } }),
  { what: '401 once', answer: (request, count) => (count === 1 ? { status: 401 } : healthy(fake)(request)) },
  always('400 of a gateway, with HTML', html(400)),
  always('400, empty', { status: 400 }),
  always('400 of a web server, `{"Message"}`', { status: 400, body: { Message: 'An error has occurred.' } }),
  always('401 again', { status: 401 }),
  always('403 of a gateway', html(403)),
  always('404 of a gateway', html(404)),
  always('408', { status: 408 }),
  always('409 of a gateway, with HTML', html(409)),
  always('410', { status: 410 }),
  always('412 without a code', { status: 412 }),
  always('413', html(413)),
  always('429, Retry-After in seconds', throttled('7')),
  always('429, Retry-After as a date', throttled('Sat, 22 Aug 2099 08:11:30 GMT')),
  always('429 without Retry-After', { status: 429 }),
  always('500 without a code', { status: 500 }),
  always('502 with HTML', html(502)),
  always('503 with HTML', html(503)),
  always('504 with HTML', html(504)),
  token('400 invalid_client', entra(400, 'invalid_client')),
  token('400 invalid_scope', entra(400, 'invalid_scope')),
  token('429', entra(429, 'throttled')),
  token('503', html(503)),
  token('200 with HTML', html(200)),
  token('connection reset', 'drop'),
  { ...token('no answer', 'hang'), options: { deadlines: { signInMs: 60 } } },
  inBatch('the first part missing, then all there', (request, count) =>
    parts(request, (part, index) => (count === 1 && index === 0 ? undefined : healthyPart(part))),
  ),
  inBatch('no part at all', (request) => parts(request, () => undefined)),
  inBatch('the last part missing each time', (request) =>
    parts(request, (part, index) =>
      index === heardParts(request).length - 1 ? undefined : healthyPart(part),
    ),
  ),
  inBatch('the body cut', (request) => {
    const reply = parts(request, healthyPart);
    return typeof reply === 'string' || !request.url.endsWith('$batch')
      ? reply
      : { ...reply, body: String(reply.body).slice(0, 40) };
  }),
  inBatch('a part with HTML', (request) => parts(request, () => ({ status: 200, body: '<html/>' }))),
  inBatch('parts with 429, which ends', (request, count) =>
    parts(request, (part) => (count === 1 ? (throttled('7') as Part) : healthyPart(part))),
  ),
  inBatch('parts with 429, which does not end', (request) => parts(request, () => throttled('7') as Part)),
  inBatch('parts with 503', (request) => parts(request, () => ({ status: 503 }))),
  inBatch('more answers than parts', (request) =>
    batchReply([...heardParts(request).map(healthyPart), { status: 204 }]),
  ),
  inBatch('no multipart answer', () => ({ status: 200, body: { value: [] } })),
];
const BATCHED = new Set(['columns', 'access', 'write (update)', 'write (create)']);

type Ends = Readonly<Record<string, string>>;

const goodToken: Reply = { status: 200, body: { token_type: 'Bearer', expires_in: 3599, access_token: 't' } };

async function endsOf({ answer, token, settings, options, batches }: Fault): Promise<Ends> {
  const ends: Record<string, string> = {};
  const given = settings?.();
  const at = { ...fake, ...(given?.url !== undefined && { url: given.url }) };
  fake.token = token ?? (() => goodToken);
  // A sign-in that failed is remembered, so that each call gets its own.
  let dynamics = fake.connect(options, given);
  for (const [name, call] of Object.entries(CALLS)) {
    if (batches && !BATCHED.has(name)) continue;
    let count = 0;
    fake.answer = (request) => (answer ?? healthy(fake))(request, (count += 1));
    ends[name] = await endOf(call(dynamics, at));
    if (token === undefined) continue;
    dynamics.close();
    dynamics = fake.connect(options, given);
  }
  dynamics.close();
  return ends;
}

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  Reads: [
    'whoAmI',
    'tableTraits',
    'columns',
    'access',
    'changes (first read)',
    'readRows',
    'findByEmail',
    'modifiedSince',
  ],
  'Changes by a link': ['changes (link)'],
  'One row read': ['readRow'],
  'Update in a batch': ['write (update)'],
  'Create in a batch': ['write (create)'],
  'Update alone': ['writeOne (update)'],
  'Create alone': ['writeOne (create)'],
};

/** What most calls of a group end in, and the others by name. */
function cell(calls: readonly string[], ends: Ends): string {
  const found = calls.filter((name) => ends[name] !== undefined);
  const kinds = [...new Set(found.map((name) => ends[name] ?? ''))];
  const named = (end: string): string[] => found.filter((name) => ends[name] === end);
  const [most = '–', ...others] = kinds.sort((a, b) => named(b).length - named(a).length);
  return [most, ...others.map((end) => `${named(end).join(', ')}: ${end}`)].join('; ');
}
const cells = (ends: Ends): string[] =>
  Object.values(GROUPS).map((calls) => cell(calls, ends).replaceAll('row ', '') || '–');
const table = (first: string, lines: readonly (readonly string[])[]): string =>
  [[first, ...Object.keys(GROUPS)], [first, ...Object.keys(GROUPS)].map(() => '---'), ...lines]
    .map((line) => `| ${line.join(' | ')} |`)
    .join('\n');

const WORDS = new RegExp(
  `^(read|no row|row (done|changed|exists|gone|refused \\([a-z-]+\\))|(row )?(${Object.values(FAILURES).join('|')})(, perhaps done)?)$`,
);
const understood = (what: string, ends: Ends): void => {
  for (const [name, end] of Object.entries(ends)) {
    for (const one of end.split(' / ')) expect(one, `${what}, ${name}`).toMatch(WORDS);
  }
};

/** Codes that end alike stand together. */
const byEnds = (found: readonly { readonly what: string; readonly ends: Ends }[]): string[][] => {
  const lines = new Map<string, string[]>();
  for (const { what, ends } of found) {
    const key = JSON.stringify(cells(ends));
    lines.set(key, [...(lines.get(key) ?? []), what]);
  }
  return [...lines].flatMap(([key, whats]) => whats.map((what) => [what, ...(JSON.parse(key) as string[])]));
};

const intro = `# Failures of Dynamics

What each fault that the Dataverse connector can meet ends in, call by call. Made by \`test/dynamics/fault-matrix.test.ts\`,
which lets every fault happen over HTTP; \`npx vitest run test/dynamics/fault-matrix.test.ts -u\` writes it anew.

A call that fails as a whole throws one of \`rules/failures.ts\`; a write answers per row. **perhaps done**: the remote may
have carried the write out, so the row is read before anything is sent again. **exists**, and **gone** where the answer does
not name the row: said, not proven, so the row is read before it is believed. \`RateLimited\`, \`Unavailable\`: repeated by the
activity. \`CursorInvalid\`: the table is read again from the start. Every other failure waits for people. \`–\`: cannot happen.
`;

describe('every fault in every call', () => {
  it('ends in a class that is known, and the document says which', async () => {
    const faults: string[][] = [];
    for (const fault of FAULTS) {
      const ends = await endsOf(fault);
      understood(fault.what, ends);
      faults.push([fault.what, ...cells(ends)]);
    }
    const asCall: { what: string; ends: Ends }[] = [];
    const asPart: { what: string; ends: Ends }[] = [];
    for (const { codes, name, status } of DOCUMENTED) {
      const [code = ''] = codes;
      const what = `${codes.map((one) => `\`${one}\``).join(' ')} ${name} (${status})`;
      const refusal = errorReply(status, code);
      asCall.push({ what, ends: await endsOf(always(what, refusal)) });
      asPart.push({ what, ends: await endsOf(inBatch(what, (request) => parts(request, () => refusal))) });
    }
    for (const { what, ends } of [...asCall, ...asPart]) understood(what, ends);
    const text = [
      intro,
      `## Faults of the network, of gateways and of the sign-in\n\n${table('Fault', faults)}`,
      `## Error codes of a whole call\n\n${table('Code', byEnds(asCall))}`,
      `## Error codes of a part of a batch\n\n${table('Code', byEnds(asPart))}`,
    ].join('\n\n');
    const file = new URL(DOCUMENT, import.meta.url).pathname;
    const config = await resolveConfig(file);
    await expect(await format(text, { ...config, filepath: file })).toMatchFileSnapshot(DOCUMENT);
  }, 120_000);
});
