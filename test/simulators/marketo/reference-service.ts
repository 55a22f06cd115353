import Fastify, { type FastifyRequest } from 'fastify';
import type { Row } from './client.js';

/** What `POST /submitAsyncAction` was told. */
export interface Invocation {
  readonly token: string;
  readonly batchid: string;
  readonly apiCallBackKey: string;
  readonly campaignId: number;
  readonly callbackUrl: string;
  readonly context: Readonly<Record<string, Row>>;
  readonly objectData: readonly {
    readonly objectContext: Row & { readonly id: number };
    readonly flowStepContext: Row;
    readonly triggeringContext?: Row;
  }[];
}

/** A service provider as the contract has it, small: everything in it can be changed. */
export interface ReferenceService {
  readonly origin: string;
  document: unknown;
  definition: unknown;
  status: unknown;
  choices: unknown;
  /** HTTP status of the next answers to an invocation, then 201. 0 drops the connection, -1 never answers. */
  readonly answers: number[];
  readonly invocations: Invocation[];
  /** Every call with the credentials that it came with. */
  readonly calls: { readonly call: string; readonly credentials: unknown; readonly body: unknown }[];
  /** Answers the last or a given invocation; to every person by default. */
  callBack(body?: Row, invocation?: Invocation, headers?: Record<string, string>): Promise<number>;
  close(): Promise<void>;
}

const errorAnswers = Object.fromEntries(
  [201, 400, 401, 403, 429, 500].map((status) => [status, { description: String(status) }]),
);
const body = { content: { 'application/json': { schema: { type: 'object' } } } };
const header = (name: string) => ({ in: 'header', name, required: true, schema: { type: 'string' } });
const answerOf = (name: string) => ({
  responses: {
    200: { content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } } },
  },
});

/** A document that keeps every rule; a new one for each call. */
export const goodDocument = () => ({
  openapi: '3.0.1',
  info: {
    title: 'Reference Service',
    version: '1.2.3',
    'x-providerName': 'Reference',
    'x-schemaVersion': '1.0.0',
    'x-supportContact': { 'x-supportEmail': 'help@example.com' },
  } as Record<string, unknown>,
  servers: undefined as unknown,
  security: [{ key: [] }] as unknown,
  paths: {
    '/submitAsyncAction': {
      post: {
        requestBody: body,
        responses: { ...errorAnswers } as Record<string, unknown>,
        callbacks: {
          selfServiceFlowComplete: {
            '{$request.body#/flowComplete}': {
              post: {
                parameters: [header('x-api-key'), { $ref: '#/components/parameters/token' }],
                requestBody: body,
                responses: { 404: { description: '' }, 405: { description: '' } },
              },
            },
          },
        },
      },
    },
    '/getServiceDefinition': { get: answerOf('serviceDefinition') },
    '/status': { get: answerOf('serviceStatus') },
    '/getPicklist': { post: { requestBody: body, ...answerOf('picklistObject') } },
    '/brandIcon': { get: { responses: { 200: { content: { 'image/*': {} } } } } },
    '/providerInstructions': { get: { responses: { 200: { content: { 'text/html': {} } } } } },
  } as Record<string, unknown>,
  components: {
    parameters: { token: header('x-callback-token') },
    schemas: { serviceDefinition: {}, serviceStatus: {}, picklistObject: {} } as Record<string, unknown>,
    securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'x-api-key' } } as Record<string, unknown>,
  },
});

const named = (apiName: string, dataType = 'string') => ({
  ...{ apiName, dataType, i18n: { en_US: { name: apiName.toUpperCase() } } },
});
const field = (serviceAttribute: string, suggestedMarketoAttribute: string, dataType = 'string') => ({
  ...{ serviceAttribute, suggestedMarketoAttribute, dataType, description: { en_US: serviceAttribute } },
});

