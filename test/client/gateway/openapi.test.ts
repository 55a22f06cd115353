import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { REQUEST_OUTCOMES } from '../../../activities/contract.js';
import { SERVICE_DEFINITION } from '../../../client/gateway/definition.js';
import { openApiDocument } from '../../../client/gateway/openapi.js';
import { componentSchemas } from '../../../client/gateway/schemas.js';
import { answerPerson } from '../../../rules/campaign-answer.js';

const Json = z.record(z.string(), z.unknown());
type Tree = Readonly<Record<string, never>>;

const documentOf = (webhook = true) =>
  JSON.parse(
    JSON.stringify(
      openApiDocument({
        ...{ publicUrl: 'https://gateway.example.com', supportContact: 'crm@example.com', version: '1.0.0' },
        webhook,
      }),
    ),
  ) as Record<'info' | 'paths' | 'components', Record<string, Tree>> & Record<string, unknown>;

/** What stands at a place, by the names on the way. */
const at = (tree: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((node, name) => Json.catch({}).parse(node)[name], tree);

// The rules of schema.yaml in Adobe's Marketo-SSFS-Service-Provider-Interface 1.0.0, as the contract lists them.
describe('The OpenAPI document', () => {
  const document = documentOf();

  it('says who offers the service, and where', () => {
    expect(document.info).toMatchObject({
      title: 'Sync Person to Dynamics',
      version: '1.0.0',
      'x-providerName': 'Contact Sync',
      'x-schemaVersion': '1.0.0',
      'x-supportContact': { 'x-supportEmail': 'crm@example.com' },
    });
    expect(document['servers']).toEqual([{ url: 'https://gateway.example.com' }]);
    expect(document['security']).toEqual([{ apiKey: [] }]);
    expect(at(document, 'components', 'securitySchemes', 'apiKey')).toEqual({
      ...{ type: 'apiKey', in: 'header', name: 'x-api-key' },
    });
  });

  it('declares the invocation, its answers and the callback', () => {
    const post = at(document, 'paths', '/submitAsyncAction', 'post');
    expect(at(post, 'requestBody')).toEqual({
      required: true,
      content: { 'application/json': { schema: { $ref: '#/components/schemas/async' } } },
    });
    expect(Object.keys(Json.parse(at(post, 'responses')))).toEqual(
      expect.arrayContaining(['201', '400', '401', '403', '429', '500']),
    );
    const callback = at(
      post,
      'callbacks',
      'selfServiceFlowComplete',
      '{$request.body#/flowComplete}',
      'post',
    );
    expect(at(callback, 'requestBody', 'content', 'application/json', 'schema')).toEqual({
      $ref: '#/components/schemas/flowCallBack',
    });
    expect(at(callback, 'parameters')).toMatchObject([
      { in: 'header', name: 'x-api-key', required: true },
      { in: 'header', name: 'x-callback-token', required: true },
    ]);
    expect(Object.keys(Json.parse(at(callback, 'responses')))).toEqual(
      expect.arrayContaining(['404', '405']),
    );
  });

  it.each([
    ['/getServiceDefinition', 'get', 'serviceDefinition'],
    ['/status', 'get', 'serviceStatus'],
    ['/getPicklist', 'post', 'picklistObject'],
  ])('answers %s by exactly its component', (path, method, name) => {
    const content = at(document, 'paths', path, method, 'responses', '200', 'content');
    expect(at(content, 'application/json', 'schema')).toEqual({ $ref: `#/components/schemas/${name}` });
  });

  it('declares pictures and the page by their types', () => {
    for (const path of ['/brandIcon', '/serviceIcon'])
      expect(at(document, 'paths', path, 'get', 'responses', '200', 'content')).toHaveProperty('image/*');
    expect(
      at(document, 'paths', '/providerInstructions', 'get', 'responses', '200', 'content'),
    ).toHaveProperty(['text/html']);
  });

  it('refers to nothing that it does not hold', () => {
    const names = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)].map(
      ([, name]) => name,
    );
    expect(Object.keys(componentSchemas())).toEqual(expect.arrayContaining([...new Set(names)]));
  });

  it('keeps the webhook to itself where there is none', () => {
    expect(document.paths).toHaveProperty('/webhook');
    expect(documentOf(false).paths).not.toHaveProperty('/webhook');
  });
});

describe('The service definition', () => {
  const { invocationPayloadDef, callbackPayloadDef, primaryAttribute } = SERVICE_DEFINITION;
  const flow = invocationPayloadDef.flowAttributes.map(({ apiName }) => apiName);
  const callback = callbackPayloadDef.attributes.map(({ apiName }) => apiName);

  it('keeps the names apart that have to be, and those that are reserved free', () => {
    expect(flow).toContain(primaryAttribute);
    expect(callback.filter((name) => flow.includes(name))).toEqual([]);
    for (const name of [...flow, ...callback]) expect(['success', 'reason', 'errorCode']).not.toContain(name);
    const fields = [...invocationPayloadDef.fields, ...callbackPayloadDef.fields];
    for (const { serviceAttribute } of fields) expect(serviceAttribute).not.toBe('id');
  });

  it('declares everything that a callback says', () => {
    for (const outcome of REQUEST_OUTCOMES) {
      const dynamicsId = '11111111-1111-4111-8111-111111111111';
      const told = answerPerson({ marketoId: 1, outcome, kind: 'lead', dynamicsId, code: 'x', words: null });
      const { success, reason, errorCode, ...attributes } = told.activityData;
      expect(callback).toEqual(expect.arrayContaining(Object.keys(attributes)));
      expect(typeof success).toBe('boolean');
      expect(reason === undefined).toBe(success);
      expect(errorCode === undefined).toBe(success);
      const { id, ...fields } = told.leadData;
      expect(id).toBe(1);
      expect(callbackPayloadDef.fields.map(({ serviceAttribute }) => serviceAttribute)).toEqual(
        expect.arrayContaining(Object.keys(fields)),
      );
    }
  });

  it('is what its own schema says', () => {
    const schemas = componentSchemas();
    const ajv = new Ajv({
      strict: false,
      schemas: Object.entries(schemas).map(([name, schema]) => ({
        $id: `#/components/schemas/${name}`,
        ...schema,
      })),
    });
    const validate = ajv.getSchema('#/components/schemas/serviceDefinition');
    expect(validate?.(SERVICE_DEFINITION)).toBe(true);
  });
});
