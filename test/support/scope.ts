import { expect } from 'vitest';
import { refreshCatalog, requireInstallation } from '../../activities/catalog.js';
import { startWorld, type World, type WorldOptions } from './world.js';

const FIELDS = `fields:
  - { marketo: lastName, lead: lastname, contact: lastname }
  - { marketo: email, lead: emailaddress1, contact: emailaddress1 }
  - { marketo: title, lead: jobtitle, contact: jobtitle }
  - { marketo: city, lead: address1_city, contact: address1_city }
`;

export const SCOPE = `scope: { lead: new_synctomkto, contact: new_synctomkto, person: syncExcluded }\n`;

/** Fields of leads, one of which has a column that is secured: nobody may read or write it before a right is given. */
export const RATED_FIELDS = `fields:
  - { marketo: lastName, lead: lastname }
  - { marketo: email, lead: emailaddress1 }
  - { marketo: title, lead: jobtitle }
  - { marketo: city, lead: address1_city }
  - { marketo: rating, lead: new_creditrating }
`;

/** What people are told about fields that are set aside: kind, field and code of each. */
export const noticesIn =
  (world: () => Pick<World, 'db'>): (() => Promise<string[]>) =>
  async () =>
    (await world().db.selectFrom('field_notices').select(['kind', 'field', 'code']).execute()).map(
      ({ kind, field, code }) => `${kind} ${field} ${code}`,
    );

/** What an administrator does to one column of leads or contacts. */
export const changeColumn = async (
  world: Pick<World, 'dataverse'>,
  table: 'leads' | 'contacts',
  column: string,
  patch: Readonly<Record<string, unknown>>,
): Promise<void> => {
  await door('PATCH', `${world.dataverse}/admin/columns/${table}/${column}`, patch);
};

const door = async (method: string, url: string, body: unknown): Promise<void> => {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method, headers, body: JSON.stringify(body) });
  expect(response.status, await response.clone().text()).toBe(200);
};

/** Both sides with a flag for the record filter, and a selection that names them. */
export const startScopedWorld = async (
  options: Omit<WorldOptions, 'config'> = {},
  scope = SCOPE,
): Promise<World> => {
  const world = await startWorld({ ...options, config: FIELDS + scope });
  for (const table of ['leads', 'contacts'] as const) {
    const flag = { schemaName: 'new_SyncToMkto', type: 'Boolean' };
    await door('POST', `${world.dataverse}/admin/columns/${table}`, flag);
  }
  await world.ports.marketo.createFields([
    { name: 'syncExcluded', displayName: 'Sync Excluded', type: 'boolean' },
  ]);
  await readSchemas(world);
  return world;
};

/** Both schemas are read again. */
export const readSchemas = async ({ ports }: Pick<World, 'ports'>): Promise<void> => {
  await refreshCatalog(ports, (await requireInstallation(ports)).syncUserId, undefined, { strong: true });
};
