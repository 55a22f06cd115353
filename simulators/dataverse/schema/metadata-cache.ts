import type { Column } from './columns.js';
import type { Organization } from '../organization.js';
import type { Privileges } from '../rights/privileges.js';

/** Columns and rights as they were before a change. */
export interface EarlierRights {
  /** Epoch milliseconds of the change. */
  readonly until: number;
  readonly columns: Readonly<Record<string, ReadonlyMap<string, Column>>>;
  readonly privileges: Privileges;
  readonly metadataVersion: number;
}

/** Keeps what metadata and rights are now, before a change, for the caches that do not know of it yet. */
export const keepEarlier = (organization: Organization): void => {
  const { settings, tables, privileges, metadataVersion } = organization;
  const now = organization.now();
  const oldest = now - settings.metadataCacheSeconds * 1000;
  const kept = organization.earlier.filter(({ until }) => until > oldest);
  const columns = Object.fromEntries(
    Object.values(tables).map((table) => [table.shape.logicalName, new Map(table.columns)]),
  );
  organization.earlier =
    settings.metadataCacheSeconds === 0
      ? []
      : [...kept, { until: now, columns, privileges, metadataVersion }];
};

/**
 * The environment as metadata and rights are told: as its caches have it, or as it is when the request sends
 * `Consistency: Strong` (Microsoft: "Compose HTTP requests").
 */
export const metadataView = (organization: Organization, consistency: string | undefined): Organization => {
  const asOf = organization.now() - organization.settings.metadataCacheSeconds * 1000;
  const seen = organization.earlier.find(({ until }) => until > asOf);
  if (seen === undefined || consistency?.toLowerCase() === 'strong') return organization;
  const { privileges, metadataVersion } = seen;
  const tables = Object.fromEntries(
    Object.entries(organization.tables).map(([name, table]) => [
      name,
      { ...table, columns: new Map(seen.columns[name] ?? table.columns) },
    ]),
  ) as unknown as Organization['tables'];
  return { ...organization, privileges, metadataVersion, tables };
};
