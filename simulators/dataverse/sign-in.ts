import { randomBytes } from 'node:crypto';
import { newGuid } from './values.js';

export interface Registration {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface TokenAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Grant {
  readonly audience: string;
  readonly expiresAt: number;
}

const refusal = (now: number, status: number, error: string, number: number, text: string): TokenAnswer => ({
  status,
  body: {
    error,
    error_description: `AADSTS${number}: ${text}`,
    error_codes: [number],
    timestamp: `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')}Z`,
    trace_id: newGuid(),
    correlation_id: newGuid(),
  },
});

/** The token endpoint of Microsoft Entra ID for one application, and the tokens it gave out. */
export class SignIn {
  readonly #registration: Registration;
  #grants = new Map<string, Grant>();

  constructor(registration: Registration) {
    this.#registration = registration;
  }

  /** Answers a client-credentials request (form fields as sent). */
  token(now: number, tenant: string, form: URLSearchParams, seconds: number): TokenAnswer {
    const { tenantId, clientId, clientSecret } = this.#registration;
    const client = form.get('client_id') ?? '';
    const secret = form.get('client_secret');
    if (tenant !== tenantId) {
      return refusal(now, 400, 'invalid_request', 90002, `Tenant '${tenant}' not found.`);
    }
    if (form.get('grant_type') !== 'client_credentials') {
      return refusal(
        now,
        400,
        'unsupported_grant_type',
        70003,
        'The app requested an unsupported grant type.',
      );
    }
    if (client !== clientId) {
      const text = `Application with identifier '${client}' was not found in the directory '${tenant}'.`;
      return refusal(now, 400, 'unauthorized_client', 700016, text);
    }
    if (secret === null) {
      const text = "'client_assertion', 'client_secret' or 'request' is required for this grant type.";
      return refusal(now, 401, 'invalid_client', 7000216, text);
    }
    if (secret !== clientSecret) {
      const text = `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${client}'.`;
      return refusal(now, 401, 'invalid_client', 7000215, text);
    }
    const scope = form.get('scope') ?? '';
    if (!scope.endsWith('/.default')) {
      return refusal(
        now,
        400,
        'invalid_scope',
        1002012,
        `The provided value for scope ${scope} is not valid.`,
      );
    }
    return this.#grant(now, scope.slice(0, -'/.default'.length), seconds);
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

  #grant(now: number, audience: string, seconds: number): TokenAnswer {
    const token = `sim.${randomBytes(48).toString('base64url')}`;
    this.#grants.set(token, { audience, expiresAt: now + seconds * 1000 });
    const body = {
      token_type: 'Bearer',
      expires_in: seconds,
      ext_expires_in: seconds,
      access_token: token,
    };
    return { status: 200, body };
  }
}
