import { randomUUID } from 'node:crypto';
import { checkAgainstCatalog } from '../../config/catalog-check.js';
import { ConfigurationError } from '../../config/configuration-error.js';
import type { Identity } from '../../dynamics/index.js';
import type { Catalog } from '../../rules/catalog.js';
import { mapFields } from '../../rules/map-fields.js';
import type { FieldNotice, Mapping } from '../../rules/mapping.js';
import { loadCatalog, saveCatalog, saveNotices } from '../../store/catalogs.js';
import type { Database } from '../../store/database.js';
import {
  anyInstallation,
  installation,
  saveInstallation,
  type Installation,
} from '../../store/installations.js';
import { CommandFailure, refusal } from '../failure.js';
import { ensureActivityTypes } from './activity-types.js';
import { checkClaim, claim } from './claim.js';
import { settleConfig, type ConfigProposal, type SettledConfig } from './config-file.js';
import { ensurePersonFields, PERSON_FIELDS, type EnsuredFields, type Waits } from './person-fields.js';
import { refuseNativeSync, requireTraits, signIn, type Systems } from './systems.js';

export interface SetupInput extends Systems {
  readonly db: Database;
  /** `SYNC_INSTALLATION`. */
  readonly name: string;
  readonly proposal: ConfigProposal;
  /** How long new person fields are waited for. */
  readonly waits?: Waits;
  readonly signal?: AbortSignal | undefined;
}

/** One thing that setup found in order, made, or wants people to know. */
export interface SetupStep {
  readonly status: 'found' | 'made' | 'notice';
  readonly text: string;
}

export interface SetupReport {
  readonly installation: { readonly id: string; readonly name: string };
  readonly dynamics: { readonly organizationId: string; readonly syncUserId: string };
  readonly config: { readonly file: string; readonly written: boolean; readonly dropped: readonly string[] };
  /** How many fields are synced on each table. */
  readonly fields: { readonly lead: number; readonly contact: number };
  readonly notices: readonly FieldNotice[];
  readonly activityTypes: Installation['activityTypes'];
  /** Names of the person fields and activity types that did not exist before. */
  readonly made: readonly string[];
}

type Tell = (step: SetupStep) => void;

/**
 * Makes everything that a sync of these two systems needs, as far as it is not there yet, and checks everything else
 * before it makes anything. Running it again changes nothing that is in order.
 *
 * @throws {CommandFailure} when one of the systems, or the store, may not be used for this installation.
 * @throws {ConfigurationError} listing every row of the field selection that does not fit the schemas.
 */
export const setUp = async (input: SetupInput, tell: Tell): Promise<SetupReport> => {
  const checked = await check(input, tell);
  return make(input, checked, tell);
};

interface Checked {
  /** What an earlier setup saved. */
  readonly known: Installation | undefined;
  /** Whether Marketo names this installation already. */
  readonly claimed: boolean;
  readonly identity: Identity;
  readonly catalog: Catalog;
  readonly config: SettledConfig;
  readonly mapping: Mapping;
}

const check = async (input: SetupInput, tell: Tell): Promise<Checked> => {
  const { db, marketo, dynamics, name, signal } = input;
  const known = await requireOwnStore(db, name);
  const { fields, identity } = await signIn(input, signal);
  requireSameOrganization(known, identity.organizationId);
  tell({ status: 'found', text: `Signed in to Marketo, and to Dynamics as user ${identity.userId}` });
  refuseNativeSync(fields);
  await requireTraits(dynamics, signal);
  tell({ status: 'found', text: 'Change tracking is on for lead and contact' });
  const claimed = await checkClaim(marketo, known?.id, signal);
  const [leads, contacts] = await Promise.all([
    dynamics.columns('lead', identity.userId, { strong: true }, signal),
    dynamics.columns('contact', identity.userId, { strong: true }, signal),
  ]);
  const catalog = { marketo: byName(fields), dynamics: { lead: byName(leads), contact: byName(contacts) } };
  const config = await settleConfig(input.proposal, catalog);
  tellConfig(config, tell);
  return { known, claimed, identity, catalog, config, mapping: checkedMapping(config, catalog, tell) };
};

const make = async (input: SetupInput, checked: Checked, tell: Tell): Promise<SetupReport> => {
  const { db, marketo, name, signal } = input;
  const { known, identity, catalog, config, mapping } = checked;
  const persons = await ensurePersonFields(marketo, Object.values(catalog.marketo), input);
  tellPersonFields(persons, tell);
  const types = await ensureActivityTypes(marketo, signal);
  tellActivityTypes(types, tell);
  const made: Installation = {
    id: known?.id ?? randomUUID(),
    name,
    syncUserId: identity.userId,
    organizationId: identity.organizationId,
    activityTypes: types.ids,
  };
  await keepCatalog(db, { ...catalog, marketo: byName(persons.fields) });
  await saveNotices(db, mapping.notices);
  await saveInstallation(db, made, config.config.fields);
  await ensureClaim(input, made, checked, tell);
  return {
    installation: { id: made.id, name },
    dynamics: { organizationId: made.organizationId, syncUserId: made.syncUserId },
    config: { file: config.path, written: config.written, dropped: config.dropped },
    fields: { lead: mapping.fields.lead.length, contact: mapping.fields.contact.length },
    notices: mapping.notices,
    activityTypes: types.ids,
    made: [...persons.made, ...types.made],
  };
};

