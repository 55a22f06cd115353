import type { Access } from '../dynamics/index.js';
import type { Catalog, DynamicsColumn } from '../rules/catalog.js';
import { mapFields } from '../rules/map-fields.js';
import type { Mapping } from '../rules/mapping.js';
import { KINDS, type Kind } from '../rules/terms.js';
import { installation } from '../store/installations.js';
import { loadCatalog, saveCatalog, saveNotices } from '../store/catalogs.js';
import { Misconfigured } from './failures.js';
import type { Ports } from './settings.js';

/** How long what both schemas say is believed without asking again. */
const CATALOG_MAX_AGE_MS = 60 * 60 * 1000;

/** The installation that setup made. */
export const requireInstallation = async ({ db, installation: name }: Ports) => {
  const found = await installation(db, name);
  if (found !== undefined) return found;
  throw new Misconfigured(`installation "${name}" is not set up: run "contact-sync setup" first`);
};

/** Reads both schemas and the sync user's rights from the remotes and keeps them. */
export const refreshCatalog = async (
  ports: Ports,
  userId: string,
  signal?: AbortSignal,
): Promise<Catalog> => {
  const [persons, leads, contacts] = await Promise.all([
    ports.marketo.fields(signal),
    ports.dynamics.columns('lead', userId, {}, signal),
    ports.dynamics.columns('contact', userId, {}, signal),
  ]);
  const catalog: Catalog = {
    marketo: byName(persons),
    dynamics: { lead: byName(leads), contact: byName(contacts) },
  };
  await saveCatalog(ports.db, catalog, new Date());
  await saveNotices(ports.db, mapFields({ choices: ports.choices, catalog }).notices);
  return catalog;
};

/** Reads the catalog again when it is older than an hour. */
export const refreshCatalogIfOld = async (ports: Ports, signal?: AbortSignal): Promise<void> => {
  const { syncUserId } = await requireInstallation(ports);
  const stored = await loadCatalog(ports.db);
  if (stored !== undefined && Date.now() - stored.readAt.getTime() < CATALOG_MAX_AGE_MS) return;
  await refreshCatalog(ports, syncUserId, signal);
};

/** The field mapping by the catalog that is stored. */
export const currentMapping = async ({ db, choices }: Ports): Promise<Mapping> => {
  const stored = await loadCatalog(db);
  if (stored === undefined) throw new Misconfigured('no schema is stored: run "contact-sync setup" first');
  return mapFields({ choices, catalog: stored.catalog });
};

/** The mapping with the rights as they are at this moment; kept, so that every later step goes by them. */
export const mappingUnder = async (
  ports: Ports,
  access: Access,
  kinds: readonly Kind[],
): Promise<Mapping> => {
  const stored = await loadCatalog(ports.db);
  if (stored === undefined) throw new Misconfigured('no schema is stored: run "contact-sync setup" first');
  const dynamics = { ...stored.catalog.dynamics };
  for (const kind of kinds) dynamics[kind] = underRights(dynamics[kind], access[kind]);
  const catalog = { ...stored.catalog, dynamics };
  const mapping = mapFields({ choices: ports.choices, catalog });
  if (
    KINDS.some((kind) => JSON.stringify(dynamics[kind]) !== JSON.stringify(stored.catalog.dynamics[kind]))
  ) {
    await saveCatalog(ports.db, catalog, stored.readAt);
    await saveNotices(ports.db, mapping.notices);
  }
  return mapping;
};

const underRights = (
  columns: Readonly<Record<string, DynamicsColumn>>,
  rights: Access[Kind],
): Record<string, DynamicsColumn> =>
  Object.fromEntries(
    Object.entries(columns).map(([name, column]) => {
      const right = rights[name];
      const none = { readable: false, creatable: false, updatable: false };
      return [name, right === undefined ? { ...column, ...none } : { ...column, ...right }];
    }),
  );

const byName = <T extends { readonly name: string }>(items: readonly T[]): Record<string, T> =>
  Object.fromEntries(items.map((item) => [item.name, item]));
