import { median, paceOf, ratioOf, type Measured, type Sample } from './measure.js';

/** Below this a job counts as slower: on a busy machine one client differs from itself by as much from run to run. */
const ON_PAR = 0.95;

const columns = ['job', 'client', 'calls', 'calls/s', 'records/s', 'CPU ms per 1,000', 'ratio'] as const;

export const isOnPar = (measured: Measured): boolean => ratioOf(measured) >= ON_PAR;

/** Two lines for each job; the ratio is records per second of ours over theirs. Figures are medians of the turns. */
export function report(all: readonly Measured[]): string {
  const rows = all.flatMap((measured) => {
    const { job } = measured;
    const [ours, theirs] = [cells(measured.ours), cells(measured.theirs)];
    return [
      [job.name, 'contact-sync', ...ours, `${ratioOf(measured).toFixed(2)} x`],
      ['', job.peer, ...theirs, ''],
    ];
  });
  return table([[...columns], ...rows]);
}

export function verdict(all: readonly Measured[]): string {
  const slower = all.filter((measured) => !isOnPar(measured)).map(({ job }) => job.name);
  if (slower.length > 0) return `Slower than the public client (ratio below ${ON_PAR}): ${slower.join('; ')}`;
  const least = (some: readonly Measured[]): string => Math.min(...some.map(ratioOf)).toFixed(2);
  const batched = all.filter(({ job }) => job.batched);
  const others = all.filter(({ job }) => !job.batched);
  return [
    ...(others.length === 0 ? [] : [`On par (ratio ${ON_PAR} or more): ${least(others)} x or more.`]),
    ...(batched.length === 0 ? [] : [`Many records, in calls at once: ${least(batched)} x or more.`]),
  ].join('\n');
}

function cells(samples: readonly Sample[]): string[] {
  const of = (figure: (sample: Sample) => number): number => median(samples.map(figure));
  return [
    whole(of(({ calls }) => calls)),
    whole(of(({ calls, seconds }) => calls / seconds)),
    whole(paceOf(samples)),
    of(({ cpuSeconds, records }) => (cpuSeconds * 1e6) / records).toFixed(1),
  ];
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');

function table(rows: readonly (readonly string[])[]): string {
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => (at < 2 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}
