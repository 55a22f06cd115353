/** Marketo counts its daily quota by this zone's day (Adobe REST docs, error 607). */
export const QUOTA_ZONE = 'America/Chicago';
const MINUTE = 60_000;

const clock = new Intl.DateTimeFormat('en-US', {
  timeZone: QUOTA_ZONE,
  hourCycle: 'h23',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
});

/** The wall clock of the zone at `instant`, written as if it were UTC. */
function wallClock(instant: number): number {
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {};
  for (const { type, value } of clock.formatToParts(instant)) parts[type] = value;
  const { year, month, day, hour, minute, second } = parts;
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}

/** The day of the quota that `now` belongs to, as `2026-11-20`. */
export const quotaDay = (now: Date): string => new Date(wallClock(now.getTime())).toISOString().slice(0, 10);

/** Milliseconds from `now` to the next 00:00 US Central, right also on the days when its clocks change. */
export function millisUntilQuotaReset(now: Date): number {
  const instant = now.getTime();
  const local = new Date(wallClock(instant));
  const midnight = Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate() + 1);
  const guess = instant + (midnight - local.getTime());
  // The clocks may change between now and then; the clock at the guess tells by how much.
  const reset = guess - (wallClock(guess) - midnight);
  return Math.max(MINUTE, Math.ceil((reset - instant) / 1_000) * 1_000);
}
