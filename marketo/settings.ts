import type { CallBudget } from '../rules/budget.js';
import type { Lane } from '../rules/terms.js';

/** Where a Marketo subscription is, and the custom service that signs in to it. */
export interface MarketoSettings {
  /** REST endpoint as Marketo's admin page shows it: `https://123-abc-456.mktorest.com/rest`. */
  readonly endpoint: string;
  /** Identity endpoint as Marketo's admin page shows it: `https://123-abc-456.mktorest.com/identity`. */
  readonly identity: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Deadlines and waits, in milliseconds. The defaults suit Marketo; tests shorten them. */
export interface MarketoTiming {
  /** For a token; the slowest call plus this stays inside the deadline that the budget was told. */
  readonly identityMs: number;
  /** The longest that a call may take, but for a paging token; most have a shorter deadline of their own. */
  readonly callMs: number;
  /** The longest that a call for a paging token may take. */
  readonly pagingTokenMs: number;
  /** After 606: the rate window is 20 s long. */
  readonly rateLimitMs: number;
  /** After 615: at least this long, at most three times this long, so that callers do not meet again. */
  readonly concurrencyMs: number;
  /** How often a call that 606 or 615 turned away is sent again before that surfaces. */
  readonly repeats: number;
}

export const DEFAULT_TIMING: MarketoTiming = {
  identityMs: 9_000,
  callMs: 100_000,
  pagingTokenMs: 310_000,
  rateLimitMs: 20_000,
  concurrencyMs: 1_000,
  repeats: 3,
};

export interface MarketoOptions {
  readonly budget: CallBudget;
  /** Defaults to `cycle`. */
  readonly lane?: Lane;
  readonly userAgent?: string;
  readonly timing?: Partial<MarketoTiming>;
}
