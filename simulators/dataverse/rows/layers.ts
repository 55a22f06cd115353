import type { Cells, ColumnValue } from './values.js';

/** Cells while a row is put together. */
export type Layers = Map<string, ColumnValue>;

/** One layer of cells over the other; the last one that has a cell wins. */
export const layered = (...layers: readonly Cells[]): Layers => {
  const merged: Layers = new Map();
  for (const layer of layers) for (const name in layer) merged.set(name, layer[name] ?? null);
  return merged;
};

const quoted = new Map<string, string>();
const quote = (name: string): string => {
  const known = quoted.get(name);
  if (known !== undefined) return known;
  const text = JSON.stringify(name);
  quoted.set(name, text);
  return text;
};

/**
 * The cells as rows keep them, without nulls. The way through JSON is on purpose: objects built key by key become hash
 * tables in V8, three times as large and slow to scan; parsed ones share one layout.
 */
export const compact = (merged: Layers): Cells => {
  let text = '';
  for (const [name, value] of merged) {
    if (value !== null) text += `,${quote(name)}:${JSON.stringify(value)}`;
  }
  return JSON.parse(`{${text.slice(1)}}`) as Cells;
};
