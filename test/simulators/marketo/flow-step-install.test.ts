import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startMarketoSimulator, type MarketoSimulator } from '../../../simulators/marketo/index.js';
import type { Row } from './client.js';
import {
  goodDefinition,
  goodDocument,
  referenceService,
  type ReferenceService,
} from './reference-service.js';

let service: ReferenceService;
let marketo: MarketoSimulator;

beforeAll(async () => {
  service = await referenceService();
  marketo = await startMarketoSimulator();
});
afterAll(() => Promise.all([marketo.close(), service.close()]));

const admin = async (method: string, path: string, body?: unknown) => {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const response = await fetch(`${marketo.origin}/admin${path}`, init);
  const answer = (await response.json()) as Row & { error?: string };
  return { status: response.status, answer };
};
const apiKey = { apiKey: 'sesame' };
const install = (more: Row = {}) =>
  admin('POST', '/flow-steps', { url: `${service.origin}/openapi.json`, credentials: apiKey, ...more });

/** Every test has the service as it should be, and not installed. */
beforeEach(async () => {
  const { answer } = await admin('GET', '/flow-steps');
  for (const { id } of answer['services'] as { id: number }[])
    await admin('DELETE', `/flow-steps/${id}?names=free`);
  service.document = goodDocument();
  service.definition = goodDefinition();
  service.status = { info: ['up'] };
  service.calls.length = 0;
});

const at = (node: unknown, path: readonly (string | number)[]): Record<string, unknown> =>
  path.reduce<unknown>((found, key) => (found as Row)[key], node) as Record<string, unknown>;
/** Changes one member of a document or definition; undefined removes it. */
const changed = (node: unknown, path: readonly (string | number)[], value: unknown): unknown => {
  const parent = at(node, path.slice(0, -1));
  const last = String(path.at(-1));
  if (value === undefined) Reflect.deleteProperty(parent, last);
  else parent[last] = value;
  return node;
};

/** What is changed, where, to what, and which words the refusal has. */
type Rule = [string, readonly (string | number)[], unknown, string];

const SUBMIT = ['paths', '/submitAsyncAction', 'post'] as const;
const DONE = [...SUBMIT, 'callbacks', 'selfServiceFlowComplete'] as const;
const CALLBACK = [...DONE, '{$request.body#/flowComplete}', 'post'] as const;
const SCHEMES = ['components', 'securitySchemes', 'key'] as const;

