import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inCalls, MOST_BYTES } from '../../marketo/in-calls.js';
import { startMarketoSimulator } from '../../simulators/marketo/index.js';

const record = fc.record({
  id: fc.nat(),
  note: fc.oneof(fc.constant('short'), fc.constant('ü'.repeat(40_000))),
});

describe('Records parted into calls', () => {
  it('are all there in their order, within the limits, and in as few calls as that order allows', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 120 }), fc.integer({ min: 1, max: 50 }), (records, most) => {
        const calls = inCalls(records, most, (one) => one);
        expect(calls.flat()).toEqual(records);
        const size = (call: readonly unknown[]): number => Buffer.byteLength(JSON.stringify(call));
        for (const [at, call] of calls.entries()) {
          expect(call.length).toBeGreaterThan(0);
          expect(call.length).toBeLessThanOrEqual(most);
          expect(size(call)).toBeLessThanOrEqual(MOST_BYTES + 2);
          const [next] = calls[at + 1] ?? [];
          if (next !== undefined && call.length < most)
            expect(size([...call, next])).toBeGreaterThan(MOST_BYTES);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('that are too large alone stand alone', () => {
    const large = { note: 'x'.repeat(MOST_BYTES + 1) };
    expect(inCalls([{ id: 1 }, large, { id: 2 }], 300, (one) => one)).toEqual([
      [{ id: 1 }],
      [large],
      [{ id: 2 }],
    ]);
  });

  it('meet no 413, which the same records in one call do', async () => {
    const simulator = await startMarketoSimulator({ limits: 'off' });
    const records = Array.from({ length: 60 }, (_, at) => ({
      email: `p${at}@acme.example`,
      note: 'x'.repeat(29_000),
    }));
    const post = async (input: readonly unknown[]): Promise<number> => {
      const headers = { 'Content-Type': 'application/json' };
      const body = JSON.stringify({ action: 'createOrUpdate', lookupField: 'email', input });
      return (await fetch(`${simulator.origin}/rest/v1/leads.json`, { method: 'POST', headers, body }))
        .status;
    };
    const parted = inCalls(records, 300, (one) => one);
    expect(await post(records)).toBe(413);
    expect(await Promise.all(parted.map(post))).toEqual(parted.map(() => 200));
    expect(parted).toHaveLength(2);
    await simulator.close();
  });
});
