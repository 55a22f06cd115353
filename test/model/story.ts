import type { Act, Round, Script } from './scenario.js';

/** A script as people read it, a line for each thing that happens. Numbers pick records out of those there are. */
export const story = ({ start, rounds, ...settings }: Script): string =>
  [
    `settings: ${plain(settings)}`,
    ...start.map((act) => `at first: ${actLine(act)}`),
    ...rounds.flatMap((round, at) => roundLines(round, at + 1)),
  ].join('\n');

const roundLines = ({ acts, inside, trouble, order, restMs }: Round, number: number): string[] => [
  ...acts.map((act) => `round ${String(number)}: ${actLine(act)}`),
  `round ${String(number)}: a cycle in order ${String(order)}, then ${String(restMs / 60_000)} minutes`,
  ...inside.map(
    ({ at, act }) => `round ${String(number)}:   ${at.when} its call ${String(at.call)}: ${actLine(act)}`,
  ),
  ...(trouble === null ? [] : [`round ${String(number)}:   trouble: ${plain(trouble)}`]),
];

const actLine = ({ do: what, ...rest }: Act): string => `${what} ${plain(rest)}`;

const plain = (value: unknown): string => JSON.stringify(value).replaceAll('"', '');
