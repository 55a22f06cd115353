import * as z from 'zod';
import type { Lane } from '../rules/terms.js';
import type { Connection } from './connection.js';
import { followLinks } from './pages.js';
import { parsed } from './parse.js';
import { guid } from './tables.js';
import type { Owner } from './types.js';

const id = z.string().transform((text, context) => {
  const found = guid(text);
  if (found === undefined) context.addIssue('no GUID');
  return found ?? z.NEVER;
});
const page = <T extends z.ZodType>(row: T) =>
  z.object({ value: z.array(row), '@odata.nextLink': z.string().min(1).optional() });

const users = page(
  z
    .object({ systemuserid: id, fullname: z.string().nullish() })
    .transform((user): Owner => ({ type: 'systemuser', id: user.systemuserid, name: user.fullname ?? '' })),
);
const teams = page(
  z
    .object({ teamid: id, name: z.string().nullish() })
    .transform((team): Owner => ({ type: 'team', id: team.teamid, name: team.name ?? '' })),
);

/** Read-write access: administrative, read and support users own nothing (Microsoft: systemuser, "AccessMode"). */
const USERS =
  'systemusers?$select=systemuserid,fullname&$filter=isdisabled%20eq%20false%20and%20accessmode%20eq%200&$orderby=fullname';
/** All teams but access teams, which share rows and own none (Microsoft: team, "TeamType"). */
const TEAMS = 'teams?$select=teamid,name&$filter=teamtype%20ne%201&$orderby=name';

/** Users and teams who may own rows, teams first, at most `most` of them, each kind in order of its name. */
export async function readOwners(
  connection: Connection,
  lane: Lane,
  most: number,
  signal?: AbortSignal,
): Promise<Owner[]> {
  const found = await readAll(connection, lane, { path: TEAMS, page: teams, what: 'teams', most, signal });
  const left = most - found.length;
  if (left <= 0) return found;
  const people = { path: USERS, page: users, what: 'users', most: left, signal };
  return [...found, ...(await readAll(connection, lane, people))];
}

interface OwnersPage {
  readonly value: readonly Owner[];
  readonly '@odata.nextLink'?: string | undefined;
}

interface OwnersRead {
  readonly path: string;
  readonly page: z.ZodType<OwnersPage>;
  readonly what: string;
  readonly most: number;
  readonly signal: AbortSignal | undefined;
}

async function readAll(connection: Connection, lane: Lane, read: OwnersRead): Promise<Owner[]> {
  const { path, page, what, most, signal } = read;
  const prefer = `odata.maxpagesize=${String(Math.min(most, 1_000))}`;
  const pages = followLinks(
    connection,
    lane,
    { name: `list ${what}`, path, prefer, signal },
    (json, _answer, context) => {
      const { value, '@odata.nextLink': nextLink } = parsed(page, json, context);
      return { owners: value, nextLink };
    },
  );
  const found: Owner[] = [];
  for await (const { owners } of pages) {
    found.push(...owners.filter(({ name }) => name !== ''));
    if (found.length >= most) break;
  }
  return found.slice(0, most);
}
