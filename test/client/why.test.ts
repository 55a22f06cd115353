import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { explainRecord } from '../../client/why/read.js';
import { renderWhy } from '../../client/why/render.js';
import { installedDatabase } from '../support/migrated.js';
import { qualify } from '../support/succession.js';
import { startWorld, type World } from '../support/world.js';
import { contactSync } from './recording.js';

const LEAD = '11111111-1111-4111-8111-111111111111';
const CONTACT = '22222222-2222-4222-8222-222222222222';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

const persons = [{ firstName: 'Ana', lastName: 'Ruiz', email: 'ana@example.com', title: 'CTO' }];
const lead = { leadid: LEAD, firstname: 'Ana', lastname: 'Ruiz', emailaddress1: 'ana@example.com' };

/** A linked pair on `lead`, quiet; and what `why` says about one of its fields, without the dates. */
const linked = async () => {
  const started = (world = await startWorld({ persons, leads: [lead] }));
  await started.quiet();
  const [link] = await started.links();
  const marketoId = link?.marketoId ?? 0;
  const why = async (field?: string): Promise<string> => {
    const explained = await explainRecord(started.db, { marketoId }, field);
    return renderWhy(explained, field !== undefined, false).replace(/\(cycle \d+, [^)]+\)/g, '(cycle …)');
  };
  return { ...started, marketoId, why };
};

describe('why', () => {
  it('tells of a collision what both sides brought, what stood before, who won and who lost', async () => {
    const { marketoId, why, doors, quiet } = await linked();
    await doors.editPerson(marketoId, { title: 'Chief' });
    await doors.editRow('leads', LEAD, { jobtitle: 'Boss' });
    await quiet();
    expect(await why('title')).toBe(
      [
        `person ${marketoId} and lead ${LEAD}: linked`,
        'title  both sides in step',
        '  now      Marketo "Chief", Dynamics "Chief"',
        '  why      both sides had been edited, and Marketo wins for leads (cycle …)',
        "  won      Marketo; Dynamics's edit was given up",
        '  from     Marketo "Chief", Dynamics "Boss"',
        '  before   Marketo "CTO", Dynamics "CTO"',
        '',
        '  why      nothing was agreed yet, and Dynamics had no value (cycle …)',
        '  won      Marketo',
        '  from     Marketo "CTO", Dynamics (blank)',
      ].join('\n'),
    );
  });

  it('says where both people typed the same that the last decision was about another value', async () => {
    const { marketoId, why, doors, quiet } = await linked();
    await doors.editPerson(marketoId, { title: 'Chief' });
    await quiet();
    await doors.editPerson(marketoId, { title: 'Boss' });
    await doors.editRow('leads', LEAD, { jobtitle: 'Boss' });
    await quiet();
    const [told = ''] = (await why('title')).split('  before');
    expect(told.split('\n').slice(1)).toEqual([
      'title  both sides in step',
      '  now      Marketo "Boss", Dynamics "Boss"',
      '  since    both sides came to hold the same by themselves; the last decision was about another value:',
      '  why      only Marketo had been edited (cycle …)',
      '  won      Marketo',
      '  from     Marketo "Chief", Dynamics "CTO"',
      '',
    ]);
  });

  it('says so too where a refused edit was taken back', async () => {
    const { marketoId, why, doors, settled } = await linked();
    await doors.editPerson(marketoId, { title: 'x'.repeat(200) });
    await settled();
    expect(await why('title')).not.toContain('by themselves');
    await doors.editPerson(marketoId, { title: 'CTO' });
    await settled();
    expect(await why('title')).toContain('by themselves');
  });

  it('says that nothing was decided where both were equal from the start', async () => {
    const { why } = await linked();
    expect(await why('lastName')).toContain('no decision is on record: both held the same value');
  });

  it('quotes the refusal that a value waits behind', async () => {
    const { marketoId, why, doors, quiet } = await linked();
    await doors.editPerson(marketoId, { mobilePhone: '0'.repeat(40) });
    await quiet();
    const text = await why('mobilePhone');
    expect(text).toContain('mobilePhone  refused; tried again when a value moves');
    expect(text).toContain(`now      Marketo "${'0'.repeat(40)}", Dynamics (blank)`);
    expect(text).toMatch(/refusal {2}Dynamics said too-long: .*40 characters.*takes 20/);
  });

  it('tells an edit that the next cycle will decide from a value in step', async () => {
    const { marketoId, db, links } = await linked();
    const [link] = await links();
    await db
      .updateTable('links')
      .set({ seen: JSON.stringify({ marketo: { title: 'Chief' }, dynamics: {} }) })
      .where('id', '=', link?.id ?? 0)
      .execute();
    const [{ fields } = { fields: [] }] = await explainRecord(db, { marketoId });
    expect(fields.find(({ field }) => field === 'title')).toMatchObject({
      state: 'to-decide',
      now: { marketo: 'Chief', dynamics: 'CTO' },
    });
    expect(fields.find(({ field }) => field === 'firstName')).toMatchObject({ state: 'in-step' });
  });

  it('finds a record by the id of its row, with its former links after the living one', async () => {
    const { marketoId, doors, quiet, request, db } = await linked();
    await doors.deleteRow('leads', LEAD);
    await quiet();
    const { dynamicsId } = await request(marketoId, 'contact');
    await quiet();
    const found = await explainRecord(db, { marketoId });
    expect(found.map(({ link }) => [link.kind, link.status, link.dynamicsId])).toEqual([
      ['contact', 'linked', dynamicsId],
      ['lead', 'ended', LEAD],
    ]);
    const former = await explainRecord(db, { dynamicsId: LEAD }, 'title');
    expect(former.map(({ link }) => link.status)).toEqual(['ended']);
  });

  it('goes on with the history of a lead that was qualified, and says of the lead where it went', async () => {
    const { marketoId, doors, settled, why, db, ...world } = await linked();
    await doors.editPerson(marketoId, { title: 'Chief' });
    await settled();
    const contact = await qualify({ ...world, doors, settled, db }, LEAD);
    await settled();
    const text = await why('title');
    expect(text).toContain(`person ${marketoId} and contact ${contact}: linked`);
    expect(text).toContain('only Marketo had been edited');
    expect(renderWhy(await explainRecord(db, { dynamicsId: LEAD }), false, false)).toBe(
      [
        `no person and lead ${LEAD}: left out: a qualified or merged row`,
        `  qualified into: contact ${contact}`,
      ].join('\n'),
    );
  });
});

describe('contact-sync why', () => {
  const installed = async (): Promise<Record<string, string>> => {
    const { url, close } = await installedDatabase(LEAD);
    onTestFinished(close);
    return { DATABASE_URL: url };
  };

  it.each([
    [['1042'], 'The sync knows no person 1042.'],
    [[CONTACT], `The sync knows no row ${CONTACT}.`],
  ])('%j, unknown, is told so with what it may mean', async (args, message) => {
    const { code, out, err } = await contactSync(['why', ...args], await installed());
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(message);
  });

  it('refuses what is no id of either side', async () => {
    const { code, err } = await contactSync(['why', 'ana@example.com']);
    expect(code).toBe(2);
    expect(err).toContain("Expected Marketo's id of a person like 1042, or a row's id");
  });
});
