import { setMaxListeners } from 'node:events';
import { AdminRefusal } from '../admin.js';
import { callOut, NoAnswer, type OutboundAnswer } from '../outbound/call-out.js';
import type { Credentials, SecurityScheme } from './security-scheme.js';

/** A service, and what opens it. */
export interface Access {
  readonly base: string;
  readonly scheme: SecurityScheme;
  readonly credentials: Credentials;
}

export interface ServiceRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly timeoutMs: number;
  readonly mostBytes?: number;
}

const MOST_BYTES = 1_048_576;
const TOKEN_MARGIN_MS = 10_000;
const SETUP_TIMEOUT_MS = 30_000;

interface OAuthToken {
  readonly value: string;
  readonly until: number;
}

/** Calls the endpoints of services with their credentials. Access tokens are shared, and fetched once. */
export class ServiceCalls {
  readonly #tokens = new Map<string, Promise<OAuthToken>>();
  readonly #stopping = new AbortController();

  constructor() {
    // Every call in progress listens to it.
    setMaxListeners(0, this.#stopping.signal);
  }

  /** Aborted when the simulator ends. */
  get stopped(): AbortSignal {
    return this.#stopping.signal;
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** @throws NoAnswer */
  async call(access: Access, request: ServiceRequest): Promise<OutboundAnswer> {
    const first = await this.#send(access, request);
    if (first.status !== 401 || access.scheme.kind !== 'oauth2') return first;
    // The token may have been withdrawn.
    this.#tokens.delete(tokenKey(access));
    return this.#send(access, request);
  }

  /**
   * A call that must answer 200 with JSON.
   *
   * @throws AdminRefusal
   */
  async json(access: Access, method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const answer = await this.content(access, method, path, body);
    try {
      return JSON.parse(answer.text) as unknown;
    } catch {
      throw new AdminRefusal(400, `${method} ${path} answered no JSON: ${answer.text.slice(0, 200)}`);
    }
  }

  /** A call that must answer 200. */
  async content(
    access: Access,
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
  ): Promise<OutboundAnswer> {
    const answer = await refusing(`${method} ${path}`, () =>
      this.call(access, { method, path, body, timeoutMs: SETUP_TIMEOUT_MS }),
    );
    if (answer.status !== 200)
      throw new AdminRefusal(
        400,
        `${method} ${path} answered ${answer.status}: ${answer.text.slice(0, 200)}`.trim(),
      );
    return answer;
  }

  async #send(access: Access, request: ServiceRequest): Promise<OutboundAnswer> {
    const url = new URL(`${access.base}${request.path}`);
    const headers: Record<string, string> = { accept: 'application/json, */*;q=0.5' };
    await this.#authenticate(access, url, headers);
    const { method, timeoutMs, mostBytes = MOST_BYTES } = request;
    if (request.body === undefined)
      return callOut({ method, url: url.href, headers, timeoutMs, mostBytes, stopped: this.stopped });
    headers['content-type'] = 'application/json';
    const body = JSON.stringify(request.body);
    return callOut({ method, url: url.href, headers, body, timeoutMs, mostBytes, stopped: this.stopped });
  }

  async #authenticate(access: Access, url: URL, headers: Record<string, string>): Promise<void> {
    const { scheme, credentials } = access;
    switch (scheme.kind) {
      case 'apiKey':
        if (scheme.in === 'query') url.searchParams.set(scheme.name, credentials.apiKey ?? '');
        else headers[scheme.name] = credentials.apiKey ?? '';
        return;
      case 'basic': {
        const pair = `${credentials.username ?? ''}:${credentials.password ?? ''}`;
        headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
        return;
      }
      case 'oauth2':
        headers['authorization'] = `Bearer ${await this.#token(access)}`;
    }
  }

  async #token(access: Access): Promise<string> {
    const key = tokenKey(access);
    const known = await this.#tokens.get(key)?.catch(() => undefined);
    if (known && known.until > Date.now()) return known.value;
    const fetched = this.#fetchToken(access);
    this.#tokens.set(key, fetched);
    return (await fetched).value;
  }

  async #fetchToken({ base, scheme, credentials }: Access): Promise<OAuthToken> {
    if (scheme.kind !== 'oauth2') throw new NoAnswer('network', 'no token is needed');
    const form = new URLSearchParams({
      [scheme.grantTypeName]: scheme.flow === 'clientCredentials' ? 'client_credentials' : 'refresh_token',
      [scheme.clientIdName]: credentials.clientId ?? '',
      [scheme.clientSecretName]: credentials.clientSecret ?? '',
    });
    if (scheme.flow === 'authorizationCode') form.set('refresh_token', credentials.refreshToken ?? '');
    const { status, text } = await callOut({
      method: 'POST',
      url: new URL(scheme.tokenUrl, `${base}/`).href,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: form.toString(),
      timeoutMs: SETUP_TIMEOUT_MS,
      mostBytes: MOST_BYTES,
      stopped: this.stopped,
    });
    const token = status === 200 ? tokenIn(text) : undefined;
    if (token === undefined) throw new NoAnswer('network', `the token endpoint answered ${status}`);
    return token;
  }
}

const tokenKey = ({ scheme, credentials }: Access): string =>
  JSON.stringify([scheme.kind === 'oauth2' ? scheme.tokenUrl : '', credentials]);

function tokenIn(text: string): OAuthToken | undefined {
  try {
    const { access_token: value, expires_in: seconds } = JSON.parse(text) as Record<string, unknown>;
    if (typeof value !== 'string') return undefined;
    const lifetime = typeof seconds === 'number' ? seconds * 1000 : 0;
    return { value, until: Date.now() + Math.max(0, lifetime - TOKEN_MARGIN_MS) };
  } catch {
    return undefined;
  }
}

/** Turns a call without an answer into a refusal that names the call. */
export async function refusing<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof NoAnswer) throw new AdminRefusal(400, `${what}: ${error.message}`);
    throw error;
  }
}
