import { componentSchemas, flowCallBack, nameOf, refusal } from './schemas.js';
import { ROUTES, type Door, type Route } from './routes.js';

export interface Published {
  /** Where Marketo reaches the gateway, without a slash at its end. */
  readonly publicUrl: string;
  /** An e-mail address, or the address of a page. */
  readonly supportContact: string;
  readonly version: string;
  readonly webhook: boolean;
}

const ref = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
const jsonOf = (name: string): object => ({ 'application/json': { schema: ref(name) } });

/** Every answer that a route may give beside the good one. */
const REFUSALS = {
  400: 'The request is malformed; nothing was begun',
  401: 'The key is missing or wrong',
  403: 'The key is good, and this may not be asked for',
  405: 'Another method is needed here',
  408: 'The request came too slowly',
  413: 'The body is too large',
  415: 'The body is not JSON, or compressed',
  429: 'Too many requests: wait as Retry-After says',
  431: 'The headers are too large',
  500: 'Nothing was begun; the same request may be sent again',
} as const;

const REFUSALS_OF: Readonly<Record<Door, readonly (keyof typeof REFUSALS)[]>> = {
  open: [400, 405, 408, 415, 429, 431, 500],
  'flow-step': [400, 401, 403, 405, 408, 413, 415, 429, 431, 500],
  webhook: [400, 401, 405, 408, 413, 415, 429, 431, 500],
};

const header = (name: string, description: string): object => ({
  ...{ in: 'header', name, description, required: true, schema: { type: 'string' } },
});

/** The callback as Marketo's published rules want it declared. */
const CALLBACKS = {
  selfServiceFlowComplete: {
    '{$request.body#/flowComplete}': {
      post: {
        parameters: [
          header('x-api-key', 'Key of the gateway, as the invocation gave it'),
          header('x-callback-token', 'One-time token, as the invocation gave it'),
        ],
        requestBody: {
          description: 'What became of every person',
          content: jsonOf(nameOf(flowCallBack)),
        },
        responses: {
          202: { description: 'Taken' },
          404: { description: 'Not found' },
          405: { description: 'Invalid input' },
        },
      },
    },
  },
};

const operationOf = ({ path, door, summary, body, answer }: Route): object => {
  const { status, description, type, schema } = answer;
  const shown = schema === undefined ? binaryOrText(type) : ref(nameOf(schema));
  const refused = REFUSALS_OF[door].map((code) => [
    String(code),
    { description: REFUSALS[code], content: jsonOf(nameOf(refusal)) },
  ]);
  return {
    operationId: path.slice(1),
    summary,
    ...(body !== undefined && { requestBody: { required: true, content: jsonOf(nameOf(body)) } }),
    responses: {
      [status]: { description, content: { [type]: { schema: shown } } },
      ...(Object.fromEntries(refused) as object),
    },
    ...(door === 'open' && { security: [] }),
    ...(door === 'webhook' && { security: [{ webhookSecret: [] }] }),
    ...(path === '/submitAsyncAction' && { callbacks: CALLBACKS }),
  };
};

const binaryOrText = (type: string): object =>
  type.startsWith('image/') ? { type: 'string', format: 'binary' } : { type: 'string' };

/**
 * The document by which an administrator of Marketo installs the flow step. It follows the published rules of Adobe's
 * service provider interface, version 1.0.0, and is made of the very routes and schemas that the server runs.
 */
export const openApiDocument = ({ publicUrl, supportContact, version, webhook }: Published): object => ({
  openapi: '3.0.3',
  info: {
    title: 'Sync Person to Dynamics',
    description: 'Campaign action of Contact Sync: creates the lead or contact of a person in Dynamics 365.',
    version,
    'x-providerName': 'Contact Sync',
    'x-schemaVersion': '1.0.0',
    'x-supportContact': supportContact.includes('://')
      ? { 'x-supportPage': supportContact }
      : { 'x-supportEmail': supportContact },
  },
  servers: [{ url: publicUrl }],
  security: [{ apiKey: [] }],
  paths: Object.fromEntries(
    ROUTES.filter(({ door }) => webhook || door !== 'webhook').map((route) => [
      route.path,
      { [route.method.toLowerCase()]: operationOf(route) },
    ]),
  ),
  components: {
    securitySchemes: {
      apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
      ...(webhook && { webhookSecret: { type: 'apiKey', in: 'header', name: 'x-webhook-secret' } }),
    },
    schemas: componentSchemas(),
  },
});
