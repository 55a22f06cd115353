import { syncCaller, type Caller } from './rights/caller.js';
import type { ColumnShare } from './rights/column-access.js';
import type { Column } from './schema/columns.js';
import type { SystemJob } from './actions/bulk-delete.js';
import type { AlternateKey } from './rows/keys.js';
import type { CrmWorkflow } from './rows/crm-workflows.js';
import { shippedDuplicateRules, type DuplicateRule } from './rows/duplicate-rules.js';
import { Journal } from './journal.js';
import type { EarlierRights } from './schema/metadata-cache.js';
import { defaultPrivileges, type Privileges } from './rights/privileges.js';
import { seededRules, type Rule } from './rows/rules.js';
import { defaultSettings, type Settings } from './settings.js';
import { accountTable, opportunityTable } from './schema/sales-tables.js';
import { contactTable, leadTable, type TableName, type TableShape } from './schema/tables.js';
import { VersionedRows } from './rows/versioned-rows.js';

/** A table with its columns as they stand now and its rows. */
export interface Table {
  readonly shape: TableShape;
  /** By logical name, removed ones included. */
  readonly columns: Map<string, Column>;
  readonly rows: VersionedRows;
  /** Delta tokens below this version have expired. */
  tokensExpiredBelow: number;
  /** Versions that delta tokens of this run stand for. */
  readonly tokensGiven: Set<number>;
}

/** The whole state of the simulated environment. */
export interface Organization {
  /** `http://127.0.0.1:port`, known once the server listens. */
  origin: string;
  readonly now: () => number;
  readonly tables: Readonly<Record<TableName, Table>>;
  readonly journal: Journal;
  settings: Settings;
  privileges: Privileges;
  rules: readonly Rule[];
  /** Secured columns of single rows that were shared with the sync user. */
  shares: readonly ColumnShare[];
  /** Who the request being answered acts as. */
  caller: Caller;
  /** Goes up with each change of the schema; answers carry it as `globalmetadataversion`. */
  metadataVersion: number;
  /** What metadata and rights were before recent changes, oldest first. */
  earlier: readonly EarlierRights[];
  /** The last version number given to any row of any table. */
  version: number;
  /** The last version of the run before this one, whose delta tokens still work; 0 for none. */
  versionBefore: number;
  /** Alternate keys, in the order of their definition. */
  keys: readonly AlternateKey[];
  duplicateRules: readonly DuplicateRule[];
  workflows: readonly CrmWorkflow[];
  /** Asynchronous jobs by id. */
  readonly jobs: Map<string, SystemJob>;
  /** Ways back of the transaction under way; null outside of one. */
  undo: (() => void)[] | null;
}

/** Every table of the environment; one more shape here is one more table everywhere. */
const shapes: readonly TableShape[] = [leadTable, contactTable, accountTable, opportunityTable];

/** Lookups are indexed because merges, deletions and expansions go from a row to those that point at it. */
const indexedProperties = ({ columns }: TableShape): string[] => [
  'emailaddress1',
  ...columns
    .filter(({ navigations = {} }) =>
      Object.values(navigations)
        .flat()
        .some((target) => shapes.some(({ logicalName }) => logicalName === target)),
    )
    .map(({ property }) => property),
];

const emptyTable = (shape: TableShape): Table => ({
  shape,
  columns: new Map(shape.columns.map((column) => [column.logicalName, column])),
  rows: new VersionedRows(indexedProperties(shape)),
  tokensExpiredBelow: 0,
  tokensGiven: new Set(),
});

export const createOrganization = (now: () => number, limits: Settings['limits']): Organization => ({
  origin: '',
  now,
  tables: Object.fromEntries(shapes.map((shape) => [shape.logicalName, emptyTable(shape)])) as Record<
    TableName,
    Table
  >,
  journal: new Journal(now),
  settings: { ...defaultSettings, limits },
  privileges: defaultPrivileges,
  rules: seededRules,
  shares: [],
  caller: syncCaller,
  metadataVersion: 35_059_431,
  earlier: [],
  version: 4_410_000,
  versionBefore: 0,
  keys: [],
  duplicateRules: shippedDuplicateRules,
  workflows: [],
  jobs: new Map(),
  undo: null,
});

export const apiRoot = '/api/data/v9.2/';

export const rootUrl = (organization: Organization): string => `${organization.origin}${apiRoot}`;

export const nextVersion = (organization: Organization): number => {
  organization.version += 1;
  return organization.version;
};

/** A column that a row property names; undefined when there is none or when it is not selectable. */
export const columnOf = (table: Table, property: string): Column | undefined => {
  const logicalName =
    property.startsWith('_') && property.endsWith('_value') ? property.slice(1, -6) : property;
  const column = table.columns.get(logicalName);
  return column?.property === property && !column.removed && column.attributeOf === null ? column : undefined;
};

/** Columns that rows carry, in the order of the metadata. */
export const rowColumns = (table: Table): Column[] =>
  [...table.columns.values()].filter((column) => !column.removed && column.attributeOf === null);

/** By logical name or by entity set name. */
export const tableNamed = (organization: Organization, name: string): Table | undefined =>
  Object.values(organization.tables).find(
    ({ shape }) => shape.logicalName === name || shape.entitySet === name,
  );

/** All delta tokens handed out so far for the table stop working. */
export const expireDeltaTokens = (organization: Organization, table: Table): void => {
  table.tokensExpiredBelow = nextVersion(organization);
};