describe('a service that keeps the rules', () => {
  it('is installed: mappings are suggested, choices and icons fetched, its activity type is there', async () => {
    const { status, answer } = await install({ globals: { region: 'EU' } });
    expect(status).toBe(200);
    expect(answer).toMatchObject({
      ...{ name: 'Reference Service', providerName: 'Reference', apiName: 'reference', version: '1.2.3' },
      outgoing: [
        { serviceAttribute: 'emailAddress', marketoAttribute: 'email', active: true },
        { serviceAttribute: 'phoneNumber', marketoAttribute: 'phone' },
        { serviceAttribute: 'nickname', marketoAttribute: null },
      ],
      picklists: { 'flow:mode': [{ displayValue: 'lead', submittedValue: 'lead' }, {}] },
      icons: { brandIcon: { contentType: 'image/png', bytes: 4 } },
      ...{ instructions: '<p>Do</p>', globals: { region: 'EU' }, retired: false, deprecated: false },
      ...{ credentials: ['apiKey'], log: [expect.stringContaining('info up')] },
    });
    expect(service.calls.map(({ call, credentials }) => [call, credentials])).toEqual([
      ['GET /service/openapi.json', undefined],
      ['GET /service/status', 'sesame'],
      ['GET /service/getServiceDefinition', 'sesame'],
      ['POST /service/getPicklist', 'sesame'],
      ['GET /service/brandIcon', 'sesame'],
      ['GET /service/providerInstructions', 'sesame'],
    ]);
    expect(service.calls[3]?.body).toEqual({
      ...{ name: 'mode', type: 'flow' },
      fieldMappingContext: {
        invocation: [
          { marketoAttribute: 'email', serviceAttribute: 'emailAddress' },
          { marketoAttribute: 'phone', serviceAttribute: 'phoneNumber' },
        ],
        callback: expect.arrayContaining([{ marketoAttribute: 'title', serviceAttribute: 'job' }]) as unknown,
      },
    });
  });

  it.each<[string, Row, Row, unknown, string?]>([
    ['a key in the query', { type: 'apiKey', in: 'query', name: 'key' }, apiKey, 'sesame'],
    [
      'basic',
      { type: 'http', scheme: 'basic', 'x-realm-required': false },
      { username: 'ada', password: 'pass' },
      `Basic ${Buffer.from('ada:pass').toString('base64')}`,
    ],
    [
      'client credentials',
      {
        type: 'oauth2',
        flows: { clientCredentials: { tokenUrl: 'token', scopes: {}, 'x-clientIdName': 'app' } },
      },
      { clientId: 'c', clientSecret: 's' },
      expect.stringMatching(/^Bearer token \d+$/),
      'grant_type=client_credentials&app=c&client_secret=s',
    ],
    [
      'an authorization code, which counts more',
      {
        type: 'oauth2',
        flows: {
          clientCredentials: { tokenUrl: 'none', scopes: {} },
          authorizationCode: { tokenUrl: 'token', scopes: {} },
        },
      },
      { clientId: 'c', clientSecret: 's', refreshToken: 'r' },
      expect.stringMatching(/^Bearer token \d+$/),
      'grant_type=refresh_token&client_id=c&client_secret=s&refresh_token=r',
    ],
  ])('is called with its credentials: %s', async (_what, scheme, credentials, expected, form) => {
    service.document = changed(goodDocument(), SCHEMES, scheme);
    const { status, answer } = await install({ credentials });
    expect([answer.error, status]).toEqual([undefined, 200]);
    expect(service.calls.find(({ call }) => call.startsWith('GET /service/status'))?.credentials).toEqual(
      expected,
    );
    const tokens = service.calls.filter(({ call }) => call.endsWith('/token'));
    expect(tokens.map(({ body }) => body)).toEqual(form === undefined ? [] : [form]);
  });

  it('has its endpoints where its first server is', async () => {
    service.document = { ...goodDocument(), servers: [{ url: '/elsewhere' }] };
    expect((await install()).answer.error).toContain('GET /status answered 404');
  });

  it('may be mapped otherwise, but not to what is not there, or of another type', async () => {
    const mapped = (outgoing: Row) => install({ outgoing: [outgoing] });
    const refused = async (outgoing: Row) => (await mapped(outgoing)).answer.error;
    expect(await refused({ serviceAttribute: 'x', marketoAttribute: 'city' })).toContain("no field 'x'");
    expect(await refused({ serviceAttribute: 'nickname', marketoAttribute: 'nothing' })).toContain(
      "no person field 'nothing'",
    );
    expect(await refused({ serviceAttribute: 'nickname', marketoAttribute: 'leadScore' })).toContain(
      "a string cannot be person field 'leadScore'",
    );
    expect(await refused({ serviceAttribute: 'emailAddress', active: false })).toContain('is required');
    const incoming = [{ serviceAttribute: 'job', marketoAttribute: 'mktoName' }];
    expect((await install({ incoming })).answer.error).toContain('read-only');
    const { answer } = await mapped({ serviceAttribute: 'nickname', marketoAttribute: 'middleName' });
    expect(answer['outgoing']).toContainEqual(
      expect.objectContaining({ serviceAttribute: 'nickname', marketoAttribute: 'middleName', active: true }),
    );
    const id = String(answer['id']);
    const edited = await admin('PATCH', `/flow-steps/${id}`, {
      incoming: [{ serviceAttribute: 'job', active: false }],
    });
    expect(edited.answer['incoming']).toContainEqual(
      expect.objectContaining({ serviceAttribute: 'job', active: false }),
    );
  });

  it('is asked for its status and choices every night, and for its definition on demand', async () => {
    const { answer } = await install();
    const id = String(answer['id']);
    service.status = {
      warnings: ['slow'],
      deprecationMessage: 'gone',
      deprecationDate: '2020-01-01T00:00:00Z',
    };
    expect((await admin('POST', '/flow-steps/refresh')).answer).toEqual({ reference: 'refreshed' });
    const night = (await admin('GET', `/flow-steps/${id}`)).answer;
    expect(night).toMatchObject({ deprecated: true });
    expect((night['log'] as string[]).join('\n')).toContain('warning slow');
    service.status = 'nonsense';
    expect((await admin('POST', '/flow-steps/refresh')).answer['reference']).toContain('GET /status');
    service.status = {};
    const definition = goodDefinition();
    definition.callbackPayloadDef.attributes.push({
      ...{ apiName: 'extra', dataType: 'url', i18n: { en_US: { name: 'Extra' } } },
    });
    service.definition = definition;
    const renewed = await admin('POST', `/flow-steps/${id}/refresh`, { definition: true });
    expect(JSON.stringify(renewed.answer['definition'])).toContain('"extra"');
  });
});

