import { z } from 'zod';
import { durationSchema } from './duration.js';
import { endpointSchema } from './endpoint.js';
import { callbacksSchema, gatewaySchema } from './gateway-schema.js';
import { portSchema } from './port.js';

const text = (what: string) => z.string({ error: `is missing. Set it to ${what}.` }).describe(what);

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** What every process reads. */
export const processSchema = z.object({
  SYNC_INSTALLATION: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be 1 to 64 letters, digits and hyphens.')
    .default('default')
    .describe('name of this installation; part of every workflow id'),
  SYNC_CONFIG: z.string().default('sync.config.yaml').describe('path of the field selection file'),
  SYNC_REST: durationSchema.prefault('5m').describe('rest between two cycles'),
  SYNC_DATA_DIR: z.string().default('.contact-sync').describe('folder of the private database'),
  SYNC_HEALTH_PORT: portSchema.prefault('8080').describe("port of the worker's health endpoint"),
  LOG_LEVEL: z
    .enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}.` })
    .default('info')
    .describe('least level that is logged'),
});

const MARKETO_PAGE = "(Marketo's admin page, Integration > Web Services, REST API)";
const LAUNCHPOINT = '(Marketo: Admin > Integration > LaunchPoint, View Details of the service)';
const ENTRA = '(Microsoft Entra admin center, App registrations)';

/** How to reach Marketo. */
export const marketoSchema = z.object({
  MARKETO_ENDPOINT: endpointSchema(`the Endpoint ${MARKETO_PAGE}`, {
    path: '/rest',
    example: 'https://123-abc-456.mktorest.com/rest',
  }),
  MARKETO_IDENTITY: endpointSchema(`the Identity ${MARKETO_PAGE}`, {
    path: '/identity',
    example: 'https://123-abc-456.mktorest.com/identity',
  }),
  MARKETO_CLIENT_ID: text(`the Client Id ${LAUNCHPOINT}`),
  MARKETO_CLIENT_SECRET: text(`the Client Secret ${LAUNCHPOINT}`),
});

/** How to reach Dataverse, but for the credential. */
export const dynamicsSchema = z.object({
  DATAVERSE_URL: endpointSchema('the address of the Dynamics 365 environment', {
    path: '',
    example: 'https://contoso.crm.dynamics.com',
  }),
  ENTRA_TENANT_ID: text(`the Directory (tenant) ID ${ENTRA}`).regex(
    /^(?!(common|organizations|consumers)$)[A-Za-z0-9.-]+$/i,
    'must be the id or a domain of your own tenant, not "common", "organizations" or "consumers".',
  ),
  DATAVERSE_CLIENT_ID: text(`the Application (client) ID ${ENTRA}`),
  ENTRA_TOKEN_ENDPOINT: endpointSchema('another token endpoint; unset in production', {
    example: 'http://127.0.0.1:4020/tenant/oauth2/v2.0/token',
  }).optional(),
});

/** How to sign in to Dataverse: a secret, or a certificate with its thumbprint. */
export const credentialSchema = z.object({
  DATAVERSE_CLIENT_SECRET: text(`the value of a client secret ${ENTRA}`).optional(),
  DATAVERSE_CLIENT_CERTIFICATE: text(
    'the path of a PEM file with the private key and its certificate',
  ).optional(),
  DATAVERSE_CLIENT_CERTIFICATE_THUMBPRINT: text(
    'the SHA-256 thumbprint of the certificate, 64 hexadecimal digits',
  )
    .transform((value) => value.replaceAll(/[:\s]/g, '').toUpperCase())
    .refine(
      (value) => /^[0-9A-F]{64}$/.test(value),
      'must be the SHA-256 thumbprint: 64 hexadecimal digits (SHA-1 has 40).',
    )
    .optional(),
});

/** Where the state is kept: unset means the private database in SYNC_DATA_DIR. */
export const storeSchema = z.object({
  DATABASE_URL: text('the address of a PostgreSQL database')
    .refine(
      (value) => URL.canParse(value) && /^postgres(ql)?:$/.test(new URL(value).protocol),
      'must be a PostgreSQL address like postgres://user:password@host:5432/database.',
    )
    .optional(),
});

/** All of the above, for documentation; `TEMPORAL_*` are Temporal's own. */
export const environmentSchema = z.object({
  ...marketoSchema.shape,
  ...dynamicsSchema.shape,
  ...credentialSchema.shape,
  ...storeSchema.shape,
  ...processSchema.shape,
  // Only the gateway needs them.
  ...gatewaySchema.partial().shape,
  ...callbacksSchema.shape,
});
