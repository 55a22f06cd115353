import * as z from 'zod';

import type { Kind, Lane } from '../rules/terms.js';
import type { CallContext } from './answers.js';
import { type PartAnswer, readPart, sendBatch } from './batch.js';
import type { Connection } from './connection.js';
import {
  both,
  type ColumnGrant,
  columnGrants,
  consistency,
  deepest,
  grantOf,
  type Grants,
  type HeldPrivilege,
  heldPrivileges,
  privilegeNames,
  saidIn,
  type SecuredColumn,
  type Told,
} from './grants.js';
import { maskParts, masksIn, mayBeMasked } from './grants-masks.js';
import type { PartRequest } from './multipart-writer.js';
import { guid } from './tables.js';

export interface GrantsRead {
  readonly name: string;
  readonly userId: string;
  readonly kinds: readonly Kind[];
  readonly strong: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * The user's grants from the two functions that tell them. What they leave open (privileges without a name; columns where
 * the function is refused; texts that may come masked) is read from the tables behind them, by one batch more, and only
 * then.
 *
 * @param secured the secured columns: without any, grants on columns do not matter
 * @throws RemoteFailure where asking again may help
 */
export async function completeGrants(
  connection: Connection,
  lane: Lane,
  read: GrantsRead,
  told: { readonly columns: PartAnswer | undefined; readonly tables: PartAnswer | undefined },
  secured: readonly SecuredColumn[],
): Promise<Grants> {
  const context: CallContext = { name: read.name, origin: connection.origin };
  const columns = columnGrants(told.columns, context);
  const held = heldPrivileges(told.tables, context);
  const nameless = 'known' in held && leavesOpen(held.known, read.kinds);
  const untold = secured.length > 0 && 'unknown' in columns;
  const maskable = secured.some((column) => (untold ? column.text : mayBeMasked(columns, column)));
  const parts = [
    ...(nameless ? nameParts(read) : []),
    ...(maskable ? maskParts(read.strong) : []),
    ...(untold ? permissionParts(read) : []),
  ];
  const answers = parts.length === 0 ? [] : await sendBatch(connection, lane, { ...read, parts });
  const names = nameless ? namesIn(answers[0], context) : new Map<string, string>();
  return {
    tables: 'unknown' in held ? held : { known: deepest(held.known, names) },
    masks: maskable ? masksIn(answers[nameless ? 1 : 0], context) : { known: new Set() },
    columns: untold ? permissionsIn(answers.slice(-PERMISSION_PARTS), columns, context) : columns,
  };
}

/** Whether a privilege without a name may be one that matters. */
function leavesOpen(held: readonly HeldPrivilege[], kinds: readonly Kind[]): boolean {
  const named = new Set(held.map(({ name }) => name));
  return (
    privilegeNames(kinds).some((name) => !named.has(name.toLowerCase())) &&
    held.some(({ id, name }) => name === undefined && id !== undefined)
  );
}

const nameParts = ({ kinds, strong }: GrantsRead): PartRequest[] => {
  const filter = privilegeNames(kinds)
    .map((name) => `name eq '${name}'`)
    .join(' or ');
  const path = `privileges?$select=name,privilegeid&$filter=${encodeURIComponent(filter)}`;
  return [readPart(path, consistency(strong))];
};

const list = z.object({ value: z.array(z.unknown()) });
const namedPrivilege = z.object({ name: z.string().min(1), privilegeid: z.string() });

/** Names by id; an id with two names has none. */
function namesIn(part: PartAnswer | undefined, context: CallContext): Map<string, string> {
  const said = saidIn(part, 'privileges', list, context);
  const names = new Map<string, string>();
  const contradicted = new Set<string>();
  for (const entry of 'known' in said ? said.known.value : []) {
    const found = namedPrivilege.safeParse(entry).data;
    const id = guid(found?.privilegeid);
    const name = found?.name.toLowerCase();
    if (id === undefined || name === undefined) continue;
    if ((names.get(id) ?? name) !== name) contradicted.add(id);
    names.set(id, name);
  }
  for (const id of contradicted) names.delete(id);
  return names;
}

const PERMISSION_PARTS = 3;

/**
 * Microsoft: "Column-level security". `fieldpermissions` comes whole: newer versions have `canreadunmasked`, which older
 * ones refuse to select.
 */
const permissionParts = ({ userId, kinds, strong }: GrantsRead): PartRequest[] => {
  const profile = '$select=fieldsecurityprofileid';
  const filter = kinds.map((kind) => `entityname eq '${kind}'`).join(' or ');
  return [
    `systemusers(${userId})/systemuserprofiles_association?${profile}`,
    `systemusers(${userId})/teammembership_association?$select=teamid&$expand=teamprofiles_association(${profile})`,
    `fieldpermissions?$filter=${encodeURIComponent(filter)}`,
  ].map((path) => readPart(path, consistency(strong)));
};

const profile = z.object({ fieldsecurityprofileid: z.string() });
const team = z.object({ teamprofiles_association: z.array(z.unknown()) });
const permission = z.object({
  _fieldsecurityprofileid_value: z.string(),
  entityname: z.string().min(1),
  attributelogicalname: z.string().min(1),
  canread: z.unknown().optional(),
  cancreate: z.unknown().optional(),
  canupdate: z.unknown().optional(),
  canreadunmasked: z.unknown().optional(),
});

/** Any of the user's profiles, own or of a team, may grant; entries of one profile must agree. */
function permissionsIn(
  [own, teams, permissions]: readonly PartAnswer[],
  refused: Told<Map<string, ColumnGrant>>,
  context: CallContext,
): Told<Map<string, ColumnGrant>> {
  const ownProfiles = saidIn(own, 'systemuserprofiles_association', list, context);
  const teamProfiles = saidIn(teams, 'teamprofiles_association', list, context);
  const said = saidIn(permissions, 'fieldpermissions', list, context);
  if ('unknown' in said || ('unknown' in ownProfiles && 'unknown' in teamProfiles)) return refused;
  const profiles = new Set([
    ...('known' in ownProfiles ? profilesIn(ownProfiles.known.value) : []),
    ...('known' in teamProfiles
      ? teamProfiles.known.value.flatMap((entry) =>
          profilesIn(team.safeParse(entry).data?.teamprofiles_association ?? []),
        )
      : []),
  ]);
  const byProfile = new Map<string, ColumnGrant>();
  for (const entry of said.known.value) {
    const found = permission.safeParse(entry).data;
    const id = guid(found?._fieldsecurityprofileid_value);
    if (found === undefined || id === undefined || !profiles.has(id)) continue;
    const key = `${id} ${found.entityname}.${found.attributelogicalname}`;
    const grant = grantOf(found.canread, found.cancreate, found.canupdate, found.canreadunmasked);
    byProfile.set(key, both(byProfile.get(key) ?? grant, grant));
  }
  const granted = new Map<string, ColumnGrant>();
  for (const [key, grant] of byProfile) {
    const column = key.slice(key.indexOf(' ') + 1);
    granted.set(column, either(granted.get(column) ?? grant, grant));
  }
  return { known: granted };
}

const profilesIn = (entries: readonly unknown[]): string[] =>
  entries.flatMap((entry) => guid(profile.safeParse(entry).data?.fieldsecurityprofileid) ?? []);

const either = (one: ColumnGrant, other: ColumnGrant): ColumnGrant => ({
  readable: one.readable || other.readable,
  creatable: one.creatable || other.creatable,
  updatable: one.updatable || other.updatable,
  maskable: one.maskable || other.maskable,
});
