import { FAILURES, RemoteFailure } from '../rules/failures.js';
import type { Kind, Lane } from '../rules/terms.js';
import { brokenAnswer } from './answers.js';
import type { Connection } from './connection.js';
import { lookupName, lookupsIn, namesFor, propertiesOf, withNames } from './lookup-names.js';
import { PAGE_SIZE, type Page, readPages, staysOn } from './pages.js';
import { readRows } from './reads.js';
import { selection } from './rows.js';
import { lookupColumn, TABLES } from './tables.js';
import type { ChangePage, ChangesFrom, Row } from './types.js';

const SIZE = `odata.maxpagesize=${PAGE_SIZE}`;
const TRACKED = `odata.track-changes,${SIZE}`;

/**
 * Microsoft: "Use change tracking to synchronize data with external systems". No filter, order or annotations go with
 * tracking: names of lookups are read beside it. A delta link needs no tracking header; a next link wants the headers of
 * the first page.
 *
 * Where nothing changed, an answer without a link keeps the old one good. Changes without a new link are a broken answer:
 * they would be read again every time, and more with each, and nobody would know.
 */
export async function* readChanges(
  connection: Connection,
  lane: Lane,
  kind: Kind,
  from: ChangesFrom,
  signal?: AbortSignal,
): AsyncGenerator<ChangePage> {
  const select = from.select ?? [];
  const lookups = lookupsIn(select);
  const wanted = lookups.flatMap((column) => [lookupName(column), lookupColumn(column)]);
  const read = (ids: readonly string[]): Promise<Row[]> =>
    readRows(connection, lane, kind, ids, wanted, signal);
  for await (const page of readTracked(connection, lane, kind, from, signal)) {
    if (lookups.length === 0) {
      yield page;
      continue;
    }
    const names = await namesFor(page.rows, lookups, read);
    yield { ...page, rows: page.rows.map((row) => withNames(row, select, names)) };
  }
}

async function* readTracked(
  connection: Connection,
  lane: Lane,
  kind: Kind,
  from: ChangesFrom,
  signal?: AbortSignal,
): AsyncGenerator<ChangePage> {
  const { set } = TABLES[kind];
  const read = { name: `read changes of ${set}`, kind, tracked: true, signal };
  if ('link' in from) {
    mustBeOurs(connection.origin, kind, from.link);
    const isDelta = /[?&](\$|%24)deltatoken=/i.test(from.link);
    const prefer = isDelta ? SIZE : TRACKED;
    const select = selectedIn(from.link);
    let quiet = isDelta;
    for await (const page of readPages(connection, lane, { ...read, path: from.link, prefer, select })) {
      quiet &&= page.rows.length === 0 && page.deleted.length === 0;
      if (endsWithoutLink(page) && !quiet) {
        throw brokenAnswer(
          { name: read.name, origin: connection.origin },
          'changes that have no new change link',
        );
      }
      yield page;
    }
    return;
  }
  const path = `${set}?${selection(kind, from.select)}`;
  const pages = readPages(connection, lane, {
    ...read,
    path,
    prefer: TRACKED,
    select: new Set(propertiesOf(from.select)),
  });
  for await (const page of pages) {
    if (endsWithoutLink(page)) throw untracked(connection.origin, set);
    yield page;
  }
}

const endsWithoutLink = ({ nextLink, deltaLink }: Page): boolean =>
  nextLink === undefined && deltaLink === undefined;

/** A first read that ends without a cursor would be repeated for ever. */
const untracked = (origin: string, set: string): RemoteFailure =>
  new RemoteFailure({
    type: FAILURES.misconfigured,
    side: 'dynamics',
    code: 'no-delta-link',
    message:
      `Dynamics (${origin}) read ${set} to the end without giving a change link. ` +
      `Turn on change tracking for the table, and check that no proxy drops the header "Prefer".`,
    effect: 'none',
  });

/** A kept link of another environment or table is no cursor of this one. */
function mustBeOurs(origin: string, kind: Kind, link: string): void {
  if (staysOn(origin, link) && new URL(link).pathname.endsWith(`/${TABLES[kind].set}`)) return;
  throw new RemoteFailure({
    type: FAILURES.cursorInvalid,
    side: 'dynamics',
    code: 'foreign-link',
    message: `The kept change link of ${TABLES[kind].set} is not one of ${origin}. The table has to be read again.`,
    effect: 'none',
  });
}

/** The columns that the server baked into a link; `undefined` where it does not show them. */
function selectedIn(link: string): ReadonlySet<string> | undefined {
  const select = new URL(link).searchParams.get('$select');
  return select ? new Set(select.split(',').map((column) => column.trim())) : undefined;
}
