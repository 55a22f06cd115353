/** How some measured times are spread, in whole milliseconds. */
export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

/** The nearest rank: the smallest value that so many percent are not above. */
const percentile = (sorted: readonly number[], percent: number): number =>
  sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;

export const spreadOf = (times: readonly number[]): Spread => {
  const sorted = [...times].sort((a, b) => a - b);
  const whole = (percent: number): number => Math.round(percentile(sorted, percent));
  return { count: times.length, p50: whole(50), p95: whole(95), max: whole(100) };
};

/** A figure beside the most that it may be. */
export interface Judged {
  readonly value: number;
  readonly most: number;
  readonly is: 'within' | 'above';
}

/** NaN, where nothing was measured, is above. */
export const judge = (value: number, most: number): Judged => ({
  value,
  most,
  is: value <= most ? 'within' : 'above',
});
