/** An object of any depth, where arrays may be long. */
type Tree = Readonly<Record<string, unknown>>;

/** A place in the object, and what stands there: a value, or some more items of an array. */
type Line =
  readonly [path: readonly string[], value: unknown] | readonly [path: readonly string[], 'items', unknown[]];

const ITEMS = 500;
const DEPTH = 3;

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The object as lines of JSON, each small enough for any reader: one text of a large state would exceed the longest
 * string there can be. The upper objects and the arrays in them are spread over lines.
 */
export function linesOf(tree: Tree, path: readonly string[] = []): string[] {
  return Object.entries(tree).flatMap(([key, value]) => {
    const place = [...path, key];
    if (isTree(value) && path.length < DEPTH && Object.keys(value).length > 0) return linesOf(value, place);
    if (!Array.isArray(value)) return [JSON.stringify([place, value] satisfies Line)];
    const items: readonly unknown[] = value;
    const starts = Array.from({ length: Math.ceil(items.length / ITEMS) || 1 }, (_, index) => index * ITEMS);
    return starts.map((start) =>
      JSON.stringify([place, 'items', items.slice(start, start + ITEMS)] satisfies Line),
    );
  });
}

/** The reverse. Fails on a line that `linesOf` did not write. */
export function objectFrom(lines: readonly string[]): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const line of lines) {
    const [path, value, items] = JSON.parse(line) as Line;
    const key = path.at(-1) ?? '';
    let place = root;
    for (const step of path.slice(0, -1)) place = (place[step] ??= {}) as Record<string, unknown>;
    if (items === undefined) place[key] = value;
    else ((place[key] ??= []) as unknown[]).push(...items);
  }
  return root;
}
