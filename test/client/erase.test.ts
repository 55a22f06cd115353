import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterEach, describe, expect, it } from 'vitest';
import { holdRecord } from '../../client/hold/hold.js';
import { explainRecord } from '../../client/why/read.js';
import { renderWhy } from '../../client/why/render.js';
import type { Database } from '../../store/database.js';
import { erase } from '../../store/erase.js';
import { qualify } from '../support/succession.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
afterEach(() => world.close());

/** Everything that every table holds, partitions included, as text. */
const dump = async (db: Database): Promise<string> => {
  const { rows: tables } = await sql<{ name: string }>`
    select quote_ident(table_name) as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE'`.execute(db);
  const texts: string[] = [];
  for (const { name } of tables) {
    const { rows } = await sql.raw<{ text: string }>(`select t::text as text from ${name} as t`).execute(db);
    texts.push(...rows.map(({ text }) => `${name} ${text}`));
  }
  return texts.join('\n');
};

const heldIn = async (db: Database, values: readonly string[]): Promise<string[]> => {
  const text = (await dump(db)).toLowerCase();
  return values.filter((value) => text.includes(value.toLowerCase()));
};

/** Every value that this person ever had, each of them unlike any other text of the store. */
const HERS = {
  first: 'Xaverina',
  last: 'Quillfeather',
  email: 'xq.erase-me@nowhere.example',
  titles: ['Zeppeliness', 'Hydronaut', 'Cartomagus'],
  tooLong: '0800-0800-0800-0800-0800-ERASE',
} as const;
const ALL = [HERS.first, HERS.last, HERS.email, ...HERS.titles, HERS.tooLong];

/** A person with a history: first agreement, edits, a collision, a refusal, a qualification; and somebody else. */
const lived = async () => {
  const leadid = randomUUID();
  world = await startWorld({
    persons: [
      { firstName: HERS.first, lastName: HERS.last, email: HERS.email, title: HERS.titles[0] },
      { lastName: 'Bystander', email: 'bystander@example.com', title: 'Gardener' },
    ],
    leads: [
      { leadid, firstname: HERS.first, lastname: HERS.last, emailaddress1: HERS.email },
      { leadid: randomUUID(), lastname: 'Bystander', emailaddress1: 'bystander@example.com' },
    ],
  });
  await world.settled();
  const marketoId = (await world.links()).find(({ dynamicsId }) => dynamicsId === leadid)?.marketoId ?? 0;
  await world.doors.editPerson(marketoId, { title: HERS.titles[1] });
  await world.doors.editRow('leads', leadid, { jobtitle: HERS.titles[2] });
  await world.settled();
  await world.doors.editPerson(marketoId, { mobilePhone: HERS.tooLong });
  await world.settled();
  const contactid = await qualify(world, leadid);
  await world.settled();
  // What a killed worker left behind.
  const claim = { email_key: HERS.email, holder: randomUUID(), held_until: new Date() };
  await world.db.insertInto('email_claims').values(claim).execute();
  expect(await heldIn(world.db, ALL)).toEqual(ALL);
  return { marketoId, leadid, contactid };
};

describe('Erasing a person', () => {
  it('is refused while the pair is synced, and changes nothing', async () => {
    const { marketoId } = await lived();
    const before = await dump(world.db);
    expect(await erase(world.db, { marketoId })).toEqual({ is: 'living', status: 'linked', kind: 'contact' });
    expect(await dump(world.db)).toBe(before);
    expect(await erase(world.db, { marketoId: 999_999 })).toEqual({ is: 'unknown' });
    expect(await dump(world.db)).toBe(before);
  });

  it('that was deleted leaves no value behind, anywhere, and nobody else loses one', async () => {
    const { marketoId, leadid, contactid } = await lived();
    await world.doors.deletePerson(marketoId);
    await world.doors.deleteRow('contacts', contactid);
    await world.doors.deleteRow('leads', leadid);
    await world.settled();
    const erased = await erase(world.db, { marketoId });
    expect(erased).toMatchObject({ is: 'erased', links: 2, rejections: 1, entries: 1 });
    expect(await heldIn(world.db, ALL)).toEqual([]);
    expect(await heldIn(world.db, ['Gardener', 'bystander@example.com'])).toHaveLength(2);

    const notes = await world.db.selectFrom('erasures').selectAll().execute();
    expect(notes).toMatchObject([{ marketo_id: marketoId, dynamics_id: null }]);
    const text = renderWhy(await explainRecord(world.db, { marketoId }), true, false);
    expect(text).not.toContain(HERS.titles[1]);

    expect(await erase(world.db, { marketoId })).toEqual({
      ...{ is: 'erased', links: 0, decisions: 0, rejections: 0, entries: 0 },
    });
    await world.settled();
    expect(await heldIn(world.db, ALL)).toEqual([]);
  });

  it('takes with it what operators wrote of it: the address that they decided on, and the note of a hold', async () => {
    const { marketoId, leadid, contactid } = await lived();
    const at = new Date().toISOString();
    const decision = { what: 'linked', persons: [marketoId], emailKey: HERS.email, by: 'ana', at };
    await sql`update links set decision = ${JSON.stringify(decision)}::jsonb where dynamics_id = ${contactid}`.execute(
      world.db,
    );
    await holdRecord(world.db, { marketoId }, { since: at, by: 'ana', note: `${HERS.last} complained` });
    await world.doors.deletePerson(marketoId);
    await world.doors.deleteRow('contacts', contactid);
    await world.doors.deleteRow('leads', leadid);
    await world.settled();
    expect(await erase(world.db, { marketoId })).toMatchObject({ is: 'erased' });
    expect(await heldIn(world.db, ALL)).toEqual([]);
  });

  it('that is a tombstone keeps it from coming back, by the id of its row too', async () => {
    const { marketoId, contactid } = await lived();
    await world.doors.deletePerson(marketoId);
    await world.settled();
    expect(await erase(world.db, { dynamicsId: contactid })).toMatchObject({ is: 'erased', links: 2 });
    expect(await heldIn(world.db, ALL)).toEqual([]);
    await world.doors.editRow('contacts', contactid, { jobtitle: 'Gardener' });
    await world.settled();
    const [link] = (await world.links()).filter(({ dynamicsId }) => dynamicsId === contactid);
    expect(link).toMatchObject({ status: 'tombstone', seen: { marketo: {}, dynamics: {} } });
    expect((await explainRecord(world.db, { marketoId })).map(({ link: each }) => each.status)).toEqual([
      'tombstone',
    ]);
  });
});

describe('The ledger', () => {
  it('that reaches back no further leaves every current value explained', async () => {
    const { marketoId } = await lived();
    const before = await explainRecord(world.db, { marketoId });
    await sql`delete from ledger`.execute(world.db);
    const after = await explainRecord(world.db, { marketoId });
    const causes = (explained: typeof before) =>
      explained.flatMap(({ fields }) => fields.map(({ field, cause }) => [field, cause]));
    expect(causes(after)).toEqual(causes(before));
    for (const { fields } of before)
      for (const { decisions, cause } of fields)
        if (decisions[0] !== undefined)
          expect(cause).toMatchObject({ rule: decisions[0].rule, cycle: decisions[0].cycle });
    const text = renderWhy(after, false, false);
    expect(text).toContain('both sides had been edited, and Marketo wins for');
    expect(text).toContain('the values it was decided from are older than the ledger');
  });
});
