import type { IsoInstant, Kind, Lane } from '../rules/terms.js';
import { brokenAnswer, failureOf, isSuccess, parseJson, verdictOf } from './answers.js';
import type { Call, Connection } from './connection.js';
import { inParallel } from '../rules/in-parallel.js';
import { keptOf, preferring, readNames } from './lookup-names.js';
import { PAGE_SIZE, readPages } from './pages.js';
import { rowLacks } from './parse.js';
import { parseRow, selection } from './rows.js';
import { guid, lookupColumn, TABLES } from './tables.js';
import type { Row } from './types.js';

/** Longest encoded filter. Node's and many proxies' limit for a whole request head is 16 KB, token included. */
const LONGEST_FILTER = 8_000;
/** Chunks of one read at a time; the budget has the last word. */
const CHUNKS_AT_ONCE = 4;
/** `"…",` and `emailaddress1 eq '…' or `, encoded; the latter without the quotes around a GUID. */
const IN_OVERHEAD = 9;
const EQ_OVERHEAD = 50;
const PAGED = [`odata.maxpagesize=${PAGE_SIZE}`];

export async function readRow(
  connection: Connection,
  lane: Lane,
  kind: Kind,
  id: string,
  select: readonly string[],
  signal?: AbortSignal,
): Promise<Row | undefined> {
  const prefer = preferring(select);
  const call: Call = {
    name: `read a row of ${TABLES[kind].set}`,
    method: 'GET',
    path: `${TABLES[kind].set}(${mustBeGuid(id)})?${selection(kind, select)}`,
    ...(prefer !== '' && { headers: { prefer } }),
    signal,
  };
  const answer = await connection.send(lane, call);
  const context = connection.context(call);
  if (!isSuccess(answer)) {
    if (verdictOf(answer).is === 'gone') return undefined;
    throw failureOf(answer, context);
  }
  const json = parseJson(answer.body);
  const row = parseRow(kind, json, keptOf(select));
  if (row === undefined) throw brokenAnswer(context, rowLacks(kind, json));
  return readNames(row, select);
}

export async function readRows(
  connection: Connection,
  lane: Lane,
  kind: Kind,
  ids: readonly string[],
  select: readonly string[],
  signal?: AbortSignal,
): Promise<Row[]> {
  const unique = [...new Set(ids.map(mustBeGuid))];
  const filters = chunked(unique, IN_OVERHEAD, (chunk) => inFilter(TABLES[kind].key, chunk));
  return readFiltered(connection, lane, { kind, select, filters, signal, name: 'read rows' });
}

export async function findByEmail(
  connection: Connection,
  lane: Lane,
  kind: Kind,
  emails: readonly string[],
  select: readonly string[],
  signal?: AbortSignal,
): Promise<Row[]> {
  const unique = [...new Set(emails.map((email) => email.trim().toLowerCase()))].filter(
    (email) => email !== '',
  );
  // Quotes mean different things inside `In`, which takes JSON strings, and in OData literals.
  const quoted = unique.filter((email) => /['"\\]/.test(email));
  const plain = unique.filter((email) => !/['"\\]/.test(email));
  const filters = [
    ...chunked(plain, IN_OVERHEAD, (chunk) => inFilter('emailaddress1', chunk)),
    ...chunked(quoted, EQ_OVERHEAD, (chunk) =>
      chunk.map((email) => `emailaddress1 eq ${literal(email)}`).join(' or '),
    ),
  ];
  return readFiltered(connection, lane, { kind, select, filters, signal, name: 'find rows by e-mail' });
}

export async function contactsOf(
  connection: Connection,
  lane: Lane,
  leads: readonly string[],
  signal?: AbortSignal,
): Promise<Row[]> {
  const lead = lookupColumn('originatingleadid');
  const filters = chunked([...new Set(leads.map(mustBeGuid))], lead.length + EQ_OVERHEAD, (chunk) =>
    chunk.map((id) => `${lead} eq ${id}`).join(' or '),
  );
  const name = 'find contacts by their lead';
  return readFiltered(connection, lane, { kind: 'contact', select: [lead], filters, signal, name });
}

export async function* modifiedSince(
  connection: Connection,
  lane: Lane,
  kind: Kind,
  since: IsoInstant,
  select: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<readonly Row[]> {
  const { set, key } = TABLES[kind];
  const filter = encodeURIComponent(`modifiedon ge ${wholeSecond(since)}`);
  const order = `modifiedon%20asc,${key}%20asc`;
  const path = `${set}?${selection(kind, select)}&$filter=${filter}&$orderby=${order}`;
  const pages = readPages(connection, lane, {
    name: `read modified ${set}`,
    kind,
    path,
    prefer: preferring(select, PAGED),
    select: keptOf(select),
    signal,
  });
  for await (const page of pages) yield page.rows.map((row) => readNames(row, select));
}

interface FilteredRead {
  readonly kind: Kind;
  readonly select: readonly string[];
  readonly filters: readonly string[];
  readonly name: string;
  readonly signal: AbortSignal | undefined;
}

async function readFiltered(connection: Connection, lane: Lane, read: FilteredRead): Promise<Row[]> {
  const { kind, select, filters, signal } = read;
  const rows = new Map<string, Row>();
  await inParallel(filters, CHUNKS_AT_ONCE, async (filter) => {
    const pages = readPages(connection, lane, {
      name: `${read.name} of ${TABLES[kind].set}`,
      kind,
      path: `${TABLES[kind].set}?${selection(kind, select)}&$filter=${encodeURIComponent(filter)}`,
      prefer: preferring(select, PAGED),
      select: keptOf(select),
      signal,
    });
    for await (const page of pages) {
      for (const row of page.rows) rows.set(row.id, readNames(row, select));
    }
  });
  return [...rows.values()];
}

/** Dataverse keeps whole seconds. */
const wholeSecond = (instant: IsoInstant): string => `${new Date(instant).toISOString().slice(0, 19)}Z`;

const inFilter = (column: string, values: readonly string[]): string =>
  `Microsoft.Dynamics.CRM.In(PropertyName='${column}',PropertyValues=${JSON.stringify(values)})`;

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Filters over as many values each as a URL takes. `overhead`: encoded characters around each value. */
function chunked(
  values: readonly string[],
  overhead: number,
  filter: (chunk: readonly string[]) => string,
): string[] {
  const chunks: string[][] = [];
  let length = Infinity;
  for (const value of values) {
    const cost = encodeURIComponent(value).length + overhead;
    const chunk = chunks.at(-1);
    if (chunk === undefined || length + cost > LONGEST_FILTER || chunk.length >= PAGE_SIZE) {
      chunks.push([value]);
      length = cost;
    } else {
      chunk.push(value);
      length += cost;
    }
  }
  return chunks.map(filter);
}

/** @throws RangeError for anything that is no GUID: it would become part of an address */
export function mustBeGuid(id: string): string {
  const valid = guid(id);
  if (valid === undefined) throw new RangeError(`"${id}" is not the id of a Dynamics row`);
  return valid;
}
