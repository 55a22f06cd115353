import * as z from 'zod';

import type { DynamicsColumn, DynamicsType, Option } from '../rules/catalog.js';
import type { Kind, Lane } from '../rules/terms.js';
import {
  type Attribute,
  attributesPart,
  columnAccess,
  listOfPart,
  parseAttributes,
  securedIn,
} from './access.js';
import type { CallContext } from './answers.js';
import { readPart, sendBatch } from './batch.js';
import type { Connection } from './connection.js';
import { consistency, grantParts } from './grants.js';
import { completeGrants, type GrantsRead } from './grants-elsewhere.js';

const ATTRIBUTES =
  'LogicalName,MetadataId,AttributeType,AttributeTypeName,AttributeOf,IsSecured,IsValidForRead,IsValidForCreate,IsValidForUpdate';
const RANGE = '$select=LogicalName,MinValue,MaxValue';
const OPTIONS = '$select=LogicalName&$expand=OptionSet,GlobalOptionSet';

/** Type-specific properties come by casts, one request each (Microsoft: "Query table definitions"). */
const CASTS = [
  ['StringAttributeMetadata', '$select=LogicalName,MaxLength'],
  ['MemoAttributeMetadata', '$select=LogicalName,MaxLength'],
  ['IntegerAttributeMetadata', RANGE],
  ['DecimalAttributeMetadata', `${RANGE},Precision`],
  ['DoubleAttributeMetadata', `${RANGE},Precision`],
  ['MoneyAttributeMetadata', `${RANGE},Precision`],
  ['DateTimeAttributeMetadata', '$select=LogicalName,DateTimeBehavior'],
  ['BooleanAttributeMetadata', '$select=LogicalName,DefaultValue'],
  ['PicklistAttributeMetadata', OPTIONS.replace('LogicalName', 'LogicalName,DefaultFormValue')],
  ['MultiSelectPicklistAttributeMetadata', OPTIONS],
  ['StateAttributeMetadata', OPTIONS],
  ['StatusAttributeMetadata', OPTIONS],
] as const;

/** Types by `AttributeType`; `DateTime` and `Virtual` need a second look. */
const TYPES: Readonly<Record<string, DynamicsType>> = {
  String: 'string',
  Memo: 'memo',
  Boolean: 'boolean',
  Integer: 'integer',
  BigInt: 'bigint',
  Decimal: 'decimal',
  Double: 'double',
  Money: 'money',
  Picklist: 'picklist',
  State: 'state',
  Status: 'status',
  DateTime: 'datetime',
  Lookup: 'lookup',
  Customer: 'lookup',
  Owner: 'lookup',
  Uniqueidentifier: 'uniqueidentifier',
};
const MULTISELECT = 'MultiSelectPicklistType';
/** No columns of their own in the Web API: names and types beside lookups and options, images, files. */
const SHADOWS = new Set(['Virtual', 'EntityName', 'ManagedProperty', 'CalendarRules', 'PartyList']);

const labels = z.object({ Label: z.string().nullish().catch(undefined) });
const options = z.object({
  Options: z.array(
    z.object({
      Value: z.number().int(),
      Label: z
        .object({
          UserLocalizedLabel: labels.nullish().catch(undefined),
          LocalizedLabels: z.array(labels).optional().catch(undefined),
        })
        .nullish()
        .catch(undefined),
    }),
  ),
});
const number = z.number().nullish().catch(undefined);
const details = z.object({
  LogicalName: z.string(),
  MaxLength: number,
  MinValue: number,
  MaxValue: number,
  Precision: number,
  DefaultValue: z.boolean().nullish().catch(undefined),
  DefaultFormValue: number,
  DateTimeBehavior: z.object({ Value: z.string() }).nullish().catch(undefined),
  OptionSet: options.nullish().catch(undefined),
  GlobalOptionSet: options.nullish().catch(undefined),
});
type Details = z.infer<typeof details>;

