import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CommandFailure } from '../../client/failure.js';
import { buildMark, parseMark } from '../../client/setup/claim.js';
import { proposeConfig } from '../../client/setup/config-file.js';
import { setUp, type SetupReport, type SetupStep } from '../../client/setup/setup.js';
import { ConfigurationError } from '../../config/configuration-error.js';
import type { Marketo } from '../../marketo/index.js';
import { FAILURES, RemoteFailure } from '../../rules/failures.js';
import { loadCatalog } from '../../store/catalogs.js';
import { anyInstallation, installation, saveInstallation } from '../../store/installations.js';
import { contactSync } from './recording.js';
import { scene, type Scene } from './scene.js';

const OTHER = { id: '0b9f3a52-52a5-4d6c-9a5e-2d8f0f6a1c11', name: 'elsewhere' };
const waits = { intervalMs: 5, timeoutMs: 2_000 };

interface Run extends SetupReport {
  readonly steps: readonly SetupStep[];
}

/** Runs setup with connectors that wait for no budget. */
const setUpIn = async (place: Scene, replaced: Partial<Parameters<typeof setUp>[0]> = {}): Promise<Run> => {
  const { db, marketo, dynamics, configFile } = place;
  const steps: SetupStep[] = [];
  const input = {
    db,
    marketo,
    dynamics,
    name: 'acme',
    proposal: proposeConfig(configFile),
    waits,
    ...replaced,
  };
  const report = await setUp(input, (step) => void steps.push(step));
  return { ...report, steps };
};

const failureOf = async (work: Promise<unknown>): Promise<CommandFailure> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof CommandFailure) return error;
  throw new Error(`Expected a CommandFailure, got ${String(error)}`);
};

const ourFields = async ({ marketo }: Scene): Promise<string[]> =>
  (await marketo.fields()).map(({ name }) => name).filter((name) => name.startsWith('dynamics'));

const writeConfig = ({ configFile }: Scene, ...rows: readonly string[]): void =>
  writeFileSync(configFile, `fields:\n${rows.map((row) => `  - ${row}\n`).join('')}`);

