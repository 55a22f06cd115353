import { describe, expect, it } from 'vitest';

import type { RowOutcome, RowWrite } from '../../dynamics/index.js';
import { RemoteFailure } from '../../rules/failures.js';
import { batchReply, heardParts } from './batch-wire.js';
import { errorReply, id, type Reply, startFakeDataverse } from './fake-dataverse.js';
import { answerParts, rowOf, statuses, update, updates } from './rows.js';
import { scene } from './scene.js';
import { recordedBudget } from './recorded-budget.js';

const at = scene();

describe('writing many rows', () => {
  it('answers each operation in its place, whatever became of its neighbours', async () => {
    at.fake.answer = answerParts((row) => {
      if (row === 1) return errorReply(400, '0x80040265', 'A plug-in says no.');
      if (row === 2) return errorReply(412, '0x80060882');
      if (row === 3) return errorReply(404, '0x80040217', `contact With Id = ${id(3)} Does Not Exist`);
      if (row === 4) return errorReply(500, '0x80044150', 'Generic SQL error.');
      return {
        status: 204,
        headers: { 'OData-EntityId': `${at.fake.url}/api/data/v9.2/contacts(${id(row)})` },
      };
    });
    const outcomes = await at.dynamics.write(updates(6));
    expect(statuses(outcomes)).toEqual(['done', 'refused', 'changed', 'gone', 'transient', 'done']);
    expect(outcomes[4]).toMatchObject({
      failure: { type: 'Unavailable', effect: 'unknown', code: '0x80044150' },
    });
  });

  it('sends every row once, guarded, in strict multipart, and asks to go on after errors', async () => {
    at.fake.answer = answerParts(() => ({ status: 204 }));
    await at.dynamics.write([
      update(1),
      {
        type: 'create',
        kind: 'lead',
        id: id(2).toUpperCase(),
        values: { lastname: 'Ruiz', donotbulkemail: false, revenue: 12.5 },
        binds: { 'ownerid@odata.bind': `/systemusers(${id(9)})` },
      },
    ]);
    const [batch] = at.fake.heard;
    expect(batch).toMatchObject({
      method: 'POST',
      url: '/api/data/v9.2/$batch',
      headers: { prefer: 'odata.continue-on-error' },
    });
    const parts = batch === undefined ? [] : heardParts(batch);
    expect(parts).toMatchObject([
      { method: 'PATCH', url: `/api/data/v9.2/contacts(${id(1)})`, headers: { 'if-match': 'W/"1"' } },
      { method: 'PATCH', url: `/api/data/v9.2/leads(${id(2)})`, headers: { 'if-none-match': '*' } },
    ]);
    expect(parts.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { jobtitle: 'Nº 1' },
      {
        lastname: 'Ruiz',
        donotbulkemail: false,
        revenue: 12.5,
        'ownerid@odata.bind': `/systemusers(${id(9)})`,
      },
    ]);
  });

  it('gives the new etag where it was asked for', async () => {
    at.fake.answer = answerParts((row, part) =>
      part.headers['prefer'] === 'return=representation' && part.url.endsWith('?$select=contactid')
        ? { status: 200, body: { '@odata.etag': 'W/"99"', contactid: id(row) } }
        : { status: 204 },
    );
    const outcomes = await at.dynamics.write([{ ...update(1), returnEtag: true }, update(2)]);
    expect(outcomes).toEqual([{ status: 'done', etag: 'W/"99"' }, { status: 'done' }]);
  });

  it('does not believe a success that is about another row', async () => {
    at.fake.answer = answerParts(() => ({
      status: 204,
      headers: { 'OData-EntityId': `x/contacts(${id(77)})` },
    }));
    expect(await at.dynamics.write(updates(2))).toMatchObject([
      { status: 'transient', failure: { effect: 'unknown' } },
      { status: 'transient', failure: { effect: 'unknown' } },
    ]);
  });

  it('sends a row once, and answers a second write to it as the server would', async () => {
    at.fake.answer = answerParts(() => ({ status: 204 }));
    const again: RowWrite = { type: 'create', kind: 'contact', id: id(2), values: {} };
    expect(statuses(await at.dynamics.write([update(1), update(2), update(1), again]))).toEqual([
      'done',
      'done',
      'changed',
      'exists',
    ]);
    expect(at.fake.heard.flatMap(heardParts).map(rowOf)).toEqual([1, 2]);
  });

  it('spreads a thousand rows over batches of at most 40, several at once, and reports each as it ends', async () => {
    at.fake.answer = answerParts(() => ({ status: 204 }));
    const budget = recordedBudget();
    const reported = new Map<number, RowOutcome>();
    const outcomes = await at.fake.connect({ budget, lane: 'backfill' }).write(updates(1000), {
      onOutcomes: (indexes, found) => {
        indexes.forEach((index, at) => reported.set(index, found[at] ?? { status: 'gone' }));
        return Promise.resolve();
      },
    });
    expect(statuses(outcomes)).toEqual(Array.from({ length: 1000 }, () => 'done'));
    expect([...reported.keys()].sort((a, b) => a - b)).toEqual(outcomes.map((_outcome, index) => index));
    expect(at.fake.heard).toHaveLength(25);
    expect(budget.busiest()).toBe(4);
    expect(new Set(budget.requests.map(({ lane }) => lane))).toEqual(new Set(['backfill']));
  });
});

