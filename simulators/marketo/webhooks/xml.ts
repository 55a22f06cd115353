const TAG = /<(\/?)([\w:.-]+)[^<>]*?(\/?)>|<!\[CDATA\[([\s\S]*?)\]\]>|<[?!][^>]*>|([^<]+)/g;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
const MOST_DEPTH = 64;

interface Element {
  readonly name: string;
  text: string;
  readonly members: Map<string, unknown[]>;
}

/**
 * XML as the response mappings of a webhook see it: elements by name, several of one name as a list, text at the leaves;
 * attributes do not count. Undefined for what is no XML.
 */
export function parsedXml(text: string): unknown {
  const root: Element = { name: '', text: '', members: new Map() };
  const open: Element[] = [root];
  for (const [, closing, name, selfClosing, data, plain] of text.matchAll(TAG)) {
    const at = open.at(-1) ?? root;
    if (name === undefined) at.text += data ?? decoded(plain ?? '');
    else if (closing === '/') {
      if (at.name !== name || open.length === 1) return undefined;
      open.pop();
      close(open.at(-1) ?? root, at);
    } else if (selfClosing === '/') close(at, { name, text: '', members: new Map() });
    else if (open.push({ name, text: '', members: new Map() }) > MOST_DEPTH) return undefined;
  }
  return open.length === 1 && root.members.size > 0 ? valueOf(root) : undefined;
}

function close(parent: Element, element: Element): void {
  const same = parent.members.get(element.name) ?? [];
  parent.members.set(element.name, [...same, valueOf(element)]);
}

const valueOf = ({ members, text }: Element): unknown =>
  members.size === 0
    ? text.trim()
    : Object.fromEntries([...members].map(([name, all]) => [name, all.length === 1 ? all[0] : all]));

const decoded = (text: string): string =>
  text.replace(/&(?:#(\d+)|(\w+));/g, (all, code: string | undefined, name: string | undefined) =>
    code === undefined ? (ENTITIES[name ?? ''] ?? all) : String.fromCodePoint(Number(code)),
  );
