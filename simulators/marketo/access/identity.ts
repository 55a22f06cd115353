import { randomUUID } from 'node:crypto';
import type { Permission } from './permissions.js';
import type { Settings } from '../settings.js';

/** A custom service of the instance: what a client signs in as. */
export interface Service {
  readonly id: string;
  readonly secret: string;
  /** The API-only user that owns it; usage is counted per user. */
  readonly user: string;
  /** What the user's role may do; the setting `permissions` decides when absent. */
  readonly permissions?: readonly Permission[];
}

interface Token {
  readonly text: string;
  readonly service: Service;
  expiresAt: number;
}

/** The answer of the token endpoint: an OAuth body, not Marketo's envelope. */
export interface IdentityAnswer {
  readonly status: 200 | 401;
  readonly body: Readonly<Record<string, string | number>>;
}

/**
 * The identity service. A token belongs to the custom service (client id): while it lives, every request gets the same
 * one with a smaller `expires_in`, and other services have theirs (Adobe REST docs, "Authentication").
 */
export class Identity {
  readonly #services = new Map<string, Service>();
  readonly #settings: () => Settings;
  readonly #now: () => number;
  readonly #issued = new Map<string, Token>();
  readonly #current = new Map<string, Token>();
  #changes = 0;

  constructor(service: Service, settings: () => Settings, now: () => number) {
    this.#services.set(service.id, service);
    this.#settings = settings;
    this.#now = now;
  }

  /** Grows with every service that is added. */
  get changes(): number {
    return this.#changes;
  }

  /** Every service, the one that the instance began with first. */
  services(): readonly Service[] {
    return [...this.#services.values()];
  }

  /** Adds a service. The caller has checked that its client id is free: a token must not change its owner. */
  addService(service: Service): void {
    this.#services.set(service.id, service);
    this.#changes++;
  }

  token(query: Readonly<Record<string, string>>): IdentityAnswer {
    const clientId = query['client_id'] ?? '';
    if (query['grant_type'] !== 'client_credentials') {
      return refusal('unsupported_grant_type', `Unsupported grant type: ${query['grant_type'] ?? ''}`);
    }
    const service = this.#services.get(clientId);
    // Which cause has which of the two bodies is not documented.
    if (!service) return refusal('unauthorized', `No client with requested id: ${clientId}`);
    if (query['client_secret'] !== service.secret) return refusal('invalid_client', 'Bad client credentials');
    const token = this.#alive(service) ?? this.#issue(service);
    const expiresIn = Math.max(0, Math.ceil((token.expiresAt - this.#now()) / 1000) - 1);
    return {
      status: 200,
      body: { access_token: token.text, token_type: 'bearer', expires_in: expiresIn, scope: service.user },
    };
  }

  /** The service that calls, or the code with which its Authorization header is refused. */
  caller(authorization: string | undefined): Service | '601' | '602' | '603' {
    if (authorization === undefined || authorization === '') return '603';
    const text = /^Bearer\s+(\S+)$/i.exec(authorization)?.[1];
    const token = text === undefined ? undefined : this.#issued.get(text);
    if (!token) return '601';
    return token.expiresAt > this.#now() ? token.service : '602';
  }

  /** From now on every token given out so far is expired. */
  expireAll(): void {
    for (const token of this.#issued.values()) token.expiresAt = Math.min(token.expiresAt, this.#now());
  }

  #alive(service: Service): Token | undefined {
    const current = this.#current.get(service.id);
    return current && current.expiresAt > this.#now() ? current : undefined;
  }

  #issue(service: Service): Token {
    const expiresAt = this.#now() + this.#settings().tokenLifetimeSeconds * 1000;
    const token = { text: `${randomUUID()}:sim`, service, expiresAt };
    this.#current.set(service.id, token);
    this.#issued.set(token.text, token);
    return token;
  }
}

const refusal = (error: string, description: string): IdentityAnswer => ({
  status: 401,
  body: { error, error_description: description },
});