describe('a batch that goes wrong', () => {
  it('says that rows are perhaps written where the answer is cut, but for those that it names', async () => {
    at.fake.answer = () =>
      batchReply([{ status: 204, headers: { 'OData-EntityId': `x/contacts(${id(0)})` } }, { status: 204 }], {
        closed: false,
      });
    expect(await at.dynamics.write(updates(3))).toMatchObject([
      { status: 'done' },
      { status: 'transient', failure: { effect: 'unknown' } },
      { status: 'transient', failure: { effect: 'unknown' } },
    ]);
  });

  it('says that rows are perhaps written where the connection ends without an answer', async () => {
    at.fake.answer = () => 'drop';
    const outcomes = await at.dynamics.write(updates(2));
    expect(outcomes).toMatchObject([
      { status: 'transient', failure: { type: 'Unavailable', effect: 'unknown' } },
      { status: 'transient', failure: { type: 'Unavailable', effect: 'unknown' } },
    ]);
  });

  it.each([
    [
      'a 429 before anything ran',
      errorReply(429, '0x80072322', 'Slow down.', { 'retry-after': '7' }),
      { type: 'RateLimited', effect: 'none', retryAfterMs: 7000 },
    ],
    ['a 503', { status: 503, body: '<html/>' }, { type: 'Unavailable', effect: 'unknown' }],
    [
      'a 200 that is not multipart',
      { status: 200, body: { value: [] } },
      { type: 'Unavailable', effect: 'unknown' },
    ],
    [
      'more answers than questions',
      batchReply([{ status: 204 }, { status: 204 }, { status: 204 }]),
      { type: 'Unavailable', effect: 'unknown' },
    ],
  ] satisfies [string, Reply, object][])(
    'is transient for all its rows after %s',
    async (_what, reply, failure) => {
      at.fake.answer = () => reply;
      expect(await at.dynamics.write(updates(2))).toMatchObject([
        { status: 'transient', failure },
        { status: 'transient', failure },
      ]);
    },
  );

  it('is halved where it is refused as a whole, down to the one record that cannot be sent', async () => {
    const poisoned = 5;
    at.fake.answer = (request) => {
      const rows = request.url.endsWith('$batch')
        ? heardParts(request).map(rowOf)
        : [rowOf({ ...request, headers: {} })];
      if (rows.includes(poisoned)) return { status: 413, body: '<html>Too large</html>' };
      return request.url.endsWith('$batch') ? batchReply(rows.map(() => ({ status: 204 }))) : { status: 204 };
    };
    const outcomes = await at.dynamics.write(updates(8));
    expect(statuses(outcomes)).toEqual(['done', 'done', 'done', 'done', 'done', 'refused', 'done', 'done']);
    expect(outcomes[poisoned]).toMatchObject({ code: 'HTTP 413', scope: 'record' });
  });

  it('throws where the environment refuses us, after the outcomes that were already known', async () => {
    let batches = 0;
    at.fake.answer = (request) => {
      batches += 1;
      if (batches > 1) return errorReply(403, '0x80072560', 'The user is not a member of the organization.');
      return batchReply(heardParts(request).map(() => ({ status: 204 })));
    };
    const known: number[] = [];
    const onOutcomes = (indexes: readonly number[]): Promise<void> =>
      Promise.resolve(void known.push(...indexes));
    await expect(at.dynamics.write(updates(400), { onOutcomes })).rejects.toMatchObject({
      details: { type: 'Unauthorized' },
    });
    expect(known).toHaveLength(40);
    // Four start at once, and the first to end may let one more start.
    expect(batches).toBeLessThanOrEqual(5);
  });
});

