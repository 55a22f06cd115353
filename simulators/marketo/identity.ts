import { randomUUID } from 'node:crypto';
import type { Settings } from './settings.js';

interface Token {
  readonly text: string;
  expiresAt: number;
}

/** The answer of the token endpoint: an OAuth body, not Marketo's envelope. */
export interface IdentityAnswer {
  readonly status: 200 | 401;
  readonly body: Readonly<Record<string, string | number>>;
}

/**
 * The identity service. A token belongs to the custom service (client id): while it lives, every request gets the same
 * one with a smaller `expires_in` (Adobe REST docs, "Authentication").
 */
export class Identity {
  readonly #client: { readonly id: string; readonly secret: string; readonly user: string };
  readonly #settings: () => Settings;
  readonly #now: () => number;
  readonly #issued = new Map<string, Token>();
  #current: Token | undefined;

  constructor(
    client: { readonly id: string; readonly secret: string; readonly user: string },
    settings: () => Settings,
    now: () => number,
  ) {
    this.#client = client;
    this.#settings = settings;
    this.#now = now;
  }

  /** The API-only user that owns the service. */
  get user(): string {
    return this.#client.user;
  }

  token(query: Readonly<Record<string, string>>): IdentityAnswer {
    const clientId = query['client_id'] ?? '';
    if (query['grant_type'] !== 'client_credentials') {
      return refusal('unsupported_grant_type', `Unsupported grant type: ${query['grant_type'] ?? ''}`);
    }
    // Which cause has which of the two bodies is not documented.
    if (clientId !== this.#client.id)
      return refusal('unauthorized', `No client with requested id: ${clientId}`);
    if (query['client_secret'] !== this.#client.secret)
      return refusal('invalid_client', 'Bad client credentials');
    const token = this.#alive() ?? this.#issue();
    const expiresIn = Math.max(0, Math.ceil((token.expiresAt - this.#now()) / 1000) - 1);
    return {
      status: 200,
      body: {
        access_token: token.text,
        token_type: 'bearer',
        expires_in: expiresIn,
        scope: this.#client.user,
      },
    };
  }

  /** The code with which a call is refused for its Authorization header, or undefined when it may go on. */
  refuses(authorization: string | undefined): '601' | '602' | '603' | undefined {
    if (authorization === undefined || authorization === '') return '603';
    const text = /^Bearer\s+(\S+)$/i.exec(authorization)?.[1];
    const token = text === undefined ? undefined : this.#issued.get(text);
    if (!token) return '601';
    return token.expiresAt > this.#now() ? undefined : '602';
  }

  /** From now on every token given out so far is expired. */
  expireAll(): void {
    for (const token of this.#issued.values()) token.expiresAt = Math.min(token.expiresAt, this.#now());
  }

  #alive(): Token | undefined {
    return this.#current && this.#current.expiresAt > this.#now() ? this.#current : undefined;
  }

  #issue(): Token {
    const expiresAt = this.#now() + this.#settings().tokenLifetimeSeconds * 1000;
    this.#current = { text: `${randomUUID()}:sim`, expiresAt };
    this.#issued.set(this.#current.text, this.#current);
    return this.#current;
  }
}

const refusal = (error: string, description: string): IdentityAnswer => ({
  status: 401,
  body: { error, error_description: description },
});
