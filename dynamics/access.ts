import * as z from 'zod';

import type { Kind, Lane } from '../rules/terms.js';
import { type CallContext, failureOf, isSuccess, parseJson } from './answers.js';
import { type PartAnswer, readPart, sendBatch } from './batch.js';
import type { Connection } from './connection.js';
import {
  answered,
  consistency,
  grantOn,
  grantParts,
  type Grants,
  privilegeName,
  type SecuredColumn,
  type Verb,
} from './grants.js';
import { completeGrants, type GrantsRead } from './grants-elsewhere.js';
import { hiddenBy } from './grants-masks.js';
import type { PartRequest } from './multipart-writer.js';
import { parsed } from './parse.js';
import { guid } from './tables.js';
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
const FLAGS =
  'LogicalName,MetadataId,AttributeType,IsSecured,IsValidForRead,IsValidForCreate,IsValidForUpdate';

export async function readAccess(
  connection: Connection,
  lane: Lane,
  userId: string,
  kinds: readonly Kind[],
  signal?: AbortSignal,
): Promise<Access> {
  const name = 'read access rights';
  const read: GrantsRead = { name, userId, kinds, strong: true, signal };
  const parts = [...grantParts(userId, true), ...kinds.map((kind) => attributesPart(kind, FLAGS, true))];
  const [columns, tables, ...answers] = await sendBatch(connection, lane, { ...read, parts });
  const context: CallContext = { name, origin: connection.origin };
  const attributes = kinds.map((_kind, index) => parseAttributes(answers[index], context));
  const secured = kinds.flatMap((kind, index) => securedIn(kind, attributes[index] ?? []));
  const grants = await completeGrants(connection, lane, read, { columns, tables }, secured);
  const access: Record<Kind, Record<string, ColumnAccess>> = { lead: {}, contact: {} };
  kinds.forEach((kind, index) => {
    for (const found of attributes[index] ?? []) {
      access[kind][found.LogicalName] = columnAccess(kind, found, grants);
    }
  });
  return access;
}

export const attributesPart = (kind: Kind, select: string, strong: boolean): PartRequest =>
  readPart(`EntityDefinitions(LogicalName='${kind}')/Attributes?$select=${select}`, consistency(strong));

/** The list in a part that must be there. */
export function listOfPart(part: PartAnswer | undefined, context: CallContext): readonly unknown[] {
  const answer = answered(part, context);
  if (!isSuccess(answer)) throw failureOf(answer, context);
  return parsed(list, parseJson(answer.body), context).value;
}

/** Columns of an answer; an entry without a name is none, and of two with one name the safer flags count. */
export function parseAttributes(part: PartAnswer | undefined, context: CallContext): Attribute[] {
  const columns = new Map<string, Attribute>();
  for (const entry of listOfPart(part, context)) {
    const found = attribute.safeParse(entry).data;
    if (found === undefined) continue;
    const before = columns.get(found.LogicalName);
    columns.set(found.LogicalName, before === undefined ? found : safer(before, found));
  }
  return [...columns.values()];
}

const safer = (one: Attribute, other: Attribute): Attribute => ({
  ...one,
  IsSecured: one.IsSecured || other.IsSecured,
  IsValidForRead: one.IsValidForRead && other.IsValidForRead,
  IsValidForCreate: one.IsValidForCreate && other.IsValidForCreate,
  IsValidForUpdate: one.IsValidForUpdate && other.IsValidForUpdate,
});

/** Types whose values are no texts, so that no mask is laid over them. Any other may hold one. */
const NO_TEXT = new Set([
  ...[
    'Boolean',
    'Integer',
    'BigInt',
    'Decimal',
    'Double',
    'Money',
    'DateTime',
    'Picklist',
    'State',
    'Status',
  ],
  ...['Lookup', 'Customer', 'Owner', 'Uniqueidentifier'],
]);

const asSecured = (kind: Kind, column: Attribute): SecuredColumn => ({
  kind,
  name: column.LogicalName,
  id: guid(column.MetadataId),
  text: !NO_TEXT.has(column.AttributeType ?? ''),
});

/** The secured columns among these. */
export const securedIn = (kind: Kind, columns: readonly Attribute[]): SecuredColumn[] =>
  columns.filter(({ IsSecured }) => IsSecured).map((column) => asSecured(kind, column));

/** Metadata and grants together: what nobody granted is withheld, and `withheld` says why where that is not plain. */
export function columnAccess(kind: Kind, column: Attribute, grants: Grants): ColumnAccess {
  const open = (verb: Verb, valid: boolean, granted: boolean | undefined): boolean =>
    valid && (!column.IsSecured || granted === true) && mayOnTable(verb, kind, grants);
  const found = asSecured(kind, column);
  const granted = grantOn(grants.columns, found);
  const hidden = column.IsSecured ? hiddenBy(grants, found) : undefined;
  const readable = open('Read', column.IsValidForRead, granted?.readable) && hidden === undefined;
  const creatable = open('Create', column.IsValidForCreate, granted?.creatable);
  const updatable = open('Write', column.IsValidForUpdate, granted?.updatable);
  return {
    secured: column.IsSecured,
    readable,
    creatable,
    updatable,
    withheld: reasonFor(kind, column, grants, { readable, hidden }),
  };
}

/**
 * Create and Write count at any depth: a single row may still be refused (`0x80048306`), which is that row's refusal.
 * Read counts at organization level alone: change tracking asks for it, and below it a row that we may not see looks
 * like one that was deleted.
 */
function mayOnTable(verb: Verb, kind: Kind, { tables }: Grants): boolean {
  if ('unknown' in tables) return false;
  const depth = tables.known.get(privilegeName(verb, kind).toLowerCase());
  return verb === 'Read' ? depth === 'Global' : depth !== undefined;
}

function reasonFor(
  kind: Kind,
  column: Attribute,
  { tables, columns }: Grants,
  found: { readonly readable: boolean; readonly hidden: string | undefined },
): string | undefined {
  if ('unknown' in tables) return tables.unknown;
  if (column.IsSecured && 'unknown' in columns) return columns.unknown;
  if (found.readable || !column.IsValidForRead) return undefined;
  const read = privilegeName('Read', kind);
  const depth = tables.known.get(read.toLowerCase());
  if (depth === undefined) return `No role of the sync user has ${read}.`;
  if (depth !== 'Global') {
    return `${read} is held at the depth ${depth}, but reading changes needs it at organization level.`;
  }
  return found.hidden;
}