const byName = <T extends { readonly name: string }>(items: readonly T[]): Record<string, T> =>
  Object.fromEntries(items.map((item) => [item.name, item]));

/** The installation that is set up in this store already; a store serves one. */
const requireOwnStore = async (db: Database, name: string): Promise<Installation | undefined> => {
  const other = await anyInstallation(db);
  if (other === undefined || other === name) return installation(db, name);
  throw refusal(
    `This store belongs to the installation "${other}", not to "${name}".`,
    'Set SYNC_INSTALLATION to its name, or give this installation a store of its own (DATABASE_URL or SYNC_DATA_DIR).',
  );
};

const requireSameOrganization = (known: Installation | undefined, organizationId: string): void => {
  if (known === undefined || known.organizationId === organizationId) return;
  throw refusal(
    `The store holds links to the Dynamics environment ${known.organizationId}; DATAVERSE_URL leads to ${organizationId}.`,
    'Point DATAVERSE_URL to the former environment, or give the new one a store of its own (DATABASE_URL or SYNC_DATA_DIR).',
  );
};

const tellConfig = (config: SettledConfig, tell: Tell): void => {
  const { path, written, dropped } = config;
  if (!written) tell({ status: 'found', text: `Field selection in ${path}` });
  else tell({ status: 'made', text: `Wrote ${path} with the default field selection: review it` });
  for (const row of dropped) tell({ status: 'notice', text: `Left out of it: ${row}` });
};

/** What is synced under the rights of both API users. */
const checkedMapping = (
  { path, config, positions }: SettledConfig,
  catalog: Catalog,
  tell: Tell,
): Mapping => {
  const problems = checkAgainstCatalog(config, catalog, positions);
  if (problems.length > 0) {
    throw new ConfigurationError(
      `The field selection in ${path} does not fit Marketo and Dynamics:`,
      problems,
    );
  }
  const { fields: choices, scope, stampColumn } = config;
  const mapping = mapFields({ choices, scope, stampColumn, catalog });
  const { lead, contact } = mapping.fields;
  for (const { kind, field, message } of mapping.notices) {
    tell({ status: 'notice', text: `${field} on ${kind}: ${message}` });
  }
  if (lead.length + contact.length === 0) {
    throw refusal(
      'Not one field of the selection can be synced under the rights of the sync user.',
      ...mapping.notices.map(({ kind, field, message }) => `${field} on ${kind}: ${message}`),
    );
  }
  const counts = `${String(lead.length)} on leads, ${String(contact.length)} on contacts`;
  tell({ status: 'found', text: `Fields that are synced: ${counts}` });
  return mapping;
};

const tellPersonFields = ({ made }: EnsuredFields, tell: Tell): void => {
  for (const { name } of PERSON_FIELDS) {
    if (made.includes(name)) tell({ status: 'made', text: `Made the person field ${name} in Marketo` });
    else tell({ status: 'found', text: `Person field ${name} in Marketo` });
  }
};

const tellActivityTypes = (
  { ids, made }: Awaited<ReturnType<typeof ensureActivityTypes>>,
  tell: Tell,
): void => {
  const both = `dynamicsSyncRefused (${String(ids.refused)}) and dynamicsSyncPerson (${String(ids.syncPerson)})`;
  if (made.length === 0) tell({ status: 'found', text: `Activity types ${both} in Marketo` });
  else tell({ status: 'made', text: `Made the activity types ${both} in Marketo` });
};

/**
 * Only the first catalog is kept from here. Later the cycle reads it, at once, because it compares the new one with the
 * former: fields that were set aside for want of a right are taken up again then.
 */
const keepCatalog = async (db: Database, catalog: Catalog): Promise<void> => {
  const stored = await loadCatalog(db);
  if (stored === undefined) await saveCatalog(db, catalog, new Date());
  else await saveCatalog(db, stored.catalog, new Date(0));
};

/** Saved first, then claimed: a setup that is cut off between the two goes on where it was. */
const ensureClaim = async (
  { db, marketo, signal }: SetupInput,
  made: Installation,
  { known, claimed }: Checked,
  tell: Tell,
): Promise<void> => {
  const which = `Installation ${made.id} (${made.name})`;
  if (claimed) {
    tell({ status: 'found', text: `${which} is named in Marketo` });
    return;
  }
  try {
    await claim(marketo, made, signal);
  } catch (error) {
    // Another setup was quicker: without this row nothing can be started here. After any other failure our claim may
    // stand in Marketo, so the row stays, and the next setup finds itself.
    if (known === undefined && error instanceof CommandFailure) {
      await db.deleteFrom('installations').where('id', '=', made.id).execute();
    }
    throw error;
  }
  tell({ status: 'made', text: `${which} is now named in Marketo, in the description of dynamicsId` });
};
