import type { Burst } from './burst.js';
import type { CycleMeanwhile } from './cycle.js';
import type { Judged, Spread } from './figures.js';
import type { Latency } from './latency.js';

export interface Measured {
  /** Humans over both systems at the start. */
  readonly people: number;
  readonly share: number;
  readonly machine: Machine;
  /** Milliseconds that the simulated systems take. */
  readonly times: { readonly marketo: object; readonly dataverse: object };
  readonly alone: Latency;
  readonly bursts: readonly Burst[];
  /** While the first cycle was under way; null where it was not asked for. */
  readonly besideCycle: (Latency & { readonly cycle: CycleMeanwhile }) | null;
  readonly verdict: 'within' | 'above';
}

export interface Machine {
  readonly cores: number;
  readonly model: string;
  readonly node: string;
  /** Of the last minute, before and after. */
  readonly load: readonly [before: number, after: number];
}

/** Every figure that has a most, with its name. */
export const judgements = ({
  alone,
  bursts,
  besideCycle,
}: Pick<Measured, 'alone' | 'bursts' | 'besideCycle'>): { name: string; judged: Judged }[] => [
  ...latencies('alone', alone),
  ...(besideCycle === null ? [] : latencies('beside the first cycle', besideCycle)),
  ...bursts.map((burst) => ({ name: `calls of ${nameOf(burst)} over the minimum`, judged: burst.ratio })),
];

const latencies = (where: string, { p50, p95 }: Latency): { name: string; judged: Judged }[] => [
  { name: `overhead ${where}, p50 in ms`, judged: p50 },
  { name: `overhead ${where}, p95 in ms`, judged: p95 },
];

export const report = (measured: Measured): string =>
  [
    table([['ms', 'count', 'p50', 'p95', 'max'], ...latencyRows(measured)]),
    table([
      ['bursts', 'persons/s', 'rows after', 'told after', 'calls each', 'minimum', 'ratio'],
      ...burstRows(measured),
    ]),
    table([
      ['figure', 'is', 'at most', ''],
      ...judgements(measured).map(({ name, judged }) => verdictRow(name, judged)),
    ]),
    footer(measured),
  ].join('\n\n');

const latencyRows = ({ alone, besideCycle }: Measured): string[][] => [
  ...rowsOf('', alone),
  ...(besideCycle === null ? [] : rowsOf(' beside the first cycle', besideCycle)),
];

const rowsOf = (where: string, { request, bare, overhead, taken, told }: Latency): string[][] => [
  spread(`request to row in Dynamics${where}`, request),
  spread(`  the two bare calls`, bare),
  spread(`  overhead`, overhead),
  spread(`  until the gateway's 201`, taken),
  spread(`  until the campaign is called back`, told),
];

const spread = (name: string, { count, p50, p95, max }: Spread): string[] => [
  name,
  ...[count, p50, p95, max].map(String),
];

const nameOf = ({ form, persons }: Burst): string =>
  form === 'trigger' ? `${persons} persons, one to a call` : `${persons} persons in chunks`;

const burstRows = ({ bursts }: Measured): string[][] =>
  bursts.map((burst) => [
    nameOf(burst),
    burst.personsPerSecond.toFixed(1),
    `${burst.seconds.toFixed(1)} s`,
    `${burst.secondsUntilTold.toFixed(1)} s`,
    burst.callsPerPerson.both.toFixed(3),
    burst.minimumPerPerson.both.toFixed(3),
    `${burst.ratio.value.toFixed(2)} x`,
  ]);

const verdictRow = (name: string, { value, most, is }: Judged): string[] => [
  name,
  String(value),
  String(most),
  is,
];

const footer = ({ people, share, machine, besideCycle }: Measured): string => {
  const { cores, model, node, load } = machine;
  const lines = [
    `${cores} cores (${model}), Node ${node}, load ${load[0].toFixed(1)} before and ${load[1].toFixed(1)} after.`,
    `${people} people in both systems; ${Math.round(share * 100)} % of Marketo's limits are the product's.`,
  ];
  if (besideCycle === null) return lines.join('\n');
  const { before, after } = besideCycle.cycle;
  const end = after.isOver
    ? 'was OVER before the last request'
    : 'was still under way after the last request';
  return [
    ...lines,
    `The first cycle had linked ${before.linked} pairs before and ${after.linked} after; it ${end}.`,
  ].join('\n');
};

const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const pad = (cell: string, at: number): string =>
    at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0);
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
};