describe('contact-sync setup', () => {
  it('makes what is missing, and a second run finds all of it in order', async () => {
    const place = await scene();
    const first = await contactSync(['setup'], place.env);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toMatch(/made +Wrote .*sync\.config\.yaml/);
    expect(first.out).toMatch(/made +Made the person field dynamicsId in Marketo/);
    const second = await contactSync(['setup', '--json'], place.env);
    const report = JSON.parse(second.out) as SetupReport;
    expect(report).toMatchObject({ made: [], notices: [], config: { written: false, dropped: [] } });

    expect(await ourFields(place)).toEqual(
      expect.arrayContaining(['dynamicsId', 'dynamicsType', 'dynamicsDeleted']),
    );
    const key = await place.marketo.fieldSchema('dynamicsId');
    expect(parseMark(key?.description ?? '')).toEqual({ id: report.installation.id, name: 'acme' });
    expect(await installation(place.db, 'acme')).toMatchObject({
      id: report.installation.id,
      syncUserId: report.dynamics.syncUserId,
      activityTypes: report.activityTypes,
    });
    expect((await loadCatalog(place.db))?.catalog.marketo).toHaveProperty('dynamicsDeleted');
    const types = (await place.marketo.activityTypes()).map(({ apiName, status, id }) => ({
      apiName,
      status,
      id,
    }));
    expect(types).toEqual([
      { apiName: 'dynamicsSyncRefused', status: 'approved', id: report.activityTypes.refused },
      { apiName: 'dynamicsSyncPerson', status: 'approved', id: report.activityTypes.syncPerson },
    ]);
  });

  it('leaves out of the first file what Dynamics does not have, and says so', async () => {
    const place = await scene();
    await place.dataverseAdmin('PATCH', '/columns/lead/new_score', { removed: true });
    await place.dataverseAdmin('PATCH', '/columns/contact/new_score', { removed: true });
    await place.dataverseAdmin('PATCH', '/columns/lead/fax', { removed: true });
    const { config, steps } = await setUpIn(place);
    expect(config).toMatchObject({
      written: true,
      dropped: [
        'fax <-> lead.fax: Dynamics has no such column',
        'leadScore <-> lead.new_score: Dynamics has no such column',
        'leadScore <-> contact.new_score: Dynamics has no such column',
      ],
    });
    expect(steps.filter(({ status }) => status === 'notice')).toHaveLength(3);
    const text = readFileSync(place.configFile, 'utf8');
    expect(text).toContain('  - { marketo: fax, contact: fax }\n');
    expect(text).not.toContain('leadScore');
    expect(text).toContain('lastDemoAt');
  });

  it('lists every row that does not fit the schemas, by its place, and makes nothing', async () => {
    const place = await scene();
    writeConfig(
      place,
      '{ marketo: firstName, lead: first_name }',
      '{ marketo: fristName, contact: lastname }',
      '{ marketo: email, lead: emailaddress1 }',
    );
    const { code, err } = await contactSync(['setup'], place.env);
    expect(code).toBe(2);
    expect(err).toContain(
      `${place.configFile}:2:27: fields[0].lead: the Dynamics table lead has no column "first_name"`,
    );
    expect(err).toContain(
      `${place.configFile}:3:7: fields[1].marketo: Marketo shows our API user no person field`,
    );
    expect(err).not.toContain('fields[2]');
    expect(await ourFields(place)).toEqual([]);
    expect(await anyInstallation(place.db)).toBeUndefined();
  });

  it('tells which fields the sync user may not read, and keeps that for the status', async () => {
    const place = await scene();
    writeConfig(place, '{ marketo: firstName, lead: firstname }', '{ marketo: phone, lead: telephone1 }');
    await place.dataverseAdmin('PATCH', '/columns/lead/telephone1', { secured: true, canRead: false });
    const { notices, fields, steps } = await setUpIn(place);
    expect(notices).toMatchObject([{ kind: 'lead', field: 'phone', code: 'unreadable' }]);
    expect(fields).toEqual({ lead: 1, contact: 0 });
    expect(steps).toContainEqual({
      status: 'notice',
      text: expect.stringContaining('phone on lead') as string,
    });
    const kept = await place.db.selectFrom('field_notices').select(['field', 'code']).execute();
    expect(kept).toEqual([{ field: 'phone', code: 'unreadable' }]);
  });

  it('refuses a selection of which nothing may be read', async () => {
    const place = await scene();
    writeConfig(place, '{ marketo: phone, lead: telephone1 }');
    await place.dataverseAdmin('PATCH', '/columns/lead/telephone1', { secured: true, canRead: false });
    expect((await failureOf(setUpIn(place))).message).toMatch(/Not one field/);
    expect(await ourFields(place)).toEqual([]);
  });
});

