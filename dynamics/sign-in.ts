import {
  type AuthenticationResult,
  ConfidentialClientApplication,
  type INetworkModule,
} from '@azure/msal-node';

import {
  FAILURES,
  RemoteFailure,
  TRANSIENT,
  type FailureDetails,
  type FailureType,
} from '../rules/failures.js';
import { redactor } from '../rules/redact.js';
import type { Http } from './http.js';
import { createTokenNetwork, type LastAnswer } from './token-network.js';
import type { DynamicsSettings } from './types.js';

/** The application's access token, fetched once however many ask. */
export interface SignIn {
  /**
   * A token that is good for some minutes.
   * @param refused the token that Dataverse just refused, so that a newer one is given
   * @throws RemoteFailure `Unauthorized`, `Misconfigured`, `RateLimited` or `Unavailable`, all without effect
   */
  token(refused?: string): Promise<string>;
  /** The token that is there without asking for one, if it is good at this moment and not `refused`. */
  held(refused?: string): string | undefined;
  /** `text` with the client's secret and the tokens of late struck out. */
  redact(text: string): string;
}

interface Held {
  readonly token: string;
  /** Epoch milliseconds: from then on MSAL decides whether it still serves. */
  readonly askAgainAt: number;
  /** Epoch milliseconds: not used from then on. */
  readonly goodUntil: number;
}

/** MSAL itself stops using a token 300 s before its end. */
const MARGIN_MS = 300_000;
const RENEWAL_RETRY_MS = 60_000;
const TOKENS_KEPT_SECRET = 3;
/** What Entra refuses needs somebody to mend it: until then calls need not ask each time. */
const REFUSAL_KEPT_MS = 30_000;

/**
 * Signs in by client credentials with MSAL, which keeps the token and knows its life; it does not collapse concurrent
 * requests, so that is done here.
 */
export function createSignIn(settings: DynamicsSettings, http: Http, timeoutMs: number): SignIn {
  const secret = settings.clientSecret ?? '';
  let tokens: readonly string[] = [];
  let redact = redactor([secret]);
  const network = createTokenNetwork(http, timeoutMs, (text) => redact(text));
  const application = createApplication(settings, network.module);
  const scopes = [`${new URL(settings.url).origin}/.default`];
  let held: Held | undefined;
  let asking: Promise<Held> | undefined;
  let refusal: { readonly details: FailureDetails; readonly until: number } | undefined;

  /** An answer may quote a token that was replaced while the call was under way. */
  function keepSecret(token: string): void {
    if (tokens.includes(token)) return;
    tokens = [token, ...tokens].slice(0, TOKENS_KEPT_SECRET);
    redact = redactor([secret, ...tokens]);
  }

  async function ask(skipCache: boolean): Promise<Held> {
    const needed = skipCache || held === undefined || Date.now() >= held.goodUntil;
    if (needed && refusal !== undefined && performance.now() < refusal.until) {
      throw new RemoteFailure(refusal.details);
    }
    try {
      const result = await application.acquireTokenByClientCredential({ scopes, skipCache });
      if (result === null || result.accessToken === '') throw new Error('no token in the answer');
      held = { token: result.accessToken, ...lifeOf(result) };
      keepSecret(held.token);
      return held;
    } catch {
      // A renewal ahead of time that fails does no harm as long as the old token is good.
      if (skipCache || held === undefined || Date.now() >= held.goodUntil) {
        const { details } = signInFailure(network.last(), settings);
        if (!TRANSIENT.has(details.type)) refusal = { details, until: performance.now() + REFUSAL_KEPT_MS };
        throw new RemoteFailure(details);
      }
      held = { ...held, askAgainAt: Math.min(Date.now() + RENEWAL_RETRY_MS, held.goodUntil) };
      return held;
    }
  }

  function askOnce(skipCache: boolean): Promise<Held> {
    asking ??= ask(skipCache).finally(() => (asking = undefined));
    return asking;
  }

  return {
    async token(refused) {
      const stale = held === undefined || held.token === refused || Date.now() >= held.askAgainAt;
      if (!stale && held !== undefined) return held.token;
      const { token } = await askOnce(refused !== undefined);
      // Who asked first may have been content with MSAL's cache.
      return token === refused ? (await askOnce(true)).token : token;
    },
    held: (refused) =>
      held !== undefined && held.token !== refused && Date.now() < held.goodUntil ? held.token : undefined,
    redact: (text) => redact(text),
  };
}

