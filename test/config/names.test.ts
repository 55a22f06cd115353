import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  buildBackfillId,
  buildBackfillQueue,
  buildChunkId,
  buildChunkQueue,
  buildCreatePersonId,
  buildCycleId,
  buildCycleQueue,
  buildOnDemandQueue,
  buildPrefix,
  parseBackfillId,
  parseBackfillQueue,
  parseChunkId,
  parseChunkQueue,
  parseCreatePersonId,
  parseCycleId,
  parseCycleQueue,
  parseOnDemandQueue,
} from '../../config/names.js';

const KEY = 'ab'.repeat(32);
const installations = fc.stringMatching(/^[A-Za-z0-9-]{1,64}$/);

describe('The names that Temporal keeps', () => {
  it('are these: they never change', () => {
    expect(buildCycleId('acme')).toBe('contact-sync/acme/cycle');
    expect(buildCreatePersonId({ installation: 'acme', marketoId: 1042 })).toBe(
      'contact-sync/acme/create-person/1042',
    );
    expect(buildCycleQueue('acme')).toBe('contact-sync/acme/cycle');
    expect(buildOnDemandQueue('acme')).toBe('contact-sync/acme/on-demand');
    expect(buildBackfillId('acme')).toBe('contact-sync/acme/backfill');
    expect(buildBackfillQueue('acme')).toBe('contact-sync/acme/backfill');
    expect(buildChunkId({ installation: 'acme', key: KEY })).toBe(`contact-sync/acme/chunk/${KEY}`);
    expect(buildChunkQueue('acme')).toBe('contact-sync/acme/chunks');
  });

  it('are read back as what they were built from', () => {
    fc.assert(
      fc.property(installations, fc.integer({ min: 1 }), (installation, marketoId) => {
        expect(parseCycleId(buildCycleId(installation))).toBe(installation);
        expect(parseCycleQueue(buildCycleQueue(installation))).toBe(installation);
        expect(parseOnDemandQueue(buildOnDemandQueue(installation))).toBe(installation);
        expect(parseBackfillId(buildBackfillId(installation))).toBe(installation);
        expect(parseBackfillQueue(buildBackfillQueue(installation))).toBe(installation);
        expect(parseChunkQueue(buildChunkQueue(installation))).toBe(installation);
        const chunk = { installation, key: KEY };
        expect(parseChunkId(buildChunkId(chunk))).toEqual(chunk);
        const id = { installation, marketoId };
        expect(parseCreatePersonId(buildCreatePersonId(id))).toEqual(id);
        expect(buildCreatePersonId(id).startsWith(buildPrefix(installation))).toBe(true);
      }),
    );
  });

  it('are told from each other and from those of others', () => {
    expect(parseCycleId('contact-sync/acme/on-demand')).toBeUndefined();
    expect(parseCycleId('contact-sync/acme/cycle/2')).toBeUndefined();
    expect(parseOnDemandQueue('contact-sync/acme/cycle')).toBeUndefined();
    expect(parseBackfillId('contact-sync/acme/cycle')).toBeUndefined();
    expect(parseCycleId('contact-sync/acme/backfill')).toBeUndefined();
    for (const id of ['0', '07', 'x', '', '1/2']) {
      expect(parseCreatePersonId(`contact-sync/acme/create-person/${id}`)).toBeUndefined();
    }
    expect(parseCreatePersonId('other/acme/create-person/1')).toBeUndefined();
    expect(parseChunkId('contact-sync/acme/chunk/token')).toBeUndefined();
  });
});