describe('Setup refuses, before it makes anything,', () => {
  it('a Marketo that another installation keeps in sync', async () => {
    const place = await scene();
    await place.marketo.createFields([
      { name: 'dynamicsId', displayName: 'Dynamics Id', type: 'string', description: buildMark(OTHER) },
    ]);
    const { message, exitCode } = await failureOf(setUpIn(place));
    expect(message).toContain(`another installation of Contact Sync: ${OTHER.id} (elsewhere)`);
    expect(exitCode).toBe(2);
    expect(await ourFields(place)).toEqual(['dynamicsId']);
    expect(await anyInstallation(place.db)).toBeUndefined();
  });

  it('a Marketo whose native CRM sync is on', async () => {
    const place = await scene();
    const fields = async (signal?: AbortSignal) =>
      (await place.marketo.fields(signal)).map((field) => ({
        ...field,
        crmManaged: field.name === 'company',
      }));
    const { message } = await failureOf(setUpIn(place, { marketo: { ...place.marketo, fields } }));
    expect(message).toMatch(/native CRM sync is on: it owns company\./);
    expect(await ourFields(place)).toEqual([]);
  });

  it('a Dynamics without change tracking, naming the table', async () => {
    const place = await scene();
    const dynamics = {
      ...place.dynamics,
      tableTraits: (kind: string) =>
        Promise.resolve({ changeTracking: kind === 'lead', optimisticConcurrency: true }),
    };
    const { message, hints } = await failureOf(setUpIn(place, { dynamics }));
    expect(message).toBe('Change tracking is off in Dynamics for contact.');
    expect(hints.join()).toContain('Track changes');
  });

  it('a Dynamics that takes no versions of rows, naming the tables', async () => {
    const place = await scene();
    const tableTraits = () => Promise.resolve({ changeTracking: true, optimisticConcurrency: false });
    const { message } = await failureOf(setUpIn(place, { dynamics: { ...place.dynamics, tableTraits } }));
    expect(message).toBe(
      'Dynamics does not take versions of rows (optimistic concurrency) for lead and contact.',
    );
  });

  it('a store that belongs to another installation', async () => {
    const place = await scene();
    await setUpIn(place);
    const { message } = await failureOf(setUpIn(place, { name: 'other' }));
    expect(message).toBe('This store belongs to the installation "acme", not to "other".');
  });

  it('a store that holds links to another Dynamics environment', async () => {
    const place = await scene();
    await setUpIn(place);
    const known = await installation(place.db, 'acme');
    if (known === undefined) throw new Error('setup saved nothing');
    const otherId = '11111111-2222-4333-8444-555555555555';
    const whoAmI = () =>
      Promise.resolve({ userId: known.syncUserId, organizationId: otherId, parallelism: undefined });
    const { message } = await failureOf(setUpIn(place, { dynamics: { ...place.dynamics, whoAmI } }));
    expect(message).toContain(known.organizationId);
    expect(message).toContain(otherId);
  });

  it('a dynamicsId of another type', async () => {
    const place = await scene();
    await place.marketo.createFields([{ name: 'dynamicsId', displayName: 'Dynamics Id', type: 'integer' }]);
    const { message } = await failureOf(setUpIn(place));
    expect(message).toBe(
      'The person field dynamicsId exists in Marketo with the type integer; it has to be string.',
    );
    expect(await ourFields(place)).toEqual(['dynamicsId']);
  });

  it('wrong secrets on both sides in one go, without showing them', async () => {
    const place = await scene();
    const env = { ...place.env, MARKETO_CLIENT_SECRET: 'wrong-m', DATAVERSE_CLIENT_SECRET: 'wrong-d' };
    const { code, err } = await contactSync(['setup'], env);
    expect(code).toBe(2);
    expect(err).toContain('MARKETO_CLIENT_SECRET');
    expect(err).toContain('DATAVERSE_CLIENT_SECRET');
    expect(err).not.toMatch(/wrong-[md]/);
  });
});