function lifeOf({ expiresOn, refreshOn }: AuthenticationResult): Pick<Held, 'askAgainAt' | 'goodUntil'> {
  const goodUntil = (expiresOn?.getTime() ?? 0) - MARGIN_MS;
  return { goodUntil, askAgainAt: Math.min(goodUntil, refreshOn?.getTime() ?? goodUntil) };
}

function createApplication(
  settings: DynamicsSettings,
  networkClient: INetworkModule,
): ConfidentialClientApplication {
  const { tenantId, clientId, clientSecret, certificate, tokenEndpoint } = settings;
  if ((clientSecret === undefined) === (certificate === undefined)) {
    throw misconfigured('Set exactly one of DATAVERSE_CLIENT_SECRET and a client certificate.');
  }
  try {
    return new ConfidentialClientApplication({
      auth: {
        clientId,
        authority: `https://login.microsoftonline.com/${encodeURIComponent(tenantId)}`,
        ...(clientSecret !== undefined && { clientSecret }),
        ...(certificate !== undefined && { clientCertificate: { ...certificate } }),
        ...(tokenEndpoint !== undefined && { authorityMetadata: metadataFor(tokenEndpoint) }),
      },
      system: { networkClient },
    });
  } catch {
    throw misconfigured('Check ENTRA_TENANT_ID, DATAVERSE_CLIENT_ID and the secret or certificate.');
  }
}

/** An OpenID document that MSAL takes as it is, so that it looks for no other; its tenant is the first segment. */
function metadataFor(tokenEndpoint: string): string {
  const at = (path: string): string => tokenEndpoint.replace(/\/oauth2\/v2\.0\/token$/, '').concat(path);
  return JSON.stringify({
    token_endpoint: tokenEndpoint,
    authorization_endpoint: at('/oauth2/v2.0/authorize'),
    end_session_endpoint: at('/oauth2/v2.0/logout'),
    jwks_uri: at('/discovery/v2.0/keys'),
    issuer: at('/v2.0'),
  });
}

/** MSAL's errors hide the status, and its throttle hides the answer: what the endpoint last said decides. */
function signInFailure(last: LastAnswer | undefined, settings: DynamicsSettings): RemoteFailure {
  if (last === undefined) {
    return misconfigured('Check ENTRA_TENANT_ID and the client certificate: no sign-in could be attempted.');
  }
  if ('noAnswer' in last) {
    return failure(FAILURES.unavailable, last.noAnswer, `no answer (${last.noAnswer}). Check the network.`);
  }
  const wait =
    last.throttledUntil === undefined ? undefined : Math.max(last.throttledUntil - Date.now(), 1000);
  const code = last.code ?? last.error ?? `HTTP ${last.status}`;
  if (last.status === 429) {
    return failure(FAILURES.rateLimited, code, `too many requests. ${againIn(wait)}`, wait);
  }
  if (last.status < 400 || last.status >= 500) {
    return failure(FAILURES.unavailable, code, `HTTP ${last.status}. ${againIn(wait)}`, wait);
  }
  return failure(
    FAILURES.unauthorized,
    code,
    `HTTP ${last.status}, ${last.error ?? 'no reason'}. ${mend(last.error, settings)}`,
  );
}

const againIn = (wait: number | undefined): string =>
  wait === undefined
    ? 'Try again later.'
    : `It is asked again in ${Math.ceil(wait / 1000)} s at the earliest.`;

function mend(error: string | undefined, settings: DynamicsSettings): string {
  if (error === 'invalid_client') {
    return settings.certificate === undefined
      ? 'DATAVERSE_CLIENT_SECRET is wrong or has expired, or DATAVERSE_CLIENT_ID is not its app: make a new secret in Entra.'
      : 'The client certificate is not (or no longer) one of the app DATAVERSE_CLIENT_ID in Entra.';
  }
  if (error === 'invalid_scope' || error === 'invalid_resource') {
    return 'DATAVERSE_URL is not an environment of this tenant.';
  }
  return 'Check ENTRA_TENANT_ID and DATAVERSE_CLIENT_ID.';
}

const misconfigured = (advice: string): RemoteFailure => failure(FAILURES.misconfigured, 'sign-in', advice);

function failure(type: FailureType, code: string, said: string, retryAfterMs?: number): RemoteFailure {
  return new RemoteFailure({
    type,
    side: 'dynamics',
    code,
    message: `Microsoft Entra did not sign us in to Dynamics: ${said}`,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    effect: 'none',
  });
}
