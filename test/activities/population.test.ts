import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIELD_PAIRS, generatePopulation } from '../../simulators/population/index.js';
import { compareSides } from '../../simulators/compare/index.js';
import { DEFAULT_CONFIG } from '../../config/default-config.js';
import { lastStop } from '../../store/guard-stops.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  const { persons, leads, contacts } = generatePopulation({ people: 600, seed: 'population' });
  const config = `${DEFAULT_CONFIG}guard: { clears: 0.1%, deletes: 0.1%, writes: 0.5%, sameValue: 0.1%, atLeast: 5 }\n`;
  world = await startWorld({ persons, leads, contacts, config });
});
afterAll(() => world.close());

describe('A population with every kind of mess', () => {
  it('converges, every difference explained by a refusal or an ambiguous group', async () => {
    await world.quiet();
    const links = await world.links();
    const rejections = await world.db
      .selectFrom('rejections')
      .selectAll()
      .where('closed_at', 'is', null)
      .execute();
    const explained = [
      ...rejections.flatMap(({ link_id, field, message }) => {
        const link = links.find(({ id }) => id === link_id);
        const parked = Object.keys(link?.parked ?? {});
        const where = {
          ...(link?.marketoId == null ? {} : { marketoId: link.marketoId }),
          ...(link?.dynamicsId == null ? {} : { dynamicsId: link.dynamicsId }),
        };
        return (field === null ? parked : [field]).map((name) => ({
          ...where,
          field: name,
          reason: message,
        }));
      }),
      ...links
        .filter(({ status }) => status === 'ambiguous')
        .map(({ dynamicsId }) => ({ dynamicsId: dynamicsId ?? '', reason: 'ambiguous' })),
    ];
    const result = await compareSides({
      marketo: world.marketo,
      dataverse: world.dataverse,
      fields: FIELD_PAIRS,
      links: links.map(({ marketoId, dynamicsId, kind, status }) => ({
        marketoId,
        dynamicsId,
        kind,
        state: status,
      })),
      explained,
    });
    expect(result.different).toEqual([]);
    expect(result.equal).toBeGreaterThan(400);
    // However messy, a first load is no mass change.
    expect(await lastStop(world.db)).toBeUndefined();
  });
});
