import type { IsoInstant, Kind, Lane } from '../rules/terms.js';
import { FAILURES, RemoteFailure } from '../rules/failures.js';
import { httpDate } from '../rules/retry-after.js';
import { type Answer, brokenAnswer, type CallContext } from './answers.js';
import { API_PATH, type Call, type Connection, sendForJson } from './connection.js';
import { parsed, rowLacks } from './parse.js';
import { collection, parseDeleted, parseRow } from './rows.js';
import type { Row } from './types.js';

/** Rows in one answer. 5000 is the server's most; 500 keeps an answer small and a repeated one cheap. */
export const PAGE_SIZE = 500;

export interface Page {
  readonly rows: readonly Row[];
  readonly deleted: readonly string[];
  readonly nextLink?: string;
  readonly deltaLink?: string;
  readonly serverTime: IsoInstant;
}

/** A list that is told in pages. */
export interface LinkedRead {
  readonly name: string;
  /** The first page: a path below the API root, or a link. */
  readonly path: string;
  /** Sent with each page, as Dataverse asks. */
  readonly prefer: string;
  /** The links are cursors of change tracking. */
  readonly tracked?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface PagedRead extends LinkedRead {
  readonly kind: Kind;
  readonly select: ReadonlySet<string> | undefined;
}

/** Reads rows page after page. */
export const readPages = (connection: Connection, lane: Lane, read: PagedRead): AsyncGenerator<Page> =>
  followLinks(connection, lane, read, (json, answer, context) => parsePage(json, answer, read, context));

/** Asks for page after page along the server's links, which are sent back as they came. */
export async function* followLinks<T extends { readonly nextLink?: string | undefined }>(
  connection: Connection,
  lane: Lane,
  read: LinkedRead,
  parse: (json: unknown, answer: Answer, context: CallContext) => T,
): AsyncGenerator<T> {
  let path: string | undefined = read.path;
  const asked = new Set<string>();
  while (path !== undefined) {
    asked.add(path);
    const call: Call = {
      name: read.name,
      method: 'GET',
      path,
      headers: { prefer: read.prefer },
      cursor: read.tracked === true && path.startsWith('http'),
      signal: read.signal,
    };
    const { json, answer } = await sendForJson(connection, lane, call);
    const page = parse(json, answer, connection.context(call));
    if (page.nextLink !== undefined) mustStay(page.nextLink, connection.context(call));
    // Links that lead back would be followed for ever.
    if (page.nextLink !== undefined && asked.has(page.nextLink)) {
      throw brokenAnswer(connection.context(call), 'a next page that was read already');
    }
    yield page;
    path = page.nextLink;
  }
}

function parsePage(json: unknown, answer: Answer, read: PagedRead, context: CallContext): Page {
  const list = parsed(collection, json, context);
  const rows: Row[] = [];
  const deleted: string[] = [];
  for (const [index, entry] of list.value.entries()) {
    const gone = parseDeleted(entry);
    const row = gone === undefined ? parseRow(read.kind, entry, read.select) : undefined;
    if (gone !== undefined) deleted.push(gone);
    else if (row !== undefined) rows.push(row);
    else throw brokenAnswer(context, rowLacks(read.kind, entry, ['value', index]));
  }
  const { '@odata.nextLink': nextLink, '@odata.deltaLink': deltaLink } = list;
  if (deltaLink !== undefined) mustStay(deltaLink, context);
  return {
    rows,
    deleted,
    ...(nextLink !== undefined && { nextLink }),
    ...(deltaLink !== undefined && { deltaLink }),
    serverTime: serverTime(answer),
  };
}

/** Whether a link leads to this environment's Web API: our token goes nowhere else. */
export function staysOn(origin: string, link: string): boolean {
  if (!URL.canParse(link)) return false;
  const url = new URL(link);
  return (
    url.origin === origin && url.pathname.startsWith(API_PATH) && url.username === '' && url.password === ''
  );
}

function mustStay(link: string, { origin, name }: CallContext): void {
  if (staysOn(origin, link)) return;
  const elsewhere = URL.canParse(link) ? new URL(link).origin : 'no valid address';
  throw new RemoteFailure({
    type: FAILURES.misconfigured,
    side: 'dynamics',
    code: 'foreign-link',
    message:
      `Dynamics (${origin}) answered "${name}" with a link to ${elsewhere}, to which our token is not sent. ` +
      `Set DATAVERSE_URL to the environment's own address.`,
    effect: 'none',
  });
}

function serverTime(answer: Answer): IsoInstant {
  return new Date(httpDate(answer.headers['date']) ?? Date.now()).toISOString();
}
