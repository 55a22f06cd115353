import { DataverseError } from '../errors.js';
import type { Settings } from '../settings.js';

interface Use {
  readonly at: number;
  readonly amount: number;
}

/** A sum over the last seconds: old uses fall out one by one. */
class SlidingSum {
  #uses: Use[] = [];
  #head = 0;
  #sum = 0;

  add(at: number, amount: number): void {
    this.#uses.push({ at, amount });
    this.#sum += amount;
  }

  at(now: number, windowMs: number): number {
    for (let oldest = this.#uses[this.#head]; oldest !== undefined; oldest = this.#uses[this.#head]) {
      if (oldest.at > now - windowMs) break;
      this.#sum -= oldest.amount;
      this.#head += 1;
    }
    if (this.#head > 10_000) {
      this.#uses = this.#uses.slice(this.#head);
      this.#head = 0;
    }
    return this.#sum;
  }

  /** Milliseconds until the oldest use falls out. */
  untilRoom(now: number, windowMs: number): number {
    return Math.max(0, (this.#uses[this.#head]?.at ?? now) + windowMs - now);
  }
}

/** Made once: a formatter costs more than all of its uses. */
const thousands = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Service protection limits of one user on one web server (Power Platform, "Service protection API limits"). */
export class ServiceProtection {
  readonly #requests = new SlidingSum();
  readonly #execution = new SlidingSum();
  #inFlight = 0;
  #refusedInARow = 0;

  /** Lets a request in and counts it, or throws the 429. `leave` must follow each request let in. */
  enter(now: number, settings: Settings): void {
    if (settings.limits === 'real') this.#demandRoom(now, settings);
    this.#refusedInARow = 0;
    this.#inFlight += 1;
    this.#requests.add(now, 1);
  }

  leave(): void {
    this.#inFlight -= 1;
  }

  /** Counts the execution time of an operation, milliseconds. */
  spend(now: number, milliseconds: number): void {
    this.#execution.add(now, milliseconds);
  }

  headers(now: number, settings: Settings): Record<string, string> {
    const windowMs = settings.windowSeconds * 1000;
    const requests = settings.requestsPerWindow - this.#requests.at(now, windowMs);
    const seconds = settings.executionSecondsPerWindow - this.#execution.at(now, windowMs) / 1000;
    return {
      'x-ms-dop-hint': String(settings.dopHint),
      'x-ms-ratelimit-burst-remaining-xrm-requests': String(Math.max(0, requests)),
      'x-ms-ratelimit-time-remaining-xrm-requests': thousands.format(Math.max(0, seconds)),
    };
  }

  #demandRoom(now: number, settings: Settings): void {
    const { requestsPerWindow, windowSeconds, concurrency, executionSecondsPerWindow } = settings;
    const windowMs = windowSeconds * 1000;
    const over = `over time window of ${windowSeconds} seconds.`;
    if (this.#requests.at(now, windowMs) >= requestsPerWindow) {
      const message = `Number of requests exceeded the limit of ${requestsPerWindow} ${over}`;
      throw this.#refusal('0x80072322', message, this.#requests.untilRoom(now, windowMs));
    }
    const executionMs = executionSecondsPerWindow * 1000;
    if (this.#execution.at(now, windowMs) >= executionMs) {
      const limit = executionMs.toLocaleString('en-US');
      const advice =
        'Decrease number of concurrent requests or reduce the duration of requests and try again later.';
      const message = `Combined execution time of incoming requests exceeded limit of ${limit} milliseconds ${over} ${advice}`;
      throw this.#refusal('0x80072321', message, this.#execution.untilRoom(now, windowMs));
    }
    if (this.#inFlight >= concurrency) {
      const message = `Number of concurrent requests exceeded the limit of ${concurrency}.`;
      throw this.#refusal('0x80072326', message, 1000);
    }
  }

  /** Retry-After grows while the client keeps pressing, up to a minute more than needed. */
  #refusal(code: string, message: string, waitMs: number): DataverseError {
    const seconds = Math.max(1, Math.ceil(waitMs / 1000)) + Math.min(60, this.#refusedInARow);
    this.#refusedInARow += 1;
    return new DataverseError(429, code, message, { 'Retry-After': String(seconds) });
  }
}
