import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../client/run.js';
import type { PersonState } from '../../client/person/person.js';
import { migrate, openDatabase, type Database } from '../../store/database.js';
import { keepOutcomes, personsOfChunk } from '../../store/chunks.js';
import { saveInstallation } from '../../store/installations.js';
import { recordRequests } from '../../store/requests.js';
import { keepChunk, newKeys } from '../support/campaign.js';
import { freshDatabase, type FreshDatabase } from '../support/database.js';

const ROW = '11111111-1111-4111-8111-111111111111';
let database: FreshDatabase;
let db: Database;
beforeAll(async () => {
  database = await freshDatabase();
  db = openDatabase(database.url);
  await migrate(db);
  const ids = { id: randomUUID(), syncUserId: randomUUID(), organizationId: randomUUID() };
  await saveInstallation(db, { ...ids, name: 'test', activityTypes: { refused: 1, syncPerson: 2 } }, []);
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

const person = async (...args: readonly string[]): Promise<string> => {
  const said: string[] = [];
  const io = { out: (text: string) => void said.push(text), err: (text: string) => void said.push(text) };
  // Nothing listens there: Temporal is away.
  const env = { DATABASE_URL: database.url, SYNC_INSTALLATION: 'test', TEMPORAL_ADDRESS: '127.0.0.1:1' };
  expect(await run(['person', ...args], env, { ...io, color: false })).toBe(0);
  return said.join('\n');
};

describe('contact-sync person', () => {
  it('shows requests that are done and those that wait, with their place in the queue', async () => {
    const keys = newKeys();
    const done = await keepChunk(db, keys, [1042], { callbackUrl: 'https://x.adobe.io/' });
    const [asked] = await personsOfChunk(db, done);
    const requestId = asked?.requestId ?? '';
    const result = { outcome: 'created', kind: 'lead' as const, dynamicsId: ROW, code: null };
    await keepOutcomes(db, [{ requestId, ...result }]);
    const requestedAt = '2026-11-20T10:00:00.000Z';
    await recordRequests(db, 1042, [{ requestId, campaignId: '1203', requestedAt, syncAs: 'lead' }], result);
    await keepChunk(db, keys, [7, 8, 9], { callbackUrl: 'https://x.adobe.io/' });
    await keepChunk(db, keys, [1042], { callbackUrl: 'https://x.adobe.io/', syncAs: 'contact' });

    const state = JSON.parse(await person('1042', '--json')) as PersonState;
    expect(state.requests).toMatchObject([
      { syncAs: 'contact', outcome: null, ahead: 3, callback: 'open', campaignId: '1203' },
      { syncAs: 'lead', outcome: 'created', dynamicsId: ROW, ahead: null, requestedAt },
    ]);
    expect(state.work).toMatchObject({
      workflowId: 'contact-sync/test/create-person/1042',
      state: 'unknown',
    });
    const text = await person('1042');
    expect(text).toContain('as contact, campaign 1203: waits, 3 persons before it; callback open');
    expect(text).toContain(`as lead, campaign 1203: created lead ${ROW}`);
  });

  it('says plainly that it knows nothing of a person', async () => {
    const text = await person('4711');
    expect(text).toContain('no record in Dynamics that the sync knows of');
    expect(text).toContain('never asked for by a campaign');
  });
});
