import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createDynamics, type Dynamics } from '../../dynamics/index.js';
import { createMarketo, type Marketo } from '../../marketo/index.js';
import { unlimitedBudget } from '../../rules/budget.js';
import { startDataverseSimulator } from '../../simulators/dataverse/index.js';
import { startMarketoSimulator } from '../../simulators/marketo/index.js';
import { migrate, openDatabase, type Database } from '../../store/database.js';
import { freshDatabase } from '../support/database.js';

/** Both simulators with nobody in them, an empty store, and a folder without a configuration file. */
export interface Scene {
  /** All that the command line reads. */
  readonly env: Readonly<Record<string, string>>;
  readonly configFile: string;
  readonly db: Database;
  readonly marketo: Marketo;
  readonly dynamics: Dynamics;
  /** One call of the administrative door of Dataverse. */
  readonly dataverseAdmin: (method: 'PATCH' | 'POST', path: string, body: unknown) => Promise<void>;
}

export const scene = async (): Promise<Scene> => {
  const [marketo, dataverse, database, folder] = await Promise.all([
    startMarketoSimulator({ limits: 'off' }),
    startDataverseSimulator({ limits: 'off' }),
    freshDatabase(),
    mkdtemp(join(tmpdir(), 'contact-sync-setup-')),
  ]);
  const db = openDatabase(database.url, { connections: 2 });
  await migrate(db);
  const configFile = join(folder, 'sync.config.yaml');
  const env = {
    ...marketo.environment,
    ...dataverse.environment,
    DATABASE_URL: database.url,
    SYNC_CONFIG: configFile,
    SYNC_INSTALLATION: 'acme',
  };
  const clients = connect(env);
  onTestFinished(async () => {
    clients.marketo.close();
    clients.dynamics.close();
    await db.destroy();
    await Promise.all([marketo.close(), dataverse.close(), database.drop(), rm(folder, { recursive: true })]);
  });
  return {
    env,
    configFile,
    db,
    ...clients,
    dataverseAdmin: async (method, path, body) => {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${dataverse.origin}/admin${path}`, {
        method,
        headers,
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
  };
};

const connect = (env: Readonly<Record<string, string>>): { marketo: Marketo; dynamics: Dynamics } => ({
  marketo: createMarketo(
    {
      endpoint: env['MARKETO_ENDPOINT'] ?? '',
      identity: env['MARKETO_IDENTITY'] ?? '',
      clientId: env['MARKETO_CLIENT_ID'] ?? '',
      clientSecret: env['MARKETO_CLIENT_SECRET'] ?? '',
    },
    { budget: unlimitedBudget },
  ),
  dynamics: createDynamics(
    {
      url: env['DATAVERSE_URL'] ?? '',
      tenantId: env['ENTRA_TENANT_ID'] ?? '',
      clientId: env['DATAVERSE_CLIENT_ID'] ?? '',
      clientSecret: env['DATAVERSE_CLIENT_SECRET'] ?? '',
      tokenEndpoint: env['ENTRA_TOKEN_ENDPOINT'] ?? '',
    },
    { budget: unlimitedBudget },
  ),
});
