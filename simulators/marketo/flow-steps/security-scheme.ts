import { z } from 'zod';
import { child, isNode, textAt, type Node } from './json.js';

/** How calls of a service are authenticated. */
export type SecurityScheme =
  | { readonly kind: 'apiKey'; readonly in: 'header' | 'query'; readonly name: string }
  | { readonly kind: 'basic' }
  | {
      readonly kind: 'oauth2';
      readonly flow: 'clientCredentials' | 'authorizationCode';
      readonly tokenUrl: string;
      /** Names of the parameters of a token request. */
      readonly grantTypeName: string;
      readonly clientIdName: string;
      readonly clientSecretName: string;
    };

/** What an administrator enters. */
export const credentialsSchema = z.strictObject({
  apiKey: z.string().min(1).exactOptional(),
  username: z.string().min(1).exactOptional(),
  password: z.string().exactOptional(),
  clientId: z.string().min(1).exactOptional(),
  clientSecret: z.string().min(1).exactOptional(),
  /** What the consent of the authorization code flow would have given. */
  refreshToken: z.string().min(1).exactOptional(),
});

export type Credentials = z.infer<typeof credentialsSchema>;

/** The scheme that Marketo uses, the first of the root `security`; or what is wrong with it. */
export function securityScheme(document: Node): SecurityScheme | { readonly problem: string } {
  const security = document['security'];
  const first: unknown = Array.isArray(security) ? security[0] : undefined;
  const name = isNode(first) ? Object.keys(first)[0] : undefined;
  if (name === undefined)
    return { problem: 'security: the document needs a root `security` with at least one scheme' };
  const schemes = child(document, 'components', 'securitySchemes');
  if (!isNode(schemes[name]))
    return { problem: `components.securitySchemes: there is no '${name}', which \`security\` names` };
  return schemeOf(`components.securitySchemes.${name}`, schemes[name]);
}

function schemeOf(at: string, scheme: Node): SecurityScheme | { readonly problem: string } {
  switch (scheme['type']) {
    case 'apiKey': {
      const place = scheme['in'];
      const name = textAt(scheme, 'name');
      if (place !== 'header' && place !== 'query')
        return { problem: `${at}.in: an API key is sent in a header or in the query` };
      return name === undefined
        ? { problem: `${at}.name: an API key needs the name of its parameter` }
        : { kind: 'apiKey', in: place, name };
    }
    case 'http':
      if (scheme['scheme'] !== 'basic')
        return { problem: `${at}.scheme: of the http schemes only 'basic' is supported` };
      return scheme['x-realm-required'] === false
        ? { kind: 'basic' }
        : { problem: `${at}.x-realm-required: must be false` };
    case 'oauth2':
      return oauth(at, scheme);
    default:
      return {
        problem: `${at}.type: '${String(scheme['type'])}' is not supported; use apiKey, http or oauth2`,
      };
  }
}

function oauth(at: string, scheme: Node): SecurityScheme | { readonly problem: string } {
  const flows = child(scheme, 'flows');
  const flow = (['authorizationCode', 'clientCredentials'] as const).find((name) => isNode(flows[name]));
  if (flow === undefined)
    return { problem: `${at}.flows: needs clientCredentials or authorizationCode, which are supported` };
  const chosen = child(flows, flow);
  const tokenUrl = textAt(chosen, 'tokenUrl');
  if (tokenUrl === undefined) return { problem: `${at}.flows.${flow}.tokenUrl: is missing` };
  if (!isNode(chosen['scopes']) || Object.keys(chosen['scopes']).length > 0)
    return { problem: `${at}.flows.${flow}.scopes: must be {}` };
  const named = (key: string, usual: string): string => textAt(chosen, key) ?? textAt(scheme, key) ?? usual;
  return {
    kind: 'oauth2',
    flow,
    tokenUrl,
    grantTypeName: named('x-grantTypeName', 'grant_type'),
    clientIdName: named('x-clientIdName', 'client_id'),
    clientSecretName: named('x-clientSecretName', 'client_secret'),
  };
}

const NEEDED = {
  apiKey: ['apiKey'],
  basic: ['username', 'password'],
  clientCredentials: ['clientId', 'clientSecret'],
  authorizationCode: ['clientId', 'clientSecret', 'refreshToken'],
} as const;

/** Names of the credentials that are still missing for a scheme. */
export const missingCredentials = (scheme: SecurityScheme, credentials: Credentials): string[] =>
  NEEDED[scheme.kind === 'oauth2' ? scheme.flow : scheme.kind].filter(
    (name) => credentials[name] === undefined,
  );
