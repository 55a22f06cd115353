import type { Fault } from '../http/faults.js';
import type { ApiRequest, ApiResponse } from '../http/messages.js';
import type { Organization } from '../organization.js';
import type { SignIn, TokenAnswer } from './sign-in.js';
import { tokenRefusal } from './token-refusals.js';

const jsonHeaders = { 'Content-Type': 'application/json; charset=utf-8' } as const;

const answerOf = (
  { status, body }: TokenAnswer,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse => ({
  status,
  headers: { ...jsonHeaders, 'Cache-Control': 'no-store, no-cache', ...headers },
  body: JSON.stringify(body),
  code: status === 200 ? null : String(body['error']),
});

const tokenPath = /^\/([^/]+)\/oauth2\/v2\.0\/token(\?|$)/;
const openIdPath = /^\/([^/]+)\/v2\.0\/\.well-known\/openid-configuration(\?|$)/;
const keysPath = /^\/[^/]+\/discovery\/v2\.0\/keys(\?|$)/;
const instancePath = /^\/common\/discovery\/instance(\?|$)/;

/** True for the addresses of Microsoft Entra ID that this server answers beside the Web API. */
export const isSignInAddress = ({ method, url }: ApiRequest): boolean =>
  method === 'POST'
    ? tokenPath.test(url)
    : method === 'GET' && [openIdPath, keysPath, instancePath].some((path) => path.test(url));

/** The OpenID configuration of a tenant, every address at this server. */
const openIdConfiguration = (origin: string, tenant: string): Readonly<Record<string, unknown>> => {
  const base = `${origin}/${tenant}`;
  return {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: `${base}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
    tenant_region_scope: 'EU',
    cloud_instance_name: 'microsoftonline.com',
  };
};

const discovery = (origin: string, tenantId: string, url: string): TokenAnswer => {
  if (keysPath.test(url)) return { status: 200, body: { keys: [] } };
  const tenant = openIdPath.exec(url)?.[1] ?? tenantId;
  if (openIdPath.test(url)) return { status: 200, body: openIdConfiguration(origin, tenant) };
  const host = origin.replace(/^https?:\/\//, '');
  const body = {
    tenant_discovery_endpoint: `${origin}/${tenant}/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  };
  return { status: 200, body };
};

/** Answers a request to Microsoft Entra ID: tokens and the discovery documents around them. */
export const answerSignIn = (
  organization: Organization,
  signIn: SignIn,
  tenantId: string,
  request: ApiRequest,
): ApiResponse => {
  const now = organization.now();
  const tenant = tokenPath.exec(request.url)?.[1];
  if (request.method === 'POST' && tenant !== undefined) {
    const form = new URLSearchParams(request.body);
    return answerOf(signIn.token(now, tenant, form, organization.settings, organization.origin));
  }
  const asked = openIdPath.exec(request.url)?.[1];
  if (asked !== undefined && asked !== tenantId) {
    return answerOf(tokenRefusal(now, 90002, `Tenant '${asked}' not found.`));
  }
  return answerOf(discovery(organization.origin, tenantId, request.url));
};

/** A fault at the token endpoint, in the words of Microsoft Entra ID rather than of the Web API. */
export const signInFault = (
  now: number,
  fault: Fault,
  headers: Readonly<Record<string, string>>,
): ApiResponse => {
  const throttled = fault.status === 429;
  const text = throttled
    ? 'There are too many incoming requests.'
    : 'A transient error has occurred. Please try again.';
  return answerOf(tokenRefusal(now, throttled ? 90055 : 90033, text, fault.status), headers);
};
