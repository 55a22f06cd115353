import { ApiFailure } from '../failure.js';
import type { Settings } from '../settings.js';

interface Day {
  readonly users: Map<string, number>;
  readonly errors: Map<string, number>;
}

const HOUR_MS = 3_600_000;
const CENTRAL_DATE = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Chicago' });

/**
 * Counts calls against the instance's limits: a daily quota that resets at midnight US Central, a sliding window and
 * calls in progress (Adobe REST docs, "REST API": limits). Refused calls do not count: real behaviour is unknown.
 */
export class CallMeter {
  readonly #settings: () => Settings;
  readonly #now: () => number;
  readonly #days = new Map<string, Day>();
  #window: number[] = [];
  #windowStart = 0;
  #inProgress = 0;
  #today: { readonly hour: number; readonly date: string } = { hour: -1, date: '' };

  constructor(settings: () => Settings, now: () => number) {
    this.#settings = settings;
    this.#now = now;
  }

  /** Takes a place for a call of `user`, or throws 607, 606 or 615. Each place taken is given back by `release`. */
  admit(user: string): void {
    const settings = this.#settings();
    const now = this.#now();
    this.#slide(now - settings.windowSeconds * 1000);
    if (settings.limits === 'real') this.#check(settings);
    this.#use(user, 1);
    this.#window.push(now);
    this.#inProgress++;
  }

  release(): void {
    this.#inProgress--;
  }

  /** Takes back what a call of `user` counted whose answer is free of charge. */
  refund(user: string): void {
    this.#use(user, -1);
    if (this.#window.length > this.#windowStart) this.#window.pop();
  }

  /** Calls of another integration: against the day's quota, and against the rate when they are made just now. */
  useByOthers(user: string, calls: number, justNow: boolean): void {
    this.#use(user, calls);
    if (!justNow) return;
    const now = this.#now();
    for (let call = 0; call < calls; call++) this.#window.push(now);
  }

  countError(code: string): void {
    const { errors } = this.#day();
    errors.set(code, (errors.get(code) ?? 0) + 1);
  }

  /** Usage by day (US Central), today first; `days` counts today. */
  usage(days: number): {
    date: string;
    total: number;
    users: ReadonlyMap<string, number>;
    errors: ReadonlyMap<string, number>;
  }[] {
    this.#day();
    return [...this.#days]
      .slice(-days)
      .reverse()
      .map(([date, day]) => ({ date, total: totalOf(day), ...day }));
  }

  #use(user: string, calls: number): void {
    const { users } = this.#day();
    users.set(user, (users.get(user) ?? 0) + calls);
  }

  #check(settings: Settings): void {
    const { ratePerWindow, windowSeconds, rateOfOthers, slotsOfOthers } = settings;
    if (totalOf(this.#day()) >= settings.dailyQuota) throw new ApiFailure('607');
    if (this.#window.length - this.#windowStart + rateOfOthers >= ratePerWindow) {
      throw new ApiFailure(
        '606',
        `Max rate limit '${ratePerWindow}' exceeded with in '${windowSeconds}' secs`,
      );
    }
    if (this.#inProgress + slotsOfOthers >= settings.concurrency) {
      throw new ApiFailure('615', `Concurrent access limit '${settings.concurrency}' reached`);
    }
  }

  #slide(until: number): void {
    while (this.#windowStart < this.#window.length && (this.#window[this.#windowStart] ?? 0) <= until) {
      this.#windowStart++;
    }
    if (this.#windowStart < 10_000) return;
    this.#window = this.#window.slice(this.#windowStart);
    this.#windowStart = 0;
  }

  #day(): Day {
    const now = this.#now();
    const hour = Math.floor(now / HOUR_MS);
    // Midnight falls on a full hour: formatting a date once an hour is enough.
    if (hour !== this.#today.hour) this.#today = { hour, date: CENTRAL_DATE.format(now) };
    const known = this.#days.get(this.#today.date);
    if (known) return known;
    const day: Day = { users: new Map(), errors: new Map() };
    this.#days.set(this.#today.date, day);
    return day;
  }
}

const totalOf = ({ users }: Day): number => [...users.values()].reduce((sum, calls) => sum + calls, 0);
