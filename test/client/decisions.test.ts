import { beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../store/database.js';
import { insertLinks, linksOfRecord } from '../../store/links.js';
import { installedDatabase } from '../support/migrated.js';
import { contactSync, type Ran } from './recording.js';

const LEAD = '11111111-1111-4111-8111-111111111111';
const CONTACT = '22222222-2222-4222-8222-222222222222';
const ELSEWHERE = '33333333-3333-4333-8333-333333333333';

let db: Database;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  const installed = await installedDatabase(LEAD);
  ({ db } = installed);
  env = { DATABASE_URL: installed.url };
  return installed.close;
});

const run = (...args: readonly string[]): Promise<Ran> => contactSync(args, env);

/** A lead and a contact of one e-mail with two persons, 7 and 8, as a cycle sets them aside. */
const ambiguousGroup = async (): Promise<void> => {
  await db.deleteFrom('links').execute();
  const seen = { marketo: {}, dynamics: {} };
  const row = {
    status: 'ambiguous',
    marketoId: null,
    emailKey: 'ana@example.com',
    etag: null,
    seen,
  } as const;
  await insertLinks(db, [
    { ...row, kind: 'lead', dynamicsId: LEAD },
    { ...row, kind: 'contact', dynamicsId: CONTACT },
  ]);
  const candidates = ['7', '8'].map((id) => ({ side: 'marketo', id }));
  await db
    .updateTable('links')
    .set({ candidates: JSON.stringify(candidates), ambiguity: 'same-email' })
    .execute();
};

const statusOf = async (dynamicsId: string) => (await linksOfRecord(db, { dynamicsId }))[0];

describe('contact-sync resolve', () => {
  it('lists every group with its candidates and what to type', async () => {
    await ambiguousGroup();
    const { code, out } = await run('resolve');
    expect({ code, out }).toEqual({
      code: 0,
      out: [
        'ana@example.com: several records have one e-mail',
        `  lead ${LEAD}  ana@example.com  ambiguous`,
        `  contact ${CONTACT}  ana@example.com  ambiguous`,
        '  person 7  ana@example.com  free',
        '  person 8  ana@example.com  free',
        '  to decide:',
        `    contact-sync resolve ${LEAD} --link 7 ${LEAD}`,
        `    contact-sync resolve ${LEAD} --separate   (these rows are none of these persons: each gets a person of its own)`,
      ].join('\n'),
    });
    const { groups } = JSON.parse((await run('resolve', '8', '--json')).out) as { groups: unknown[] };
    expect(groups).toMatchObject([{ why: 'same-email', persons: [{ marketoId: 7 }, { marketoId: 8 }] }]);
  });

  it('says that there is none', async () => {
    await db.deleteFrom('links').execute();
    expect(await run('resolve')).toMatchObject({ code: 0, out: 'No group is ambiguous.' });
    const { code, err } = await run('resolve', '1042');
    expect(code).toBe(1);
    expect(err).toContain('No ambiguous group has person 1042.');
  });

  it('links the person and the row that are named, in either order, and says who decided', async () => {
    await ambiguousGroup();
    const { code, out } = await run('resolve', LEAD, '--link', LEAD, '8', '--by', 'ana', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ what: 'linked', rows: [LEAD], persons: [8], by: 'ana' });
    expect(await statusOf(LEAD)).toMatchObject({ status: 'linked', marketoId: 8, dirty: true });
    expect(await statusOf(CONTACT)).toMatchObject({ status: 'ambiguous', dirty: true });
    expect((await run('why', '8')).out).toMatch(/decided by ana, \S+Z: the row was linked with person 8/);
  });

  it('separates the rows of a group from its persons, and why says so of the persons too', async () => {
    await ambiguousGroup();
    const { code, out } = await run('resolve', '7', '--separate', '--by', 'ana');
    expect({ code, out }).toEqual({ code: 0, out: `Separated rows ${LEAD}, ${CONTACT} from person 7, 8.` });
    expect(await statusOf(LEAD)).toMatchObject({ status: 'unmatched', dirty: true, candidates: null });
    expect((await run('why', '7')).out).toContain('the row was separated from person 7, 8');
    const again = await run('resolve', LEAD, '--separate');
    expect(again).toMatchObject({ code: 1 });
    expect(again.err).toContain(`The row ${LEAD} is not ambiguous: its lead is unmatched.`);
  });

  it.each([
    [['resolve', LEAD, '--link', '7', '--separate'], '--link takes one person and one row'],
    [['resolve', LEAD, '--link', '7', '8'], '--link takes one person and one row'],
    [['resolve', LEAD, '--link', '7', LEAD, '--separate'], 'Decide one thing: --link or --separate.'],
    [['resolve', '--separate'], 'A decision is about one record: name it.'],
    [['resolve', 'ana@example.com'], "Expected Marketo's id of a person"],
  ])('%j is wrong usage', async (args, message) => {
    const { code, err } = await run(...args);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe('contact-sync hold and release', () => {
  it('hold a record by either of its ids, once, and let it go again', async () => {
    await ambiguousGroup();
    await run('resolve', LEAD, '--link', '7', LEAD);
    const what = `person 7 and lead ${LEAD}`;
    expect(await run('hold', '7', '--note', 'legal', '--by', 'ana')).toMatchObject({
      code: 0,
      out: `${what}: on hold. Nothing is written to either side until it is released`,
    });
    const again = await run('hold', LEAD, '--note', 'other');
    expect(again.code).toBe(0);
    expect(again.out).toMatch(/on hold already, since \S+Z by ana; that hold stays as it is/);
    expect((await run('why', LEAD)).out).toMatch(/out of scope since \S+Z: on hold by ana: legal/);
    expect(JSON.parse((await run('release', LEAD, '--json')).out)).toMatchObject({
      released: true,
      stillOut: [],
    });
    expect(await run('release', '7')).toMatchObject({ code: 0, out: `${what}: was not on hold` });
    expect(await statusOf(LEAD)).toMatchObject({ outOfScope: null, dirty: true });
  });

  it('hold a person that has no record', async () => {
    const { out } = await run('hold', '4711');
    expect(out).toBe(
      'person 4711: on hold. It has no record in Dynamics, and gets none until it is released',
    );
    expect((await run('hold', '4711')).out).toContain('on hold already');
    expect((await run('status', '--json')).out).toContain('"hold": 1');
    expect((await run('why', '4711')).out).toMatch(
      /person 4711 has no record in Dynamics\n {2}out of scope since/,
    );
    expect((await run('release', '4711')).out).toBe('person 4711: released');
  });

  it.each(['hold', 'release'])('%s a row that nobody knows is told so', async (command) => {
    const { code, err } = await run(command, ELSEWHERE);
    expect(code).toBe(1);
    expect(err).toContain(`The sync knows no row ${ELSEWHERE}.`);
  });
});
