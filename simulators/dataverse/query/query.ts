import { badQuery } from '../errors.js';

/** Query options of a request; option names as OData writes them. */
export interface Query {
  readonly select: readonly string[] | null;
  readonly filter: string | null;
  readonly orderBy: readonly { readonly property: string; readonly descending: boolean }[];
  readonly top: number | null;
  readonly count: boolean;
  readonly expand: readonly string[];
  readonly skipToken: string | null;
  readonly deltaToken: string | null;
  /** Values of `@name` parameters. */
  readonly aliases: Readonly<Record<string, string>>;
  /** The query text without paging tokens, for links. */
  readonly linkText: string;
}

const known = ['$select', '$filter', '$orderby', '$top', '$count', '$expand', '$skiptoken', '$deltatoken'];

/** Queries in other languages than OData's: none of them is carried out, and no row must pass for their answer. */
const otherQueries = ['fetchxml', 'savedquery', 'userquery'];

const isRefused = (name: string): boolean =>
  name.startsWith('$') ? !known.includes(name) : otherQueries.includes(name.toLowerCase());

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text.replace(/\+/g, ' '));
  } catch {
    throw badQuery('The request URI is not valid.');
  }
};

/** Splits at commas that stand outside of parentheses. */
export const splitTopLevel = (text: string): string[] => {
  const pieces: string[] = [];
  let depth = 0;
  let piece = '';
  for (const character of text) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === ',' && depth === 0) {
      pieces.push(piece.trim());
      piece = '';
    } else piece += character;
  }
  return [...pieces, piece.trim()].filter((one) => one !== '');
};

const orderClause = (text: string): { property: string; descending: boolean } => {
  const [property = '', direction = 'asc', ...rest] = text.split(/\s+/);
  if (rest.length > 0 || !['asc', 'desc'].includes(direction)) {
    throw badQuery(`Syntax error in '$orderby' at '${text}'.`);
  }
  return { property, descending: direction === 'desc' };
};

const topValue = (text: string): number => {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw badQuery(`Invalid value '${text}' for $top query option found.`);
};

const options = (text: string): Map<string, string> => {
  const found = new Map<string, string>();
  for (const pair of text.split('&').filter((one) => one !== '')) {
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    if (isRefused(name)) throw badQuery(`The query parameter ${name} is not supported.`);
    found.set(name, equals < 0 ? '' : decode(pair.slice(equals + 1)));
  }
  return found;
};

const isPagingToken = (pair: string): boolean => /^(\$|%24)(skiptoken|deltatoken)=/i.test(pair);

/** Reads the text after the question mark; unknown `$` options, FetchXML and saved queries are a 400. */
export const parseQuery = (text: string): Query => {
  const found = options(text);
  const list = (name: string): string[] => splitTopLevel(found.get(name) ?? '');
  const select = list('$select');
  const top = found.get('$top');
  return {
    select: select.length === 0 ? null : select,
    filter: found.get('$filter') ?? null,
    orderBy: list('$orderby').map(orderClause),
    top: top === undefined ? null : topValue(top),
    count: found.get('$count') === 'true',
    expand: list('$expand'),
    skipToken: found.get('$skiptoken') ?? null,
    deltaToken: found.get('$deltatoken') ?? null,
    aliases: Object.fromEntries([...found].filter(([name]) => name.startsWith('@'))),
    linkText: text
      .split('&')
      .filter((pair) => pair !== '' && !isPagingToken(pair))
      .join('&'),
  };
};

/** Preferences of a request: lower-case name -> value without quotes; flags have an empty value. */
export const parsePrefer = (header: string | undefined): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  for (const match of (header ?? '').matchAll(/([^=,;\s]+)(?:\s*=\s*(?:"([^"]*)"|([^,;]*)))?/g)) {
    found.set((match[1] ?? '').toLowerCase(), (match[2] ?? match[3] ?? '').trim());
  }
  return found;
};
