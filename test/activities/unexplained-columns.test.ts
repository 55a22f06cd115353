import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requireInstallation } from '../../activities/catalog.js';
import type { Kind } from '../../rules/terms.js';
import { leadPairsIn } from '../support/pairs.js';
import { trialsFallDue } from '../support/rejections.js';
import { changeColumn, noticesIn, RATED_FIELDS, readSchemas } from '../support/scope.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeEach(async () => {
  world = await startWorld({ config: RATED_FIELDS });
  await column({ canRead: true, canUpdate: true, canCreate: true });
  await readSchemas(world);
});
afterEach(() => world.close());

/** What an administrator does to the column that `rating` is synced with. */
const column = (rights: Readonly<Record<string, boolean>>) =>
  changeColumn(world, 'leads', 'new_creditrating', rights);

const pairs = leadPairsIn(() => world);

const notices = noticesIn(() => world);

describe('A refusal about a column that rights and schema do not explain', () => {
  /** Rights and schema are told as they are now, whatever becomes of them. */
  const metadataStandStill = async (): Promise<() => void> => {
    const { dynamics } = world.ports;
    const honest = { ...dynamics };
    const { syncUserId } = await requireInstallation(world.ports);
    const [lead, contact, rights] = await Promise.all([
      honest.columns('lead', syncUserId),
      honest.columns('contact', syncUserId),
      honest.access(syncUserId, ['lead', 'contact']),
    ]);
    Object.assign(dynamics, {
      columns: (kind: Kind) => Promise.resolve({ lead, contact }[kind]),
      access: () => Promise.resolve(rights),
    });
    return () => Object.assign(dynamics, honest);
  };

  const anHourLater = async () => {
    await trialsFallDue(world.db);
    await readSchemas(world);
    await world.settled();
  };

  const told = async () =>
    (await world.db.selectFrom('activity_entries').select('attributes').execute()).map(
      ({ attributes }) => attributes['field'],
    );

  it.each(['0x80060888', '0x8004f507'])('is of a moment: the write goes once more (%s)', async (code) => {
    const [pair] = await pairs(1);
    const { marketoId = 0, leadid = '' } = pair ?? {};
    await world.doors.editPerson(marketoId, { city: 'Oslo', title: 'CEO' });
    const fault = { kind: 'refuse', status: 400, code, message: 'Could not find a property.' };
    await world.fault('dynamics', { method: 'PATCH', path: '/leads(', ...fault });
    await world.calls();
    await world.cycle();
    expect((await world.calls()).dynamics).toMatchObject({ 'PATCH /api/data/v9.2/leads({id})': 2 });
    expect(await world.row('leads', leadid)).toMatchObject({ address1_city: 'Oslo', jobtitle: 'CEO' });
    expect(await notices()).toEqual([]);
    expect(await told()).toEqual([]);
  });

  it('holds up no other field, is told to each person once, and ends by itself when its cause does', async () => {
    const all = await pairs(3);
    await metadataStandStill();
    await column({ canUpdate: false });
    for (const { marketoId } of all)
      await world.doors.editPerson(marketoId, { rating: 'C', city: 'Oslo', title: 'CEO' });
    await world.settled();
    for (let hour = 0; hour < 3; hour += 1) await anHourLater();
    for (const { leadid } of all)
      expect(await world.row('leads', leadid)).toMatchObject({
        new_creditrating: null,
        address1_city: 'Oslo',
        jobtitle: 'CEO',
      });
    expect(await told()).toEqual(['rating', 'rating', 'rating']);
    await column({ canUpdate: true });
    for (let hour = 0; hour < 3; hour += 1) await anHourLater();
    for (const { leadid } of all)
      expect(await world.row('leads', leadid)).toMatchObject({ new_creditrating: 'C' });
    expect((await world.links()).flatMap(({ parked }) => Object.keys(parked))).toEqual([]);
  });

  it('becomes a notice once the metadata tell of it, and goes across with the right', async () => {
    const [pair] = await pairs(1);
    const { marketoId = 0, leadid = '' } = pair ?? {};
    const metadataCatchUp = await metadataStandStill();
    await column({ canUpdate: false });
    await world.doors.editPerson(marketoId, { rating: 'C' });
    await world.settled();
    expect(await told()).toEqual(['rating']);
    metadataCatchUp();
    await anHourLater();
    expect(await notices()).toEqual(['lead rating read-only']);
    await column({ canUpdate: true });
    await anHourLater();
    expect(await world.row('leads', leadid)).toMatchObject({ new_creditrating: 'C' });
    expect(await notices()).toEqual([]);
    expect(await told()).toEqual(['rating']);
  });

  it.each([{ canUpdate: false }, { canUpdate: false, canRead: false }])(
    'which metadata bar for that moment only (%j) goes across when they do not any more',
    async (withdrawn) => {
      const [pair] = await pairs(1);
      const { marketoId = 0, leadid = '' } = pair ?? {};
      await world.doors.editPerson(marketoId, { rating: 'C', city: 'Oslo' });
      await world.cycle({ resolved: () => column(withdrawn) });
      expect(await world.row('leads', leadid)).toMatchObject({
        new_creditrating: null,
        address1_city: 'Oslo',
      });
      await column({ canUpdate: true, canRead: true });
      await anHourLater();
      await world.backfill();
      await world.settled();
      expect(await world.row('leads', leadid)).toMatchObject({ new_creditrating: 'C' });
      expect(await told()).toEqual([]);
    },
  );
});
