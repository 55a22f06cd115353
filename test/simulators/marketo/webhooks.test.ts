import Fastify from 'fastify';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startMarketoSimulator } from '../../../simulators/marketo/index.js';
import { parsedXml } from '../../../simulators/marketo/webhooks/xml.js';
import { partAt } from '../../../simulators/marketo/webhooks/response-mappings.js';
import { start, type Row, type Subject } from './client.js';

interface Receiver {
  readonly origin: string;
  readonly calls: { readonly url: string; readonly headers: Row; readonly body: string }[];
  /** What the next calls get: status and body; null is never answered. */
  readonly answers: (readonly [status: number, body: string] | null)[];
  atOnce: number;
  mostAtOnce: number;
}

async function receiver(): Promise<Receiver> {
  const app = Fastify({ forceCloseConnections: true });
  const calls: Receiver['calls'] = [];
  const answers: Receiver['answers'] = [];
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => done(null, text));
  const received: Receiver = { origin: '', calls, answers, atOnce: 0, mostAtOnce: 0 };
  app.all('/*', async (request, reply) => {
    calls.push({
      url: request.url,
      headers: request.headers,
      body: typeof request.body === 'string' ? request.body : '',
    });
    received.mostAtOnce = Math.max(received.mostAtOnce, ++received.atOnce);
    const answer = answers.length > 0 ? answers.shift() : ([200, '{"status":"accepted"}'] as const);
    await new Promise((resolve) => setImmediate(resolve));
    received.atOnce--;
    if (!answer) {
      reply.hijack();
      return reply;
    }
    return reply.code(answer[0]).send(answer[1]);
  });
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => app.close());
  return Object.assign(received, { origin });
}

const VALUES = { email: 'a@x.io', firstName: 'A "B" & Ç', leadScore: 5, unsubscribed: true };

/** A webhook in the flow of everybody who is created, followed by a step that shows that the flow went on. */
async function called({ path = '', ...webhook }: Row & { path?: string }, campaign: Row = CREATED) {
  const [subject, hook] = await Promise.all([start(), receiver()]);
  await subject.admin('POST', '/webhooks', { name: 'Hook', url: `${hook.origin}/hook${path}`, ...webhook });
  const flow = [
    { do: 'callWebhook', webhook: 'Hook' },
    { do: 'changeDataValue', field: 'leadStatus', value: 'went on' },
  ];
  await subject.admin('POST', '/campaigns', { name: 'Call', flow, ...campaign });
  return { subject, hook };
}

const CREATED = { triggers: [{ on: 'personCreated' }] };

const wentOn = (subject: Subject, id = 1001) =>
  vi.waitFor(
    async () => {
      const { person } = await subject.admin('GET', `/persons/${id}`);
      expect((person as Row)['leadStatus']).toBe('went on');
      return person as Row;
    },
    { timeout: 5000, interval: 10 },
  );
const logged = async (subject: Subject): Promise<unknown> =>
  ((await subject.admin('GET', '/activities?typeId=110'))['activities'] as Row[]).map((activity) =>
    Object.fromEntries(
      (activity['attributes'] as { name: string; value: unknown }[]).map(({ name, value }) => [name, value]),
    ),
  );

describe('a webhook is called with tokens replaced', () => {
  const TEMPLATE =
    '{"id":{{lead.Id}},"name":{{lead.First Name}},"score":{{lead.Lead Score}},"city":{{lead.City}}}';
  it.each<[string, Row & { path?: string }, { url?: string; type?: string; body: string }]>([
    [
      'JSON: Marketo adds the quotes and escapes',
      { encoding: 'json', payload: TEMPLATE },
      { type: 'application/json', body: '{"id":1001,"name":"A \\"B\\" & Ç","score":5,"city":null}' },
    ],
    [
      'none: values as they are',
      { payload: '{{lead.First Name}}|{{lead.City}}|{{campaign.id}}|{{trigger.Name}}' },
      { type: 'text/plain; charset=utf-8', body: 'A "B" & Ç||2001|Web service API' },
    ],
    [
      'form: percent-encoded, in the address too',
      {
        ...{ encoding: 'form', path: '?e={{lead.Email Address}}' },
        payload: 'n={{lead.First Name}}&u={{lead.Unsubscribed}}',
      },
      {
        ...{ url: '/hook?e=a%40x.io', type: 'application/x-www-form-urlencoded' },
        body: 'n=A+%22B%22+%26+%C3%87&u=true',
      },
    ],
    [
      'GET without a body',
      { method: 'GET', payload: 'x', path: '/{{lead.Id}}' },
      { url: '/hook/1001', body: '' },
    ],
  ])('%s', async (_what, webhook, expected) => {
    const { subject, hook } = await called(webhook);
    await subject.sync([VALUES]);
    await wentOn(subject);
    expect(hook.calls.map(({ url, headers, body }) => [url, headers['content-type'], body])).toEqual([
      [expected.url ?? '/hook', expected.type, expected.body],
    ]);
  });

  it('in headers too, which may name another content type', async () => {
    const headers = { 'X-Secret': 'sesame', 'X-Name': '{{lead.First Name}}\n', 'Content-Type': 'text/csv' };
    const { subject, hook } = await called({ payload: 'x', headers });
    await subject.sync([{ email: 'a@x.io', firstName: 'Ada' }]);
    await wentOn(subject);
    expect(hook.calls[0]?.headers).toMatchObject({
      ...{ 'x-secret': 'sesame', 'x-name': 'Ada', 'content-type': 'text/csv' },
    });
  });
});

