import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { batchReply, heardParts } from './batch-wire.js';
import { CALLS, endOf, healthy, healthyPart } from './every-call.js';
import type { Heard, Reply } from './fake-dataverse.js';
import { scene } from './scene.js';

const at = scene();
const READS = Object.entries(CALLS).filter(([name]) => !name.startsWith('write'));

type Json = Record<string, unknown>;
type Path = readonly (string | number)[];

/** The good answer to a request (or to the parts of a batch), changed by a test. */
const answerWith =
  (change: (body: Json) => unknown) =>
  (request: Heard): Reply => {
    if (request.url.endsWith('$batch')) {
      return batchReply(
        heardParts(request).map((part) => {
          const reply = healthyPart(part);
          return { ...reply, body: change(reply.body as Json) };
        }),
      );
    }
    const reply = healthy(at.fake)(request);
    return typeof reply === 'string' ? reply : { ...reply, body: change(reply.body as Json) };
  };

/** What each call cannot do without, as its failure names it. Rights are none of it: unknown means no. */
const NEEDED: Readonly<Record<string, readonly [Path, string][]>> = {
  whoAmI: [
    [['UserId'], 'UserId'],
    [['OrganizationId'], 'OrganizationId'],
  ],
  tableTraits: [
    [['ChangeTrackingEnabled'], 'ChangeTrackingEnabled'],
    [['IsOptimisticConcurrencyEnabled'], 'IsOptimisticConcurrencyEnabled'],
  ],
  columns: [[['value'], 'value']],
  access: [[['value'], 'value']],
  'changes (first read)': [
    [['value'], 'value'],
    [['value', 0, 'leadid'], 'value[0].leadid'],
    [['value', 0, '@odata.etag'], 'value[0].@odata.etag'],
  ],
  'changes (link)': [
    [['value'], 'value'],
    [['value', 0, 'leadid'], 'value[0].leadid'],
    [['value', 0, '@odata.etag'], 'value[0].@odata.etag'],
  ],
  readRows: [
    [['value'], 'value'],
    [['value', 0, 'contactid'], 'value[0].contactid'],
  ],
  readRow: [
    [['contactid'], 'contactid'],
    [['@odata.etag'], '@odata.etag'],
  ],
  findByEmail: [[['value', 0, 'contactid'], 'value[0].contactid']],
  modifiedSince: [[['value', 0, '@odata.etag'], 'value[0].@odata.etag']],
};

const put = (value: unknown, [step, ...rest]: Path, by: unknown): unknown => {
  if (step === undefined) return by;
  if (value === undefined || value === null) return value;
  if (Array.isArray(value))
    return value.map((inner: unknown, at) => (at === step ? put(inner, rest, by) : inner));
  return step in (value as Json)
    ? { ...(value as Json), [step]: put((value as Json)[step], rest, by) }
    : value;
};

describe.each(READS)('the answer to %s', (name, call) => {
  it('may hold members that nobody knows', async () => {
    const member = fc.stringMatching(/^[a-z]{1,8}(@[a-z.]{1,9})?$/).map((key) => `x_${key}`);
    await fc.assert(
      fc.asyncProperty(fc.dictionary(member, fc.jsonValue(), { maxKeys: 4 }), async (more) => {
        at.fake.answer = answerWith((body) => ({ ...body, ...more }));
        expect(await endOf(call(at.dynamics, at.fake))).toBe('read');
      }),
      { numRuns: 15 },
    );
  });

  it('is told to lack what it lacks, by its path and without a value', async () => {
    const nonsense = fc.constantFrom<unknown>(undefined, null, 4711, '', { deep: '4711' });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...(NEEDED[name] ?? [])), nonsense, async ([path, named], by) => {
        at.fake.answer = answerWith((body) => put(body, path, by));
        const failure: unknown = await call(at.dynamics, at.fake).catch((error: unknown) => error);
        expect(failure).toMatchObject({
          details: { type: 'Unavailable', code: 'broken-answer', effect: 'none' },
        });
        const { message } = failure as Error;
        expect(message).toContain(`without a usable ${named}`);
        expect(message).not.toContain('4711');
      }),
      { numRuns: 25 },
    );
  });

  it('of any form ends in a failure that is known', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (body) => {
        at.fake.answer = answerWith(() => body);
        expect(await endOf(call(at.dynamics, at.fake))).toMatch(/^(read|no row|Unavailable|Misconfigured)$/);
      }),
      { numRuns: 25 },
    );
  });
});
