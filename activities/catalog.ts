import type { Access } from '../dynamics/index.js';
import type { Catalog, DynamicsColumn } from '../rules/catalog.js';
import { rememberLabels } from '../rules/former-options.js';
import { mapFields } from '../rules/map-fields.js';
import { markRegained, regainedOf, type Regained } from '../rules/regained.js';
import type { Mapping } from '../rules/mapping.js';
import { KINDS, type Kind } from '../rules/terms.js';
import { installation } from '../store/installations.js';
import { loadCatalog, saveCatalog, saveColumns, saveNotices } from '../store/catalogs.js';
import { markForBackfill } from '../store/backfill.js';
import { takeUpWritable } from '../store/links.js';
import { doubtColumn } from '../store/renewals.js';
import { Misconfigured } from './failures.js';
import { EMAIL_COLUMN } from './rows.js';
import type { Ports } from './settings.js';

/** How long what both schemas say is believed without asking again. */
const CATALOG_MAX_AGE_MS = 60 * 60 * 1000;

/** The installation that setup made. */
export const requireInstallation = async ({ db, installation: name }: Ports) => {
  const found = await installation(db, name);
  if (found !== undefined) return found;
  throw new Misconfigured(`installation "${name}" is not set up: run "contact-sync setup" first`);
};

/** Both schemas and the sync user's rights, and what of the field selection they let through. */
export interface ReadCatalog {
  readonly catalog: Catalog;
  readonly mapping: Mapping;
}

/**
 * Reads both schemas and the sync user's rights from the remotes and keeps them.
 *
 * @param options.strong reads past the metadata cache of Dynamics
 */
export const refreshCatalog = async (
  ports: Ports,
  userId: string,
  signal?: AbortSignal,
  options: { readonly strong?: boolean } = {},
): Promise<ReadCatalog> => {
  const [persons, leads, contacts] = await Promise.all([
    ports.marketo.fields(signal),
    ports.dynamics.columns('lead', userId, options, signal),
    ports.dynamics.columns('contact', userId, options, signal),
  ]);
  return keepCatalog(
    ports,
    { marketo: byName(persons), dynamics: { lead: byName(leads), contact: byName(contacts) } },
    new Date(),
  );
};

/** Keeps the whole catalog, and the labels that its options had before. */
const keepCatalog = async (ports: Ports, read: Catalog, readAt: Date): Promise<ReadCatalog> => {
  const before = (await loadCatalog(ports.db))?.catalog;
  const catalog = await saveMarked(ports, before, rememberLabels(before, read), (marked) =>
    saveCatalog(ports.db, marked, readAt),
  );
  return { catalog, mapping: await tellMapping(ports, before, catalog) };
};

const mapWith = ({ choices, scope, stampColumn }: Ports, catalog: Catalog): Mapping =>
  mapFields({ choices, scope, stampColumn, catalog });

/**
 * Saves the catalog, with marks on the fields that may be read again. Their links are marked for a read first: whoever
 * decides by this catalog finds that what they hold is out of date.
 *
 * @returns what was saved.
 */
const saveMarked = async (
  ports: Ports,
  before: Catalog | undefined,
  catalog: Catalog,
  save: (marked: Catalog) => Promise<void>,
): Promise<Catalog> => {
  const regained = before === undefined ? [] : regainedOf(mapWith(ports, before), mapWith(ports, catalog));
  const marked = markRegained(before, catalog, regained);
  await markLinks(ports, regained);
  for (const kind of KINDS) {
    const [had, has] = [before, catalog].map((each) => each?.dynamics[kind][EMAIL_COLUMN]?.readable);
    if (had === false && has === true) await doubtColumn(ports.db, kind, EMAIL_COLUMN);
  }
  await save(marked);
  // A read by the catalog before may have ended between the two, and taken marks away.
  await markLinks(ports, regained);
  return marked;
};

