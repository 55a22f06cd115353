import { shownValue } from '../rights/column-access.js';
import type { Column } from '../schema/columns.js';
import { unknownProperty } from '../errors.js';
import { columnOf, rowColumns, tableNamed, type Organization, type Table } from '../organization.js';
import { everyUser } from '../rights/people.js';
import type { ColumnValue } from '../rows/values.js';
import type { StoredRow } from '../rows/versioned-rows.js';

export const etagOf = (row: StoredRow): string => `W/"${row.version}"`;

/** Columns that an answer carries: the selected ones, what comes along with them, and the key. */
export const selectedColumns = (table: Table, select: readonly string[] | null): readonly Column[] => {
  if (select === null) return rowColumns(table);
  const chosen = select.map((property) => {
    const column = columnOf(table, property);
    if (column === undefined) throw unknownProperty(property, table.shape.logicalName);
    return column;
  });
  const along = [
    ...(chosen.some(({ type }) => type === 'Money') ? ['_transactioncurrencyid_value'] : []),
    ...(chosen.some(({ logicalName }) => logicalName.startsWith('address1_')) ? ['address1_composite'] : []),
    table.shape.key,
  ];
  const extra = along.flatMap((property) => columnOf(table, property) ?? []);
  return [...new Set([...chosen, ...extra])];
};

const wildcard = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replace(/[.]/g, '\\.').replace(/\*/g, '.*')}$`);

/** Which annotations `odata.include-annotations` asks for. */
export const annotationTest = (preference: string | undefined): ((name: string) => boolean) => {
  const patterns = (preference ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && !one.startsWith('-'))
    .map(wildcard);
  return (name) => patterns.some((pattern) => pattern.test(name));
};

const formattedName = 'OData.Community.Display.V1.FormattedValue';
const targetName = 'Microsoft.Dynamics.CRM.lookuplogicalname';
const navigationName = 'Microsoft.Dynamics.CRM.associatednavigationproperty';

const lookupLabel = (organization: Organization, target: string, id: string): string | null => {
  const user = everyUser.find((one) => one.id === id);
  if (user !== undefined) return user.fullName;
  const table = tableNamed(organization, target);
  const name = table?.rows.get(id)?.cells[table.shape.primaryName];
  return typeof name === 'string' ? name : null;
};

const optionLabel = (column: Column, value: ColumnValue): string => {
  const wanted = typeof value === 'boolean' ? [Number(value)] : String(value).split(',').map(Number);
  const labels = wanted.map((one) => column.options?.find((option) => option.value === one)?.label);
  return labels.map((label, index) => label ?? String(wanted[index])).join('; ');
};

const dateLabel = (text: string, withTime: boolean): string =>
  new Intl.DateTimeFormat('en-US', {
    timeZone: 'UTC',
    dateStyle: 'short',
    ...(withTime ? { timeStyle: 'short' as const } : {}),
  }).format(new Date(text));

const formatted = (column: Column, value: ColumnValue): string | null => {
  if (column.options !== undefined) return optionLabel(column, value);
  if (column.type === 'DateTime') return dateLabel(String(value), column.dateBehavior !== 'DateOnly');
  if (column.type === 'Money')
    return `$${Number(value).toLocaleString('en-US', { minimumFractionDigits: 2 })}`;
  return typeof value === 'number' ? value.toLocaleString('en-US') : null;
};

/** The table that a lookup cell points at; polymorphic lookups keep it in a hidden cell. */
const lookupTarget = (column: Column, row: StoredRow): { target: string; navigation: string } => {
  const navigations = Object.entries(column.navigations ?? {});
  const kept = row.cells[`${column.logicalName}type`];
  const target = typeof kept === 'string' ? kept : (navigations[0]?.[1][0] ?? '');
  const navigation = navigations.find(([, targets]) => targets.includes(target))?.[0] ?? '';
  return { target, navigation };
};

const annotate = (
  organization: Organization,
  column: Column,
  row: StoredRow,
  value: ColumnValue,
  wants: (name: string) => boolean,
): Record<string, string> => {
  const found: Record<string, string> = {};
  const note = (name: string, text: string | null): void => {
    if (text !== null && wants(name)) found[`${column.property}@${name}`] = text;
  };
  if (value === null) return found;
  if (column.navigations === undefined) {
    note(formattedName, formatted(column, value));
    return found;
  }
  const { target, navigation } = lookupTarget(column, row);
  note(formattedName, lookupLabel(organization, target, String(value)));
  note(targetName, target);
  note(navigationName, navigation);
  return found;
};

/** A row as an answer carries it: etag first, then the columns. */
export const representRow = (
  organization: Organization,
  columns: readonly Column[],
  row: StoredRow,
  wants?: (name: string) => boolean,
): Record<string, unknown> => {
  const answer: Record<string, unknown> = { '@odata.etag': etagOf(row) };
  for (const column of columns) {
    const value = shownValue(organization, column, row);
    answer[column.property] = value;
    if (wants !== undefined) Object.assign(answer, annotate(organization, column, row, value, wants));
  }
  return answer;
};
