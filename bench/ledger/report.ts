import type { LineSizes, LinkSizes, Size } from './measure.js';

export interface Measured {
  /** Fields of each link, of 25, that were decided at least once. */
  readonly decided: number;
  readonly growth: readonly LinkSizes[];
  /** The same number of links as the last of `growth`, none of whose fields was ever decided. */
  readonly untouched: LinkSizes;
  readonly lines: readonly LineSizes[];
}

const cells = ({ rows, indexes, total }: Size): string[] => [rows, indexes, total].map(String);

const table = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => row.map((cell, n) => (n === 0 ? cell.padEnd(44) : cell.padStart(9))).join('')).join('\n');

export const report = ({ decided, growth, untouched, lines }: Measured): string => {
  const title = ['bytes each', 'rows', 'indexes', 'total'];
  const links = (sizes: LinkSizes, fields: number): string[][] => [
    [`link, ${fields} of 25 fields decided, ${sizes.links} of them`, ...cells(sizes.packed)],
    ['  in a running store', ...cells(sizes.running)],
  ];
  return table([
    title,
    ...growth.flatMap((sizes) => links(sizes, decided)),
    ...links(untouched, 0),
    ...lines.map(({ fields, line }) => [
      `line of the ledger, ${fields} ${fields === 1 ? 'decision' : 'decisions'}`,
      ...cells(line),
    ]),
  ]);
};
