import { isMap, isScalar, isSeq, type Document, type LineCounter, type Node } from 'yaml';

export type KeyPath = readonly (string | number)[];

/** Where a key stands in a file, as `file:line:column`; the nearest key above it where the file does not have it. */
export type Positions = (path: KeyPath) => string;

/** The offset of the key at `path`: of the key itself in a map, of the item in a list. */
function offsetOf(document: Document.Parsed, path: KeyPath): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range[0] ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
      if (pair === undefined) break;
      offset = start(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number') {
      const item = node.items[step];
      if (item === undefined) break;
      offset = start(item) ?? offset;
      node = item;
    } else break;
  }
  return offset;
}

const start = (node: unknown): number | undefined => (node as Node | null)?.range?.[0];

export const positionsIn =
  (document: Document.Parsed, lines: LineCounter, file: string): Positions =>
  (path) =>
    at(lines, file, offsetOf(document, path));

/** `file:line:column` of an offset into the text. */
export function at(lines: LineCounter, file: string, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
}

/** A path as people write it: `fields[3].lead`. */
export const keyName = (path: KeyPath): string =>
  path.reduce<string>(
    (name, step) => (typeof step === 'number' ? `${name}[${step}]` : name === '' ? step : `${name}.${step}`),
    '',
  );