describe('writing one row', () => {
  it('needs one request of its own', async () => {
    at.fake.answer = () => ({ status: 204 });
    expect(await at.dynamics.writeOne(update(1))).toEqual({ status: 'done' });
    expect(at.fake.heard).toMatchObject([
      { method: 'PATCH', url: `/api/data/v9.2/contacts(${id(1)})`, headers: { 'if-match': 'W/"1"' } },
    ]);
    expect(at.fake.heard[0]?.headers).not.toHaveProperty('if-none-match');
  });

  it('takes the etag of a created row', async () => {
    at.fake.answer = () => ({ status: 201, body: { '@odata.etag': 'W/"5"', leadid: id(4) } });
    const outcome = await at.dynamics.writeOne({
      type: 'create',
      kind: 'lead',
      id: id(4),
      values: {},
      returnEtag: true,
    });
    expect(outcome).toEqual({ status: 'done', etag: 'W/"5"' });
  });

  it('refuses an id that would change the address', async () => {
    await expect(at.dynamics.writeOne({ ...update(1), id: '1)/Microsoft.Dynamics.CRM.X(' })).rejects.toThrow(
      RangeError,
    );
    expect(at.fake.heard).toEqual([]);
  });

  it('is known not to have happened where nobody listens', async () => {
    const nowhere = await startFakeDataverse();
    const gone = at.fake.connect({}, { url: nowhere.url });
    await nowhere.close();
    expect(await gone.writeOne(update(1))).toMatchObject({
      status: 'transient',
      failure: { type: 'Unavailable', code: 'ECONNREFUSED', effect: 'none' },
    });
  });

  it('is perhaps done where the deadline passes', async () => {
    at.fake.answer = () => 'hang';
    const impatient = at.fake.connect({ deadlines: { writeMs: 50 } });
    expect(await impatient.writeOne(update(1))).toMatchObject({
      status: 'transient',
      failure: { type: 'Unavailable', code: 'timeout', effect: 'unknown' },
    });
  });

  it('stops with the reason of the abort', async () => {
    const controller = new AbortController();
    at.fake.answer = () => {
      controller.abort(new Error('the activity was cancelled'));
      return 'hang';
    };
    await expect(at.dynamics.writeOne(update(1), controller.signal)).rejects.toThrow(
      'the activity was cancelled',
    );
    await expect(at.dynamics.write(updates(3), { signal: controller.signal })).rejects.toThrow(
      'the activity was cancelled',
    );
    expect(at.fake.heard).toHaveLength(1);
  });

  it('throws a RemoteFailure where the sync user may do nothing', async () => {
    at.fake.answer = () => errorReply(403, '0x80040225', 'The user is disabled.');
    const failure = await at.dynamics.writeOne(update(1)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RemoteFailure);
  });
});
