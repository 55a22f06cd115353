import type { Answer } from '../rest/endpoint.js';

/** Marketo's envelopes (Adobe REST docs, "REST API": response format). Empty members are left out. */
export class Envelopes {
  readonly #now: () => number;
  #count = 0xa000;

  constructor(now: () => number) {
    this.#now = now;
  }

  success(answer: Answer): Record<string, unknown> {
    return { requestId: this.#requestId(), success: true, ...answer };
  }

  failure(code: string, message: string): Record<string, unknown> {
    return { requestId: this.#requestId(), success: false, errors: [{ code, message }] };
  }

  #requestId(): string {
    return `${(this.#count++).toString(16)}#${Math.floor(this.#now()).toString(16)}`;
  }
}

export const JSON_TYPE = 'application/json;charset=UTF-8';