describe('a document that breaks a rule is refused, and the rule named', () => {
  it.each<Rule>([
    ['another version', ['openapi'], '2.0', 'openapi: must be a version 3'],
    ...['title', 'version', 'x-providerName'].map((name): Rule => [
      ...([`no info.${name}`, ['info', name], undefined, `info.${name}: is missing`] as const),
    ]),
    ['no contact', ['info', 'x-supportContact'], {}, 'needs x-supportEmail or x-supportPage'],
    ['another schema version', ['info', 'x-schemaVersion'], '2', 'info.x-schemaVersion: must be 1.0.0'],
    ['a server without a url', ['servers'], [{}], 'servers[0].url: is missing'],
    ['no security', ['security'], [], 'security: the document needs'],
    ['an unknown scheme', ['security'], [{ other: [] }], "there is no 'other'"],
    ['a key in a cookie', [...SCHEMES, 'in'], 'cookie', 'in a header or in the query'],
    ['a key without a name', [...SCHEMES, 'name'], undefined, 'needs the name'],
    ['a bearer scheme', SCHEMES, { type: 'http', scheme: 'bearer' }, "only 'basic'"],
    ['basic with a realm', SCHEMES, { type: 'http', scheme: 'basic' }, 'x-realm-required: must be false'],
    ['openIdConnect', SCHEMES, { type: 'openIdConnect' }, "'openIdConnect' is not supported"],
    ['an implicit flow', SCHEMES, { type: 'oauth2', flows: { implicit: {} } }, 'needs clientCredentials'],
    [
      'a flow without an address',
      SCHEMES,
      { type: 'oauth2', flows: { clientCredentials: { scopes: {} } } },
      'tokenUrl: is missing',
    ],
    [
      'scopes',
      SCHEMES,
      { type: 'oauth2', flows: { authorizationCode: { tokenUrl: '/t', scopes: { all: '' } } } },
      'scopes: must be {}',
    ],
    [
      'no submitAsyncAction',
      ['paths', '/submitAsyncAction'],
      undefined,
      '/submitAsyncAction.post: is missing',
    ],
    [
      'no getServiceDefinition',
      ['paths', '/getServiceDefinition'],
      {},
      '/getServiceDefinition.get: is missing',
    ],
    ['no status', ['paths', '/status'], undefined, '/status.get: is missing'],
    ...['201', '400', '401', '403', '429', '500'].map((code): Rule => [
      ...([
        `no ${code}`,
        [...SUBMIT, 'responses', code],
        undefined,
        `responses.${code}: must be declared`,
      ] as const),
    ]),
    ['no body', [...SUBMIT, 'requestBody'], undefined, '.post.requestBody: is missing'],
    ['no callback', DONE, undefined, 'callbacks.selfServiceFlowComplete: is missing'],
    ['another key', DONE, { '{$request.body#/other}': { post: {} } }, "needs the key '{$request.body#/flowC"],
    ['no headers', [...CALLBACK, 'parameters'], [], 'the header x-callback-token is missing'],
    ['no callback body', [...CALLBACK, 'requestBody'], undefined, 'post.requestBody: is missing'],
    ['no 404', [...CALLBACK, 'responses', '404'], undefined, 'responses.404: must be declared'],
    ['no 405', [...CALLBACK, 'responses', '405'], undefined, 'responses.405: must be declared'],
    [
      'an inline schema',
      ['paths', '/status', 'get', 'responses', 200, 'content', 'application/json', 'schema'],
      { type: 'object' },
      "must be exactly $ref '#/components/schemas/serviceStatus'",
    ],
    [
      'a schema that is not there',
      ['components', 'schemas', 'serviceDefinition'],
      undefined,
      'components.schemas.serviceDefinition: is missing',
    ],
    [
      'an inline picklist',
      ['paths', '/getPicklist', 'post', 'responses'],
      {},
      "must be exactly $ref '#/components/schemas/picklistObject'",
    ],
    ['a picklist to get', ['paths', '/getPicklist'], { get: {} }, '/getPicklist.post: is missing'],
    [
      'an icon that is text',
      ['paths', '/brandIcon', 'get', 'responses', 200, 'content'],
      { 'text/plain': {} },
      'must be image/*',
    ],
    [
      'instructions that are JSON',
      ['paths', '/providerInstructions', 'get', 'responses', 200, 'content'],
      { 'application/json': {} },
      'must be text/html',
    ],
  ])('%s', async (_what, path, value, message) => {
    service.document = changed(goodDocument(), path, value);
    const { status, answer } = await install();
    expect(answer.error).toContain(message);
    expect(status).toBe(400);
    expect(service.calls).toHaveLength(1);
  });

  it('all broken rules at once, each on its line', async () => {
    service.document = { openapi: '3.0.0' };
    expect((await install()).answer.error?.split('\n').length).toBeGreaterThan(8);
  });

  it('a document that cannot be had, is too large, or no document', async () => {
    const from = (url: string) => admin('POST', '/flow-steps', { url, credentials: apiKey });
    expect((await from('ftp://example.com')).answer.error).toContain('url');
    expect((await from(`${service.origin}/nothing`)).answer.error).toContain('answered 404');
    expect((await from('http://127.0.0.1:1/openapi.json')).answer.error).toContain('GET http://127.0.0.1:1/');
    service.document = { large: 'x'.repeat(3_000_000) };
    expect((await install()).answer.error).toContain('longer than 2097152 bytes');
  });

  it('credentials of another kind', async () => {
    const { answer } = await install({ credentials: { username: 'ada' } });
    expect(answer.error).toBe('credentials: the service wants apiKey');
  });
});