describe('the answer of a webhook', () => {
  it('is logged (110), and its mapped parts are written, when they fit', async () => {
    const mappings = [
      { response: 'orders[0].id', field: 'Title' },
      { response: 'score', field: 'leadScore' },
      { response: 'score', field: 'unsubscribed' },
      { response: 'none', field: 'city' },
    ];
    const { subject, hook } = await called({ mappings, payload: 'x' });
    hook.answers.push([200, '{"orders":[{"id":"o-1"}],"score":"12"}']);
    await subject.sync([{ email: 'a@x.io', city: 'Rome' }]);
    const person = await wentOn(subject);
    expect(person).toMatchObject({ title: 'o-1', leadScore: 12, unsubscribed: false, city: 'Rome' });
    expect(await logged(subject)).toEqual([{ Response: '{"orders":[{"id":"o-1"}],"score":"12"}' }]);
  });

  it('is an error when it is empty, no 2xx, late, or not there; no call is repeated, and flows go on', async () => {
    const { subject, hook } = await called({ payload: 'x', mappings: [{ response: 'a', field: 'title' }] });
    const flow = [{ do: 'changeDataValue', field: 'rating', value: 'failed' }];
    const triggers = [{ on: 'webhookCalled', webhook: 'Hook', errorType: 500 }];
    await subject.admin('POST', '/campaigns', { name: 'Failed', triggers, flow });
    await subject.admin('PATCH', '/settings', { webhookTimeoutMs: 500, webhookConcurrency: 1 });
    hook.answers.push([200, ''], [500, '{"a":"x"}'], null);
    await subject.sync(['a', 'b', 'c'].map((name) => ({ email: `${name}@x.io` })));
    await Promise.all([1001, 1002, 1003].map((id) => wentOn(subject, id)));
    await subject.admin('POST', '/webhooks', { name: 'Hook', url: 'http://127.0.0.1:1' });
    await subject.sync([{ email: 'd@x.io' }]);
    await wentOn(subject, 1004);
    expect(await logged(subject)).toEqual([
      { 'Error Type': 1001 },
      { Response: '{"a":"x"}', 'Error Type': 500 },
      { Response: 'no answer within 500 ms', 'Error Type': 408 },
      { Response: expect.any(String) as unknown, 'Error Type': 503 },
    ]);
    expect(hook.calls).toHaveLength(3);
    await vi.waitFor(async () =>
      expect(await wentOn(subject, 1002)).toMatchObject({ rating: 'failed', title: null }),
    );
  });

  it('in a batch campaign is 1000, without a call', async () => {
    const { subject, hook } = await called({ payload: 'x' }, { type: 'batch' });
    await subject.sync([{ email: 'a@x.io' }]);
    await subject.admin('POST', '/campaigns/2001/run');
    await wentOn(subject);
    expect(await logged(subject)).toEqual([{ 'Error Type': 1000 }]);
    expect(hook.calls).toEqual([]);
  });

  it('is awaited by twenty persons at a time', async () => {
    const { subject, hook } = await called({ payload: 'x' });
    await subject.sync(Array.from({ length: 60 }, (_, index) => ({ email: `p${index}@x.io` })));
    await Promise.all(Array.from({ length: 60 }, (_, index) => wentOn(subject, 1001 + index)));
    expect(hook.calls).toHaveLength(60);
    expect(hook.mostAtOnce).toBeLessThanOrEqual(20);
  });
});

it('a webhook that the end of the simulator cuts off is not called again; the person goes on', async () => {
  const hook = await receiver();
  hook.answers.push(null);
  const first = await startMarketoSimulator();
  const admin = async (origin: string, path: string, body: Row): Promise<void> => {
    const { status } = await fetch(`${origin}/admin${path}`, { method: 'POST', body: JSON.stringify(body) });
    expect(status).toBe(200);
  };
  await admin(first.origin, '/webhooks', { name: 'Hook', url: hook.origin });
  const flow = [
    { do: 'callWebhook', webhook: 'Hook' },
    { do: 'changeDataValue', field: 'leadStatus', value: 'went on' },
  ];
  await admin(first.origin, '/campaigns', { name: 'Call', flow, ...CREATED });
  await admin(first.origin, '/persons', { input: [{ email: 'a@x.io' }] });
  await vi.waitFor(() => expect(hook.calls).toHaveLength(1));
  await first.close();
  const state = JSON.parse(JSON.stringify(first.state())) as ReturnType<typeof first.state>;
  await wentOn(await start({ state }));
  expect(hook.calls).toHaveLength(1);
});

it.each<[string, Row, string]>([
  ['a token', { url: 'http://x/{{lead.Nothing}}' }, '{{lead.Nothing}} is no field'],
  ['a field', { mappings: [{ response: 'a', field: 'nothing' }] }, "no person field 'nothing'"],
  ['a read-only field', { mappings: [{ response: 'a', field: 'mktoName' }] }, 'is read-only'],
  ['another protocol', { url: 'ftp://x' }, 'expected an http or https address'],
])('a webhook is refused that names %s', async (_what, webhook, message) => {
  const subject = await start();
  const made = subject.admin('POST', '/webhooks', { name: 'Hook', url: 'http://x', ...webhook });
  await expect(made).rejects.toThrow(message);
});

it('XML is read as the response mappings see it', () => {
  const answer = parsedXml(
    '<?xml version="1.0"?><r a="1"><list><item><x>1 &lt; 2</x></item><item><x><![CDATA[<b>]]></x></item></list><e/></r>',
  );
  expect(partAt(answer, 'r.list.item[0].x')).toBe('1 < 2');
  expect(partAt(answer, 'r.list.item[1].x')).toBe('<b>');
  expect(partAt(answer, 'r.e')).toBe('');
  expect(partAt(parsedXml('<r><item>1</item></r>'), 'r.item[0]')).toBe('1');
  for (const text of ['', 'plain', '<a><b></a>', '<a>', '</a>', '{"a":1}'])
    expect(parsedXml(text)).toBeUndefined();
});
