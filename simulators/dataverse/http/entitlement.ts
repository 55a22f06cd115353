import { DataverseError } from '../errors.js';
import type { Settings } from '../settings.js';

const DAY = 86_400_000;

/**
 * Power Platform requests of a day, each row counted (Power Platform: "Requests limits and allocations"). No
 * refusal is documented for it; it is told as a 429 until the day, which begins with its first request, is over.
 */
export class Entitlement {
  #since = 0;
  #used = 0;

  /** Throws the 429 when the day's requests are used up. */
  enter(now: number, { entitlementPerDay }: Settings): void {
    if (now - this.#since >= DAY) {
      this.#since = now;
      this.#used = 0;
    }
    if (entitlementPerDay === 0 || this.#used < entitlementPerDay) return;
    const seconds = Math.ceil((this.#since + DAY - now) / 1000);
    throw new DataverseError(429, '0x8005f103', 'Too many requests.', { 'Retry-After': String(seconds) });
  }

  /** Counts rows created, read, updated or deleted. */
  spend(rows: number): void {
    this.#used += rows;
  }
}
