import type { Database } from './database.js';

/** What setup made and found out. */
export interface Installation {
  /** Written in Marketo beside our key field, so that two installations on one pair of systems are noticed. */
  readonly id: string;
  readonly name: string;
  /** Row id of the Dynamics application user that we sign in as. */
  readonly syncUserId: string;
  readonly organizationId: string;
  /** Ids of our custom activity types in Marketo. */
  readonly activityTypes: { readonly refused: number; readonly syncPerson: number };
}

export const installation = async (db: Database, name: string): Promise<Installation | undefined> => {
  const row = await db.selectFrom('installations').selectAll().where('name', '=', name).executeTakeFirst();
  return (
    row && {
      id: row.id,
      name: row.name,
      syncUserId: row.sync_user_id,
      organizationId: row.organization_id,
      activityTypes: row.activity_types,
    }
  );
};

/** When setup made it, in ISO 8601. */
export const installedAt = async (db: Database, name: string): Promise<string | undefined> => {
  const found = db.selectFrom('installations').select('created_at').where('name', '=', name);
  return (await found.executeTakeFirst())?.created_at.toISOString();
};

/** Any installation this store serves: a store belongs to one. */
export const anyInstallation = async (db: Database): Promise<string | undefined> =>
  (await db.selectFrom('installations').select('name').executeTakeFirst())?.name;

export const saveInstallation = async (db: Database, made: Installation, choices: unknown): Promise<void> => {
  const values = {
    sync_user_id: made.syncUserId,
    organization_id: made.organizationId,
    activity_types: JSON.stringify(made.activityTypes),
    choices: JSON.stringify(choices),
  };
  await db
    .insertInto('installations')
    .values({ id: made.id, name: made.name, ...values })
    .onConflict((oc) => oc.column('name').doUpdateSet(values))
    .execute();
};
