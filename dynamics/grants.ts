import * as z from 'zod';

import type { Kind } from '../rules/terms.js';
import { TRANSIENT } from '../rules/failures.js';
import { type Answer, brokenAnswer, type CallContext, failureOf, isSuccess, parseJson } from './answers.js';
import { type PartAnswer, readPart } from './batch.js';
import type { PartRequest } from './multipart-writer.js';
import { mustBeGuid } from './reads.js';
import { guid, TABLES } from './tables.js';

/** What is granted on one secured column. */
export interface ColumnGrant {
  readonly readable: boolean;
  readonly creatable: boolean;
  readonly updatable: boolean;
  /** The environment knows masks, so a masking rule may be attached to the column. */
  readonly maskable: boolean;
}

/** A secured column as metadata tells it. */
export interface SecuredColumn {
  readonly kind: Kind;
  readonly name: string;
  readonly id: string | undefined;
  /** Holds a text, or may: its type is not told. */
  readonly text: boolean;
}

/** How far a table privilege reaches (Microsoft: PrivilegeDepth). */
export type Depth = 'Basic' | 'Local' | 'Deep' | 'Global';

/** What the environment said, or why nothing is known. */
export type Told<T> = { readonly known: T } | { readonly unknown: string };

/** What the user was granted. Nothing is granted that was not said. */
export interface Grants {
  /** On secured columns; `grantOn` finds them. */
  readonly columns: Told<ReadonlyMap<string, ColumnGrant>>;
  /** Columns with a masking rule; `hiddenBy` finds them. */
  readonly masks: Told<ReadonlySet<string>>;
  /** Privileges with their depth; names in lower case. */
  readonly tables: Told<ReadonlyMap<string, Depth>>;
}

/** A privilege as `RetrieveUserPrivileges` lists it; newer versions name it, others leave that to `privileges`. */
export interface HeldPrivilege {
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly depth: Depth;
}

const COLUMNS = 'RetrievePrincipalAttributePrivileges';
const TABLE_RIGHTS = 'RetrieveUserPrivileges';
const GIVE = 'give the application user a role with prvReadUser, prvReadRole and prvReadPrivilege';

/** Requests for `columnGrants` and `heldPrivileges`. */
export function grantParts(userId: string, strong: boolean): PartRequest[] {
  const user = `systemusers(${mustBeGuid(userId)})/Microsoft.Dynamics.CRM`;
  return [COLUMNS, TABLE_RIGHTS].map((name) => readPart(`${user}.${name}()`, consistency(strong)));
}

export const consistency = (strong: boolean): Record<string, string> =>
  strong ? { Consistency: 'Strong' } : {};

const attributePrivileges = z.object({ AttributePrivileges: z.array(z.unknown()) });
const attributePrivilege = z.object({
  AttributeId: z.string(),
  CanRead: z.unknown().optional(),
  CanCreate: z.unknown().optional(),
  CanUpdate: z.unknown().optional(),
  CanReadUnmasked: z.unknown().optional(),
});

/**
 * Rights on secured columns by metadata id.
 * @throws RemoteFailure where asking again may help
 */
export function columnGrants(
  part: PartAnswer | undefined,
  call: CallContext,
): Told<Map<string, ColumnGrant>> {
  const said = saidIn(part, COLUMNS, attributePrivileges, call);
  if ('unknown' in said) return said;
  const granted = new Map<string, ColumnGrant>();
  for (const entry of said.known.AttributePrivileges) {
    const found = attributePrivilege.safeParse(entry).data;
    const id = guid(found?.AttributeId);
    if (found === undefined || id === undefined) continue;
    const { CanRead, CanCreate, CanUpdate, CanReadUnmasked } = found;
    const grant = grantOf(CanRead, CanCreate, CanUpdate, CanReadUnmasked);
    granted.set(id, both(granted.get(id) ?? grant, grant));
  }
  return { known: granted };
}

/** By metadata id, as the function tells them; by name, as the table of permissions does. */
export function grantOn(
  columns: Grants['columns'],
  { kind, name, id }: SecuredColumn,
): ColumnGrant | undefined {
  if ('unknown' in columns) return undefined;
  return (id === undefined ? undefined : columns.known.get(id)) ?? columns.known.get(`${kind}.${name}`);
}