describe('a definition that breaks a rule is refused, and the rule named', () => {
  const [SENT, BACK] = ['invocationPayloadDef', 'callbackPayloadDef'] as const;
  const attribute = (apiName: string, dataType = 'string') => ({
    ...{ apiName, dataType, i18n: { en_US: { name: apiName } } },
  });
  const field = (serviceAttribute: string) => ({
    ...{ serviceAttribute, dataType: 'string', description: { en_US: '' } },
  });
  it.each<Rule>([
    ...['apiName', 'primaryAttribute', 'i18n', SENT, BACK].map((name): Rule => [
      ...([`no ${name}`, [name], undefined, `${name}: Invalid input`] as const),
    ]),
    ['no trigger name', ['i18n', 'en_US', 'triggerName'], undefined, 'i18n.en_US.triggerName'],
    ['another primary attribute', ['primaryAttribute'], 'x', "'x' must be one of the flowAttributes"],
    ['a name on both sides', [BACK, 'attributes', 0], attribute('mode'), "'mode' is a flow attribute too"],
    ['a primary callback attribute', [BACK, 'attributes', 0], attribute('mode'), 'must not be a callback'],
    ['a name of its own', [BACK, 'attributes', 0], attribute('errorCode'), "'errorCode' exists on every"],
    ['a type that there is not', [BACK, 'attributes', 0], attribute('a', 'phone'), 'attributes.0.dataType'],
    ['an attribute twice', [SENT, 'flowAttributes', 1], attribute('mode'), "'mode' is declared twice"],
    ['the field id', [SENT, 'fields', 1], field('id'), "'id' is reserved"],
    ['a field twice', [BACK, 'fields', 1], field('job'), "'job' is declared twice"],
    ['a field without a description', [BACK, 'fields', 1, 'description'], undefined, 'fields.1.description'],
  ])('%s', async (_what, path, value, message) => {
    service.definition = changed(goodDefinition(), path, value);
    const { status, answer } = await install();
    expect(answer.error).toContain(message);
    expect(status).toBe(400);
  });

  it('choices without a place to ask for them, too many, or of another form', async () => {
    service.document = changed(goodDocument(), ['paths', '/getPicklist'], undefined);
    expect((await install()).answer.error).toContain('has no /getPicklist');
    service.document = goodDocument();
    const choice = { displayValue: { en_US: 'x' }, submittedValue: 'x' };
    service.choices = { choices: Array.from({ length: 1001 }, () => choice) };
    expect((await install()).answer.error).toContain('at most 1000 choices');
    service.choices = { choices: [{ ...choice, submittedValue: null }] };
    expect((await install()).answer.error).toContain("POST /getPicklist of 'mode'");
    service.choices = { choices: [{ ...choice, submittedValue: 'lead' }] };
    expect((await install({ globals: { nothing: 1 } })).answer.error).toContain("no parameter 'nothing'");
    expect((await install()).status).toBe(200);
    expect(marketo.state().flowStepServices?.services).toHaveLength(1);
  });
});

describe('an installed service', () => {
  it('is there once; its names stay taken when it is deleted, unless they are freed', async () => {
    const id = String((await install()).answer['id']);
    expect((await install()).answer.error).toContain('is installed already');
    expect((await admin('POST', `/flow-steps/${id}/retire`)).answer).toMatchObject({ retired: true });
    const step = { do: 'flowStep', service: 'reference', parameters: { mode: 'lead' } };
    const refused = await admin('POST', '/campaigns', { name: 'Late', flow: [step] });
    expect(refused.answer.error).toContain('is retired');
    await admin('DELETE', `/flow-steps/${id}`);
    expect((await install()).answer.error).toContain("The name 'reference' is taken");
    expect((await install({ apiName: 'mine' })).answer.error).toContain("The name 'Refer' is taken");
    expect((await admin('GET', '/flow-steps/999')).status).toBe(404);
    const other = goodDefinition();
    Object.assign(other.i18n.en_US, { name: 'R2', triggerName: 'T2', filterName: 'F2' });
    service.definition = other;
    expect((await install({ apiName: 'mine' })).status).toBe(200);
  });
});
