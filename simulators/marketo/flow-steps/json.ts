/** A part of a parsed document. */
export type Node = Readonly<Record<string, unknown>>;

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object at a key, or an empty one. */
export const child = (node: Node, ...keys: readonly string[]): Node => {
  let at: unknown = node;
  for (const key of keys) at = isNode(at) ? at[key] : undefined;
  return isNode(at) ? at : {};
};

export const textAt = (node: Node, key: string): string | undefined => {
  const value = node[key];
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
};

/** What a local reference (`#/components/…`) stands for, or the node itself; an empty object when there is nothing. */
export function dereferenced(document: Node, node: unknown): Node {
  let at = node;
  for (let hops = 0; hops < 8 && isNode(at); hops++) {
    const reference = at['$ref'];
    if (typeof reference !== 'string') return at;
    if (!reference.startsWith('#/')) return {};
    const keys = reference.slice(2).split('/');
    at = child(document, ...keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~')));
  }
  return {};
}
