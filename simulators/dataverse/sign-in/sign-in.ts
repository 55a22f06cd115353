import { randomBytes } from 'node:crypto';
import { checkAssertion } from './client-assertion.js';
import type { Settings } from '../settings.js';
import { tokenRefusal, type TokenAnswer } from './token-refusals.js';

export type { TokenAnswer } from './token-refusals.js';

/** What the directory knows of the one application. */
export interface Registration {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** PEM; without it, client assertions are refused. */
  readonly clientCertificate?: string;
}

interface Grant {
  readonly audience: string;
  readonly expiresAt: number;
}

type SignInSettings = Pick<Settings, 'tokenSeconds' | 'secretExpiresAt' | 'applicationEnabled'>;

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const required = ['client_id', 'grant_type', 'scope'] as const;

/** The token endpoint of Microsoft Entra ID for one application, and the tokens it gave out. */
export class SignIn {
  readonly #registration: Registration;
  #grants = new Map<string, Grant>();

  constructor(registration: Registration) {
    this.#registration = registration;
  }

  /** Answers a client-credentials request (form fields as sent); `origin` is where this server listens. */
  token(
    now: number,
    tenant: string,
    form: URLSearchParams,
    settings: SignInSettings,
    origin: string,
  ): TokenAnswer {
    return (
      this.#refuseRequest(now, tenant, form, settings) ??
      this.#refuseCredential(now, form, settings, origin) ??
      this.#grantScope(now, form.get('scope') ?? '', settings.tokenSeconds)
    );
  }

  /** True for a token of ours that has not expired and was made for this environment. */
  accepts(now: number, authorization: string | undefined, origin: string): boolean {
    const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
    const grant = token === undefined ? undefined : this.#grants.get(token);
    if (grant === undefined || grant.expiresAt <= now) return false;
    return [origin, `${origin}/`, origin.replace('127.0.0.1', 'localhost')].includes(grant.audience);
  }

  /** Every token given out so far stops working. */
  expireAll(): void {
    this.#grants = new Map();
  }

  #refuseRequest(
    now: number,
    tenant: string,
    form: URLSearchParams,
    settings: SignInSettings,
  ): TokenAnswer | undefined {
    const { tenantId, clientId } = this.#registration;
    if (tenant !== tenantId) return tokenRefusal(now, 90002, `Tenant '${tenant}' not found.`);
    const missing = required.find((name) => (form.get(name) ?? '') === '');
    if (missing !== undefined) {
      const text = `The request body must contain the following parameter: '${missing}'.`;
      return tokenRefusal(now, 900144, text);
    }
    if (form.get('grant_type') !== 'client_credentials') {
      return tokenRefusal(now, 70003, 'The app requested an unsupported grant type.');
    }
    const client = form.get('client_id') ?? '';
    if (client !== clientId) {
      const text = `Application with identifier '${client}' was not found in the directory '${tenant}'.`;
      return tokenRefusal(now, 700016, text);
    }
    if (settings.applicationEnabled) return undefined;
    return tokenRefusal(now, 7000112, `Application '${client}' is disabled.`);
  }

  #refuseCredential(
    now: number,
    form: URLSearchParams,
    settings: SignInSettings,
    origin: string,
  ): TokenAnswer | undefined {
    const { clientId, clientSecret } = this.#registration;
    const [secret, assertion] = [form.get('client_secret'), form.get('client_assertion')];
    if (assertion !== null) return this.#refuseAssertion(now, form, assertion, origin);
    if (secret === null) {
      const text = "'client_assertion', 'client_secret' or 'request' is required for this grant type.";
      return tokenRefusal(now, 7000216, text);
    }
    if (secret !== clientSecret) {
      const text = `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`;
      return tokenRefusal(now, 7000215, text);
    }
    const ends = settings.secretExpiresAt;
    if (ends === null || Date.parse(ends) > now) return undefined;
    const text = `The provided client secret keys for app '${clientId}' are expired. Visit the Azure portal to create new keys for your app.`;
    return tokenRefusal(now, 7000222, text);
  }

  #refuseAssertion(
    now: number,
    form: URLSearchParams,
    assertion: string,
    origin: string,
  ): TokenAnswer | undefined {
    const { tenantId, clientId, clientCertificate: certificate } = this.#registration;
    if (form.get('client_assertion_type') !== assertionType) {
      return tokenRefusal(now, 900144, `The 'client_assertion_type' must be '${assertionType}'.`);
    }
    if (certificate === undefined) {
      return tokenRefusal(now, 700026, `Client application '${clientId}' has no configured keys.`);
    }
    const audiences = [origin, 'https://login.microsoftonline.com'].flatMap((host) => [
      `${host}/${tenantId}/oauth2/v2.0/token`,
      `${host}/${tenantId}/v2.0`,
    ]);
    const refused = checkAssertion(assertion, { clientId, certificate, audiences, now });
    return refused === undefined ? undefined : tokenRefusal(now, refused.number, refused.text);
  }

  #grantScope(now: number, scope: string, seconds: number): TokenAnswer {
    if (!scope.endsWith('/.default') || scope.includes(' ')) {
      const text = `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`;
      return tokenRefusal(now, 1002012, text);
    }
    const audience = scope.slice(0, -'/.default'.length);
    if (!/^(https?:\/\/[^/]+\/?|api:\/\/.+|[0-9a-f-]{36})$/i.test(audience)) {
      const text = `The resource principal named ${audience} was not found in the tenant. This can happen if the application has not been installed by the administrator of the tenant.`;
      return tokenRefusal(now, 500011, text);
    }
    const token = `sim.${randomBytes(48).toString('base64url')}`;
    this.#grants.set(token, { audience, expiresAt: now + seconds * 1000 });
    const body = { token_type: 'Bearer', expires_in: seconds, ext_expires_in: seconds, access_token: token };
    return { status: 200, body };
  }
}