const markLinks = async ({ db }: Ports, regained: readonly Regained[]): Promise<void> => {
  for (const { kind, fields, flag } of regained) {
    // The log of Marketo was not taken in either, where the field was not synced.
    await markForBackfill(db, kind, fields.length > 0 ? ['marketo', 'dynamics'] : ['dynamics']);
    // Rows without a person wait for it too: the table is read again as a whole.
    if (flag !== null) await doubtColumn(db, kind, flag);
  }
};

/** Keeps what people are told about fields; those that may be written again are taken up. */
const tellMapping = async (ports: Ports, before: Catalog | undefined, catalog: Catalog): Promise<Mapping> => {
  const { db } = ports;
  const mapping = mapWith(ports, catalog);
  await saveNotices(db, mapping.notices);
  const had = before && mapWith(ports, before);
  for (const kind of KINDS) {
    const regained = mapping.fields[kind].filter(
      ({ name, updatable }) =>
        updatable && had?.fields[kind].some((field) => field.name === name && field.updatable) === false,
    );
    await takeUpWritable(
      db,
      kind,
      regained.map(({ name }) => name),
    );
  }
  return mapping;
};

/** Reads the catalog again when it is older than an hour. */
export const refreshCatalogIfOld = async (ports: Ports, signal?: AbortSignal): Promise<void> => {
  const { syncUserId } = await requireInstallation(ports);
  const stored = await loadCatalog(ports.db);
  if (stored !== undefined && Date.now() - stored.readAt.getTime() < CATALOG_MAX_AGE_MS) return;
  await refreshCatalog(ports, syncUserId, signal);
};

/** The field mapping by the catalog that is stored. */
export const currentMapping = async (ports: Ports): Promise<Mapping> => {
  const stored = await loadCatalog(ports.db);
  if (stored === undefined) throw new Misconfigured('no schema is stored: run "contact-sync setup" first');
  return mapWith(ports, stored.catalog);
};

/** The mapping with the rights as they are at this moment; kept, so that every later step goes by them. */
export const mappingUnder = async (
  ports: Ports,
  access: Access,
  kinds: readonly Kind[],
): Promise<Mapping> => {
  const stored = await loadCatalog(ports.db);
  if (stored === undefined) throw new Misconfigured('no schema is stored: run "contact-sync setup" first');
  const before = stored.catalog;
  const moved = kinds.flatMap((kind) => {
    const columns = underRights(before.dynamics[kind], access[kind]);
    return JSON.stringify(columns) === JSON.stringify(before.dynamics[kind]) ? [] : [{ kind, columns }];
  });
  if (moved.length === 0) return mapWith(ports, before);
  const under = Object.fromEntries(moved.map(({ kind, columns }) => [kind, columns]));
  await saveMarked(
    ports,
    before,
    { ...before, dynamics: { ...before.dynamics, ...under } },
    async (marked) => {
      for (const { kind } of moved) await saveColumns(ports.db, kind, marked.dynamics[kind]);
    },
  );
  const now = (await loadCatalog(ports.db))?.catalog ?? before;
  return tellMapping(ports, before, now);
};

/**
 * The mapping by the rights of this moment, asked after a read of the table: a null in it may be a column that the sync user
 * could not read by then.
 */
export const mappingAfterRead = async (ports: Ports, kind: Kind, signal: AbortSignal): Promise<Mapping> => {
  const { syncUserId } = await requireInstallation(ports);
  const access = await ports.dynamics.access(syncUserId, [kind], signal);
  return mappingUnder(ports, access, [kind]);
};

const underRights = (
  columns: Readonly<Record<string, DynamicsColumn>>,
  rights: Access[Kind],
): Record<string, DynamicsColumn> =>
  Object.fromEntries(
    Object.entries(columns).map(([name, column]) => {
      const right = rights[name];
      const none = { readable: false, creatable: false, updatable: false, withheld: undefined };
      return [name, right === undefined ? { ...column, ...none } : { ...column, ...right }];
    }),
  );

const byName = <T extends { readonly name: string }>(items: readonly T[]): Record<string, T> =>
  Object.fromEntries(items.map((item) => [item.name, item]));