/** Every usable column of a table, in one batch. */
export async function readColumns(
  connection: Connection,
  lane: Lane,
  read: {
    readonly kind: Kind;
    readonly userId: string;
    readonly strong: boolean;
    readonly signal: AbortSignal | undefined;
  },
): Promise<DynamicsColumn[]> {
  const { kind, userId, strong, signal } = read;
  const name = `read the columns of ${kind}`;
  const casts = CASTS.map(([type, query]) =>
    readPart(
      `EntityDefinitions(LogicalName='${kind}')/Attributes/Microsoft.Dynamics.CRM.${type}?${query}`,
      consistency(strong),
    ),
  );
  const parts = [...grantParts(userId, strong), attributesPart(kind, ATTRIBUTES, strong), ...casts];
  const batch: GrantsRead = { name, userId, kinds: [kind], strong, signal };
  const [columns, tables, attributes, ...answers] = await sendBatch(connection, lane, { ...batch, parts });
  const context: CallContext = { name, origin: connection.origin };
  const described = parseAttributes(attributes, context);
  const found = new Map(
    CASTS.flatMap((_cast, index) => listOfPart(answers[index], context))
      .flatMap((entry) => details.safeParse(entry).data ?? [])
      .map((entry) => [entry.LogicalName, entry]),
  );
  const told = { columns, tables };
  const grants = await completeGrants(connection, lane, batch, told, securedIn(kind, described));
  return described.filter(isColumn).map((column) => ({
    name: column.LogicalName,
    ...describe(column, found.get(column.LogicalName)),
    ...columnAccess(kind, column, grants),
  }));
}

const isMultiselect = (column: Attribute): boolean => column.AttributeTypeName?.Value === MULTISELECT;

const isColumn = (column: Attribute): boolean =>
  !column.AttributeOf && (isMultiselect(column) || !SHADOWS.has(column.AttributeType ?? ''));

function describe(
  column: Attribute,
  found: Details | undefined,
): Pick<DynamicsColumn, 'type' | 'maxLength' | 'min' | 'max' | 'precision' | 'initial' | 'options'> {
  const type = typeOf(column, found);
  const choices = found?.OptionSet ?? found?.GlobalOptionSet;
  return {
    type,
    ...(typeof found?.MaxLength === 'number' && { maxLength: found.MaxLength }),
    ...(typeof found?.MinValue === 'number' && { min: found.MinValue }),
    ...(typeof found?.MaxValue === 'number' && { max: found.MaxValue }),
    ...(typeof found?.Precision === 'number' && { precision: found.Precision }),
    ...initialOf(found),
    ...(choices && { options: choices.Options.map(optionOf) }),
  };
}

/** -1 stands for an option column that begins without a value; a boolean one always begins with one. */
function initialOf(found: Details | undefined): Pick<DynamicsColumn, 'initial'> {
  if (found?.DefaultValue === true) return { initial: true };
  const option = found?.DefaultFormValue ?? -1;
  return option === -1 ? {} : { initial: option };
}

/** A date without time is one whose *behavior* is so: a `Format` of date alone still travels with a time. */
function typeOf(column: Attribute, found: Details | undefined): DynamicsColumn['type'] {
  if (isMultiselect(column)) return 'multiselect';
  const type = TYPES[column.AttributeType ?? ''] ?? 'unknown';
  if (type !== 'datetime') return type;
  if (found?.DateTimeBehavior === undefined || found.DateTimeBehavior === null) return 'unknown';
  return found.DateTimeBehavior.Value === 'DateOnly' ? 'dateOnly' : 'datetime';
}

function optionOf({ Value, Label }: z.infer<typeof options>['Options'][number]): Option {
  const label = Label?.UserLocalizedLabel?.Label ?? Label?.LocalizedLabels?.[0]?.Label;
  return { value: Value, label: label ?? String(Value) };
}
