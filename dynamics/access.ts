import * as z from 'zod';

import type { Kind, Lane } from '../rules/terms.js';
import { TRANSIENT } from '../rules/failures.js';
import { type Answer, brokenAnswer, type CallContext, failureOf, isSuccess, parseJson } from './answers.js';
import { type PartAnswer, readPart, sendBatch } from './batch.js';
import type { Connection } from './connection.js';
import type { PartRequest } from './multipart-writer.js';
import { mustBeGuid } from './reads.js';
import { guid, TABLES } from './tables.js';
import type { Access, ColumnAccess } from './types.js';

/** A column as the metadata describes it. Flags that are missing count against us. */
const attribute = z.object({
  LogicalName: z.string().min(1),
  MetadataId: z.string().optional().catch(undefined),
  AttributeType: z.string().optional().catch(undefined),
  AttributeTypeName: z.object({ Value: z.string() }).optional().catch(undefined),
  AttributeOf: z.string().nullish().catch(undefined),
  IsSecured: z.boolean().catch(true),
  IsValidForRead: z.boolean().catch(false),
  IsValidForCreate: z.boolean().catch(false),
  IsValidForUpdate: z.boolean().catch(false),
});
export type Attribute = z.infer<typeof attribute>;

const list = z.object({ value: z.array(z.unknown()) });
const FLAGS = 'LogicalName,MetadataId,IsSecured,IsValidForRead,IsValidForCreate,IsValidForUpdate';
/** `CanRead`, `CanCreate`, `CanUpdate`: 0 not allowed, 4 allowed (Microsoft: FieldPermissionType). */
const ALLOWED = 4;

const attributePrivileges = z.object({
  AttributePrivileges: z.array(
    z.object({
      AttributeId: z.string(),
      CanRead: z.unknown(),
      CanCreate: z.unknown(),
      CanUpdate: z.unknown(),
    }),
  ),
});
const rolePrivileges = z.object({
  RolePrivileges: z.array(z.object({ PrivilegeName: z.string().min(1) })).min(1),
});

/** What the user was granted: on secured columns by metadata id, and on tables where that is known. */
export interface Grants {
  readonly columns: ReadonlyMap<string, Omit<ColumnAccess, 'secured'>>;
  /** Names in lower case; `undefined` where the environment does not tell them: then the calls themselves will. */
  readonly tables: ReadonlySet<string> | undefined;
}

export async function readAccess(
  connection: Connection,
  lane: Lane,
  userId: string,
  kinds: readonly Kind[],
  signal?: AbortSignal,
): Promise<Access> {
  const name = 'read access rights';
  const parts = [...grantParts(userId, true), ...kinds.map((kind) => attributesPart(kind, FLAGS, true))];
  const [columns, tables, ...attributes] = await sendBatch(connection, lane, {
    name,
    parts,
    strong: true,
    signal,
  });
  const context: CallContext = { name, origin: connection.origin };
  const grants = parseGrants(columns, tables, context);
  const access: Record<Kind, Record<string, ColumnAccess>> = { lead: {}, contact: {} };
  kinds.forEach((kind, index) => {
    for (const found of parseAttributes(attributes[index], context)) {
      access[kind][found.LogicalName] = columnAccess(kind, found, grants);
    }
  });
  return access;
}

/** Requests for `parseGrants`. */
export function grantParts(userId: string, strong: boolean): PartRequest[] {
  const user = `systemusers(${mustBeGuid(userId)})/Microsoft.Dynamics.CRM`;
  const headers = consistency(strong);
  return [
    readPart(`${user}.RetrievePrincipalAttributePrivileges()`, headers),
    readPart(`${user}.RetrieveUserPrivileges()`, headers),
  ];
}

export const attributesPart = (kind: Kind, select: string, strong: boolean): PartRequest =>
  readPart(`EntityDefinitions(LogicalName='${kind}')/Attributes?$select=${select}`, consistency(strong));

export const consistency = (strong: boolean): Record<string, string> =>
  strong ? { Consistency: 'Strong' } : {};

/**
 * A refused or unknown answer grants no secured column, and tells nothing of tables.
 * @throws RemoteFailure where asking again may help
 */
export function parseGrants(
  columns: PartAnswer | undefined,
  tables: PartAnswer | undefined,
  context: CallContext,
): Grants {
  const granted = new Map<string, Omit<ColumnAccess, 'secured'>>();
  const parsed = attributePrivileges.safeParse(jsonOfPart(columns, context));
  for (const { AttributeId, CanRead, CanCreate, CanUpdate } of parsed.data?.AttributePrivileges ?? []) {
    const id = guid(AttributeId);
    if (id === undefined) continue;
    const before = granted.get(id);
    granted.set(id, {
      readable: CanRead === ALLOWED && before?.readable !== false,
      creatable: CanCreate === ALLOWED && before?.creatable !== false,
      updatable: CanUpdate === ALLOWED && before?.updatable !== false,
    });
  }
  const roles = rolePrivileges.safeParse(jsonOfPart(tables, context)).data?.RolePrivileges;
  return {
    columns: granted,
    tables: roles && new Set(roles.map(({ PrivilegeName }) => PrivilegeName.toLowerCase())),
  };
}

/** The body of a part; `undefined` where the server refuses to tell. */
function jsonOfPart(part: PartAnswer | undefined, context: CallContext): unknown {
  const answer = answered(part, context);
  if (isSuccess(answer)) return parseJson(answer.body);
  const failure = failureOf(answer, context);
  if (TRANSIENT.has(failure.type)) throw failure;
  return undefined;
}

/** The list in a part that must be there. */
export function listOfPart(part: PartAnswer | undefined, context: CallContext): readonly unknown[] {
  const answer = answered(part, context);
  if (!isSuccess(answer)) throw failureOf(answer, context);
  const parsed = list.safeParse(parseJson(answer.body));
  if (!parsed.success) throw brokenAnswer(context, 'JSON that is no list');
  return parsed.data.value;
}

function answered(part: PartAnswer | undefined, context: CallContext): Answer {
  if (part === undefined || typeof part === 'string') throw brokenAnswer(context, 'a part missing');
  return part;
}

/** Columns of an answer; an entry without a name is none. */
export const parseAttributes = (part: PartAnswer | undefined, context: CallContext): Attribute[] =>
  listOfPart(part, context).flatMap((entry) => attribute.safeParse(entry).data ?? []);

/** Metadata and grants together. */
export function columnAccess(kind: Kind, column: Attribute, grants: Grants): ColumnAccess {
  const granted = grants.columns.get(guid(column.MetadataId) ?? '');
  const may = (verb: 'Read' | 'Create' | 'Write', valid: boolean, grant: boolean | undefined): boolean =>
    valid && (!column.IsSecured || grant === true) && mayOnTable(kind, verb, grants);
  return {
    secured: column.IsSecured,
    readable: may('Read', column.IsValidForRead, granted?.readable),
    creatable: may('Create', column.IsValidForCreate, granted?.creatable),
    updatable: may('Write', column.IsValidForUpdate, granted?.updatable),
  };
}

const mayOnTable = (kind: Kind, verb: string, { tables }: Grants): boolean =>
  tables === undefined || tables.has(`prv${verb}${TABLES[kind].privilege}`.toLowerCase());