/** A definition that keeps every rule; a new one for each call. */
export const goodDefinition = () => ({
  apiName: 'reference' as unknown,
  primaryAttribute: 'mode',
  i18n: { en_US: { name: 'Refer', triggerName: 'Is Referred', filterName: 'Was Referred' } },
  invocationPayloadDef: {
    flowAttributes: [
      { ...named('mode'), hasPicklist: true, enforcePicklistSelect: true },
      named('greeting'),
      named('limit', 'integer'),
    ] as Record<string, unknown>[],
    globalAttributes: [named('region')] as Record<string, unknown>[],
    headers: [] as unknown[],
    userDrivenMapping: false,
    fields: [
      { ...field('emailAddress', 'email', 'email'), required: true },
      field('phoneNumber', 'phone'),
      field('nickname', 'nickname'),
    ] as Record<string, unknown>[],
    ...{ programContext: true, campaignContext: true, triggerContext: true, programMemberContext: true },
    ...{ subscriptionContext: true, myTokenContext: ['{{my.reason}}'] },
  },
  callbackPayloadDef: {
    attributes: [named('recordId'), named('tries', 'integer')] as Record<string, unknown>[],
    fields: [
      field('job', 'title'),
      field('score', 'leadScore', 'score'),
      field('optOut', 'unsubscribed', 'boolean'),
      field('demoAt', 'lastDemoAt', 'datetime'),
    ] as Record<string, unknown>[],
    userDrivenMapping: false,
  },
});

const goodChoices = () => ({
  choices: ['lead', 'contact'].map((submittedValue) => ({
    displayValue: { en_US: submittedValue },
    submittedValue,
  })),
});

export async function referenceService(): Promise<ReferenceService> {
  const app = Fastify({ forceCloseConnections: true, bodyLimit: 10_000_000 });
  const calls: ReferenceService['calls'] = [];
  const invocations: Invocation[] = [];
  const answers: number[] = [];
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, text, done) => done(null, text),
  );
  app.addHook('preHandler', (request, _reply, done) => {
    calls.push({ call: `${request.method} ${request.url}`, credentials: given(request), body: request.body });
    done();
  });
  const service: ReferenceService = {
    ...{ origin: '', document: goodDocument(), definition: goodDefinition(), choices: goodChoices() },
    ...{ status: { info: ['up'] }, answers, invocations, calls },
    callBack: async (content, invocation = invocations.at(-1), headers = {}) => {
      if (!invocation) throw new Error('There was no invocation');
      const { token, apiCallBackKey, callbackUrl, context, objectData } = invocation;
      const everybody = objectData.map(({ objectContext }) => ({
        ...{ leadData: { id: objectContext.id }, activityData: { success: true } },
      }));
      const answer = { munchkinId: context['subscription']?.['munchkinId'], objectData: everybody };
      const response = await fetch(callbackUrl, {
        method: 'POST',
        headers: {
          ...{ 'content-type': 'application/json', 'x-api-key': apiCallBackKey, 'x-callback-token': token },
          ...headers,
        },
        body: JSON.stringify({ ...answer, ...content }),
      });
      await response.text();
      return response.status;
    },
    close: () => app.close(),
  };
  app.get('/service/openapi.json', () => service.document);
  app.get('/service/status', () => service.status);
  app.get('/service/getServiceDefinition', () => service.definition);
  app.post('/service/getPicklist', () => service.choices);
  app.get('/service/brandIcon', (_request, reply) => reply.type('image/png').send(Buffer.from('icon')));
  app.get('/service/providerInstructions', (_request, reply) => reply.type('text/html').send('<p>Do</p>'));
  app.post('/service/token', () => ({ access_token: `token ${calls.length}`, expires_in: 3600 }));
  app.post<{ Body: Invocation }>('/service/submitAsyncAction', (request, reply) => {
    const status = answers.shift() ?? 201;
    invocations.push(request.body);
    if (status <= 0) {
      reply.hijack();
      if (status === 0) request.raw.socket.destroy();
      return reply;
    }
    return reply.code(status).send({});
  });
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  return Object.assign(service, { origin: `${origin}/service` });
}

const given = ({ headers, query }: FastifyRequest): unknown => {
  const { authorization, 'x-api-key': key } = headers;
  return authorization ?? key ?? (query as Row)['key'];
};