describe('Setup that meets trouble', () => {
  it('goes on where it was when it was cut off before Marketo knew of it', async () => {
    const place = await scene();
    const lost = new RemoteFailure({
      type: FAILURES.unavailable,
      side: 'marketo',
      message: 'gone',
      effect: 'unknown',
    });
    const describeField = () => Promise.reject(lost);
    await expect(setUpIn(place, { marketo: { ...place.marketo, describeField } })).rejects.toBe(lost);
    const saved = await installation(place.db, 'acme');
    const again = await setUpIn(place);
    expect(again.installation.id).toBe(saved?.id);
    expect(again.made).toEqual([]);
    const key = await place.marketo.fieldSchema('dynamicsId');
    expect(key?.description).toBe(
      `Id of the lead or contact in Dynamics 365. ${buildMark({ id: again.installation.id, name: 'acme' })}`,
    );
  });

  it('finds itself when the answer of its claim was lost', async () => {
    const place = await scene();
    const describeField: Marketo['describeField'] = async (...call) => {
      await place.marketo.describeField(...call);
      throw new RemoteFailure({
        type: FAILURES.unavailable,
        side: 'marketo',
        message: 'gone',
        effect: 'unknown',
      });
    };
    await expect(setUpIn(place, { marketo: { ...place.marketo, describeField } })).rejects.toThrow('gone');
    expect(await setUpIn(place)).toMatchObject({ installation: { name: 'acme' }, made: [] });
  });

  it('gives way when another setup claims Marketo at the same moment', async () => {
    const place = await scene();
    const describeField: Marketo['describeField'] = async (name, text) => {
      await place.marketo.describeField(name, text);
      await place.marketo.describeField(name, buildMark(OTHER));
    };
    const { message } = await failureOf(setUpIn(place, { marketo: { ...place.marketo, describeField } }));
    expect(message).toContain(OTHER.id);
    expect(await anyInstallation(place.db)).toBeUndefined();
  });

  it('waits until Marketo shows the new fields', async () => {
    const place = await scene();
    let reads = 0;
    const fields = async (signal?: AbortSignal) => {
      reads += 1;
      const all = await place.marketo.fields(signal);
      return reads < 4 ? all.filter(({ name }) => name !== 'dynamicsId') : all;
    };
    const { made } = await setUpIn(place, { marketo: { ...place.marketo, fields } });
    expect(made).toContain('dynamicsId');
    expect(reads).toBe(4);
  });

  it('says which field never showed', async () => {
    const place = await scene();
    const fields = async (signal?: AbortSignal) =>
      (await place.marketo.fields(signal)).filter(({ name }) => name !== 'dynamicsType');
    const marketo = { ...place.marketo, fields };
    const failure = await failureOf(setUpIn(place, { marketo, waits: { intervalMs: 5, timeoutMs: 20 } }));
    expect(failure.exitCode).toBe(1);
    expect(failure.hints).toContain('dynamicsType is not shown to the API user.');
  });

  it('does not overwrite a file that appeared meanwhile', async () => {
    const place = await scene();
    const proposal = proposeConfig(place.configFile);
    writeConfig(place, '{ marketo: firstName, lead: firstname }');
    const { message } = await failureOf(setUpIn(place, { proposal }));
    expect(message).toContain('EEXIST');
    expect(readFileSync(place.configFile, 'utf8')).toContain('firstname');
  });
});

describe('An installation that is set up again', () => {
  it('keeps its installation and learns the new field selection', async () => {
    const place = await scene();
    const { installation: made } = await setUpIn(place);
    const known = await installation(place.db, 'acme');
    if (known === undefined) throw new Error('setup saved nothing');
    await saveInstallation(place.db, { ...known, activityTypes: { refused: 1, syncPerson: 2 } }, []);
    writeConfig(place, '{ marketo: firstName, lead: firstname }');
    const again = await setUpIn(place);
    expect(again.installation).toEqual(made);
    const row = await place.db.selectFrom('installations').select('choices').executeTakeFirstOrThrow();
    expect(row.choices).toMatchObject([{ marketo: 'firstName', lead: 'firstname' }]);
  });

  it('has the next cycle read the catalog, and compare it with the one it knew', async () => {
    const place = await scene();
    await place.dataverseAdmin('PATCH', '/columns/lead/telephone1', { secured: true, canUpdate: false });
    await setUpIn(place);
    const first = await loadCatalog(place.db);
    expect(first?.readAt.getTime()).toBeGreaterThan(Date.now() - 60_000);
    await place.dataverseAdmin('PATCH', '/columns/lead/telephone1', { secured: true, canUpdate: true });
    await setUpIn(place);
    expect(await loadCatalog(place.db)).toEqual({ catalog: first?.catalog, readAt: new Date(0) });
  });

  it('says when the selection no longer fits', async () => {
    const place = await scene();
    await setUpIn(place);
    await place.dataverseAdmin('PATCH', '/columns/lead/jobtitle', { removed: true });
    await expect(setUpIn(place)).rejects.toThrow(ConfigurationError);
  });
});