/** `unmasked`: 0 not allowed, 1 one record at a time, 3 all records; older versions do not know it. */
export const grantOf = (read: unknown, create: unknown, update: unknown, unmasked: unknown): ColumnGrant => ({
  readable: allowed(read),
  creatable: allowed(create),
  updatable: allowed(update),
  maskable: unmasked !== undefined && unmasked !== null,
});

/** Microsoft: FieldPermissionType, 0 not allowed, 4 allowed. Anything else is no word that we know. */
const allowed = (value: unknown): boolean => value === 4 || value === '4';

/** What two entries for one column agree on. */
export const both = (one: ColumnGrant, other: ColumnGrant): ColumnGrant => ({
  readable: one.readable && other.readable,
  creatable: one.creatable && other.creatable,
  updatable: one.updatable && other.updatable,
  maskable: one.maskable || other.maskable,
});

const rolePrivileges = z.object({ RolePrivileges: z.array(z.unknown()) });
const rolePrivilege = z.object({
  PrivilegeId: z.unknown().optional(),
  PrivilegeName: z.string().trim().min(1).optional().catch(undefined),
  Depth: z.unknown().optional(),
});

/**
 * The user's privileges over all roles; an entry whose depth is not understood is none.
 * @throws RemoteFailure where asking again may help
 */
export function heldPrivileges(part: PartAnswer | undefined, call: CallContext): Told<HeldPrivilege[]> {
  const said = saidIn(part, TABLE_RIGHTS, rolePrivileges, call);
  if ('unknown' in said) return said;
  const held = said.known.RolePrivileges.flatMap((entry): HeldPrivilege[] => {
    const found = rolePrivilege.safeParse(entry).data;
    const depth = depthOf(found?.Depth);
    if (found === undefined || depth === undefined) return [];
    return [{ id: guid(found.PrivilegeId), name: found.PrivilegeName?.toLowerCase(), depth }];
  });
  return { known: held };
}

const DEPTHS: readonly Depth[] = ['Basic', 'Local', 'Deep', 'Global'];

/** By name in any case, or by number. */
function depthOf(value: unknown): Depth | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string') return undefined;
  const word = text.trim().toLowerCase();
  return DEPTHS.find((depth, number) => word === depth.toLowerCase() || word === String(number));
}

/** The deepest of each privilege; names come from the entry, or by its id from `names`. */
export function deepest(
  held: readonly HeldPrivilege[],
  names: ReadonlyMap<string, string>,
): ReadonlyMap<string, Depth> {
  const tables = new Map<string, Depth>();
  for (const { id, name = names.get(id ?? ''), depth } of held) {
    if (name === undefined) continue;
    const before = tables.get(name);
    if (before === undefined || DEPTHS.indexOf(depth) > DEPTHS.indexOf(before)) tables.set(name, depth);
  }
  return tables;
}

const VERBS = ['Read', 'Create', 'Write'] as const;
export type Verb = (typeof VERBS)[number];

export const privilegeName = (verb: Verb, kind: Kind): string => `prv${verb}${TABLES[kind].privilege}`;

/** The names of all privileges that the rules ask for. */
export const privilegeNames = (kinds: readonly Kind[]): string[] =>
  kinds.flatMap((kind) => VERBS.map((verb) => privilegeName(verb, kind)));

/** What a part says, by its schema; a refusal and an answer of another form are both "unknown". */
export function saidIn<T>(
  part: PartAnswer | undefined,
  what: string,
  schema: z.ZodType<T>,
  call: CallContext,
): Told<T> {
  const answer = answered(part, call);
  if (isSuccess(answer)) {
    const said = schema.safeParse(parseJson(answer.body));
    if (said.success) return { known: said.data };
    return { unknown: `Dynamics answered ${what} in a form that is not understood.` };
  }
  const failure = failureOf(answer, call);
  if (TRANSIENT.has(failure.type)) throw failure;
  return { unknown: `Dynamics refused ${what} (${failure.details.code ?? 'no code'}): ${GIVE}.` };
}

/** A part that must be there. */
export function answered(part: PartAnswer | undefined, call: CallContext): Answer {
  if (part === undefined || typeof part === 'string') throw brokenAnswer(call, 'a part missing');
  return part;
}
