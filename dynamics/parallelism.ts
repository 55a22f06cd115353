/** Follows the degree of parallelism that Dataverse advises, and steps back when it was too high. */
export interface Parallelism {
  /** The latest value, once there was any. */
  current(): number | undefined;
  /** Takes an `x-ms-dop-hint`; the value to pass on, or `undefined` if it was passed on lately. */
  hinted(header: string | undefined): number | undefined;
  /** There were too many requests at once: halves. Returns the new value. */
  tooMany(): number;
}

/** Assumed until there is a hint. */
const ASSUMED = 8;
const HIGHEST = 1000;
/** After a step back the hint is followed again one step per this time. */
const RECOVERY_MS = 30_000;
/** Refusals that come together count as one. */
const ONE_STEP_MS = 5_000;
/** An unchanged value is repeated this often, for a budget that forgets. */
const REPEAT_MS = 60_000;

export function createParallelism(now: () => number = Date.now): Parallelism {
  let hint: number | undefined;
  let ceiling: { readonly value: number; readonly since: number } | undefined;
  let passedOn: { readonly value: number; readonly at: number } | undefined;

  function current(): number | undefined {
    if (ceiling === undefined) return hint;
    const allowed = ceiling.value + Math.floor((now() - ceiling.since) / RECOVERY_MS);
    return Math.min(hint ?? ASSUMED, allowed);
  }

  return {
    current,
    hinted(header) {
      const value = Number(header?.trim());
      if (header === undefined || !Number.isInteger(value) || value < 1) return undefined;
      hint = Math.min(value, HIGHEST);
      const advised = current() ?? hint;
      if (passedOn?.value === advised && now() - passedOn.at < REPEAT_MS) return undefined;
      passedOn = { value: advised, at: now() };
      return advised;
    },
    tooMany() {
      if (ceiling !== undefined && now() - ceiling.since < ONE_STEP_MS) return current() ?? ceiling.value;
      const value = Math.max(1, Math.floor((current() ?? ASSUMED) / 2));
      ceiling = { value, since: now() };
      passedOn = { value, at: now() };
      return value;
    },
  };
}
