import { DataverseError } from '../errors.js';
import { jsonResponse, textResponse, type ApiRequest, type ApiResponse } from '../http/messages.js';
import { rootUrl, type Organization, type Table } from '../organization.js';
import { pageSize, readCookie, writeCookie, type Position } from '../query/paging.js';
import { demandGlobalRead } from '../rights/privileges.js';
import { parsePrefer, type Query } from '../query/query.js';
import { appliedPreferences, contextUrl, linkWith } from '../query/reads.js';
import { representRow, selectedColumns } from '../query/represent.js';
import type { Change, StoredRow } from './versioned-rows.js';

type Answer = Record<string, unknown>;

const refuseOptions = (query: Query): void => {
  const used = [
    query.filter === null ? null : 'filter',
    query.orderBy.length === 0 ? null : 'orderby',
    query.expand.length === 0 ? null : 'expand',
    query.top === null ? null : 'top',
  ].find((one) => one !== null);
  if (used === undefined) return;
  const message = `The "${used}" query parameter isn't supported when Change Tracking is enabled.`;
  throw new DataverseError(400, '0x80060888', message);
};

const pad = (value: number): string => String(value).padStart(2, '0');

/** Percent-encoded as the product does it: also `!`, and in lower case. */
const encodeToken = (token: string): string =>
  token.replace(/!/g, '%21').replace(/\//g, '%2f').replace(/:/g, '%3a').replace(/ /g, '%20');

/** `919042!08/22/2026 08:10:44`. */
const writeToken = (version: number, at: number): string => {
  const date = new Date(at);
  const day = `${pad(date.getUTCMonth() + 1)}/${pad(date.getUTCDate())}/${date.getUTCFullYear()}`;
  const time = `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}`;
  return encodeToken(`${version}!${day} ${time}`);
};

const tokenPattern = /^(\d+)!(\d{2})\/(\d{2})\/(\d{4}) (\d{2}:\d{2}:\d{2})$/;

const expired = ({ settings }: Organization): DataverseError =>
  new DataverseError(
    settings.expiredDeltaStatus,
    '0x80044352',
    'Version stamp associated with the client has expired. Please perform a full sync.',
  );

const invalid = (): DataverseError => new DataverseError(400, '0x80040203', 'The delta token is not valid.');

/** Clocks may differ, but no token is of the day after tomorrow. */
const mostAheadMs = 86_400_000;

/** Tokens do not name their table. One that this run gave out for others alone was mixed up by the client. */
const isOfAnother = (organization: Organization, table: Table, version: number): boolean =>
  version > organization.versionBefore &&
  !table.tokensGiven.has(version) &&
  Object.values(organization.tables).some(({ tokensGiven }) => tokensGiven.has(version));

/** The version that a delta token stands for; an old one, another table's, or one never given is a 400. */
const readToken = (organization: Organization, table: Table, token: string): number => {
  const match = tokenPattern.exec(token);
  if (match === null) throw invalid();
  const version = Number(match[1]);
  const issuedAt = Date.parse(`${match[4] ?? ''}-${match[2] ?? ''}-${match[3] ?? ''}T${match[5] ?? ''}Z`);
  const oldest = organization.now() - organization.settings.trackingDays * 86_400_000;
  if (version < table.tokensExpiredBelow || issuedAt < oldest) throw expired(organization);
  const isAhead = version > organization.version || issuedAt > organization.now() + mostAheadMs;
  if (isAhead || isOfAnother(organization, table, version)) throw invalid();
  return version;
};

const deltaLink = (organization: Organization, table: Table, query: Query, version: number): Answer => {
  table.tokensGiven.add(version);
  const token = writeToken(version, organization.now());
  return { '@odata.deltaLink': linkWith(organization, table, query, '$deltatoken', token) };
};

/** The link of a delta that brought nothing, with the token that was sent. */
const sameLink = (organization: Organization, table: Table, query: Query): Answer => {
  const token = encodeToken(query.deltaToken ?? '');
  return { '@odata.deltaLink': linkWith(organization, table, query, '$deltatoken', token) };
};

const nextLink = (organization: Organization, table: Table, query: Query, position: Position): Answer => ({
  '@odata.nextLink': linkWith(organization, table, query, '$skiptoken', writeCookie(position)),
});

const deletedEntry = (organization: Organization, table: Table, change: Change): Answer => ({
  '@odata.context': `${rootUrl(organization)}$metadata#${table.shape.entitySet}/$deletedEntity`,
  id: change.id,
  reason: 'deleted',
});

/** Change tracking may be off for a table; once on, it stays on. */
const demandTracking = ({ settings }: Organization, { shape }: Table): void => {
  if (!settings.untrackedTables.includes(shape.logicalName)) return;
  const message = `Entity ${shape.logicalName} isn't enabled for change tracking.`;
  throw new DataverseError(400, '0x80072491', message);
};

/** The first load: all rows by key; the delta link stands on the last page alone. */
const firstLoad = (
  organization: Organization,
  table: Table,
  query: Query,
  size: number,
  position: (Position & { kind: 'firstLoad' }) | null,
): Answer => {
  const columns = selectedColumns(table, query.select);
  const version = position?.version ?? organization.version;
  const rows: StoredRow[] = [];
  for (const row of table.rows.inKeyOrder(position?.after ?? null)) {
    if (rows.push(row) > size) break;
  }
  const page = rows.slice(0, size);
  const last = page.at(-1);
  const next = { kind: 'firstLoad', page: (position?.page ?? 1) + 1, version } as const;
  const until = organization.settings.initialToken === 'firstPage' ? version : organization.version;
  return {
    '@odata.context': contextUrl(organization, table, query),
    value: page.map((row) => representRow(organization, columns, row)),
    ...(rows.length > size && last !== undefined
      ? nextLink(organization, table, query, { ...next, after: last.id })
      : deltaLink(organization, table, query, until)),
  };
};

interface Entry {
  readonly phase: 'rows' | 'deleted';
  readonly version: number;
  readonly answer: Answer;
}

/** Changed rows in version order, then deletions; both up to the version of the new token. */
function* entriesOf(
  organization: Organization,
  table: Table,
  query: Query,
  from: Position & { kind: 'delta' },
  since: number,
): Generator<Entry> {
  const columns = selectedColumns(table, query.select);
  if (from.phase === 'rows') {
    for (const row of table.rows.changedAfter(from.after)) {
      if (row.version > from.until) break;
      yield { phase: 'rows', version: row.version, answer: representRow(organization, columns, row) };
    }
  }
  for (const change of table.rows.deletedAfter(from.phase === 'deleted' ? from.after : since)) {
    if (change.version > from.until) break;
    yield { phase: 'deleted', version: change.version, answer: deletedEntry(organization, table, change) };
  }
}

const delta = (
  organization: Organization,
  table: Table,
  query: Query,
  size: number,
  position: (Position & { kind: 'delta' }) | null,
): Answer => {
  const since = readToken(organization, table, query.deltaToken ?? '');
  const from = position ?? {
    kind: 'delta',
    page: 1,
    phase: 'rows',
    after: since,
    until: organization.version,
  };
  const entries: Entry[] = [];
  for (const entry of entriesOf(organization, table, query, from, since)) {
    if (entries.push(entry) > size) break;
  }
  const page = entries.slice(0, size);
  const last = page.at(-1);
  const link =
    entries.length > size && last !== undefined
      ? nextLink(
          organization,
          table,
          { ...query, linkText: withToken(query) },
          { ...from, page: from.page + 1, phase: last.phase, after: last.version },
        )
      : entries.length === 0 && organization.settings.unchangedDeltaToken === 'same'
        ? sameLink(organization, table, query)
        : deltaLink(organization, table, query, from.until);
  return {
    '@odata.context': contextUrl(organization, table, query, '/$delta'),
    ...link,
    value: page.map(({ answer }) => answer),
  };
};

/** The pages of one delta keep the token that they count from. */
const withToken = (query: Query): string => {
  const token = encodeURIComponent(query.deltaToken ?? '');
  return `${query.linkText}${query.linkText === '' ? '' : '&'}$deltatoken=${token}`;
};

/** True when a read goes by change tracking: asked for now, or going on from a link of ours. */
export const isTracked = (query: Query, prefer: ReadonlyMap<string, string>): boolean =>
  query.deltaToken !== null ||
  (query.skipToken === null
    ? prefer.has('odata.track-changes')
    : readCookie(query.skipToken).kind !== 'rows');

/** Reads a table with change tracking: first load, delta, and the pages of both. */
export const readTracked = (
  organization: Organization,
  table: Table,
  query: Query,
  request: ApiRequest,
): ApiResponse => {
  refuseOptions(query);
  demandTracking(organization, table);
  demandGlobalRead(organization.privileges, table.shape);
  const prefer = parsePrefer(request.headers['prefer']);
  const size = pageSize(prefer.get('odata.maxpagesize'));
  const position = query.skipToken === null ? null : readCookie(query.skipToken);
  const body =
    query.deltaToken === null
      ? firstLoad(organization, table, query, size, position?.kind === 'firstLoad' ? position : null)
      : delta(organization, table, query, size, position?.kind === 'delta' ? position : null);
  return jsonResponse(200, body, appliedPreferences(prefer));
};

/** `GET leads/$count?$deltatoken=...`: how many entries a delta would bring. */
export const countChanges = (organization: Organization, table: Table, query: Query): ApiResponse => {
  demandTracking(organization, table);
  demandGlobalRead(organization.privileges, table.shape);
  const since = readToken(organization, table, query.deltaToken ?? '');
  let count = 0;
  for (const row of table.rows.changedAfter(since)) count += row.version > since ? 1 : 0;
  for (const change of table.rows.deletedAfter(since)) count += change.version > since ? 1 : 0;
  return textResponse(String(count));
};
