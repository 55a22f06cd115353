import { describe, expect, it } from 'vitest';

import type { RowOutcome, RowWrite } from '../../dynamics/index.js';
import { batchReply, heardParts, renderParts } from './batch-wire.js';
import { errorReply, type Heard, id, type Reply } from './fake-dataverse.js';
import { recordedBudget } from './recorded-budget.js';
import type { Part } from './rights.js';
import { rowOf, statuses, update, updates } from './rows.js';
import { scene } from './scene.js';

const at = scene();
const rowsOf = (request: Heard): number[] =>
  request.url.endsWith('$batch') ? heardParts(request).map(rowOf) : [rowOf({ ...request, headers: {} })];
const done = (row: number): Part => ({
  status: 204,
  headers: { 'OData-EntityId': `https://x/api/data/v9.2/contacts(${id(row)})` },
});
const reply = (request: Heard, answer: (row: number) => Part): Reply =>
  request.url.endsWith('$batch') ? batchReply(rowsOf(request).map(answer)) : answer(rowsOf(request)[0] ?? 0);
const sent = (): number[][] => at.fake.heard.map(rowsOf);
const failures = (outcomes: readonly RowOutcome[]): unknown[] =>
  outcomes.map((outcome) => (outcome.status === 'transient' ? outcome.failure.code : outcome.status));

describe('rows that were not run', () => {
  it('go again once, in a batch of their own', async () => {
    at.fake.answer = (request) => {
      const rows = rowsOf(request);
      if (rows.length < 4) return reply(request, done);
      return batchReply([done(0), errorReply(400, '0x80040265', 'No.')], { status: 400 });
    };
    // The refusal names no row: were the answer of another one lost, it would be its neighbour's.
    expect(failures(await at.dynamics.write(updates(4)))).toEqual(['done', 'broken-answer', 'done', 'done']);
    expect(sent()).toEqual([
      [0, 1, 2, 3],
      [2, 3],
    ]);
  });

  it('are left free to be sent again where the server stops at each refusal', async () => {
    at.fake.answer = (request) => {
      const [first = 0] = rowsOf(request);
      return request.url.endsWith('$batch')
        ? batchReply([done(first), errorReply(400, '0x80040265', 'No.')], { status: 400 })
        : done(first);
    };
    const outcomes = await at.dynamics.write(updates(6));
    expect(failures(outcomes)).toEqual([
      'done',
      'broken-answer',
      'done',
      'broken-answer',
      'not-run',
      'not-run',
    ]);
    expect(outcomes[5]).toMatchObject({ failure: { type: 'Unavailable', effect: 'none' } });
    expect(at.fake.heard).toHaveLength(2);
  });
});

describe('rows whose answer is missing', () => {
  const no = errorReply(400, '0x80040265', 'No.');
  const doubt = 'broken-answer';
  const cut: Reply = {
    status: 200,
    headers: { 'content-type': 'multipart/mixed; boundary=b1' },
    body: renderParts([done(0), no, done(3)], { boundary: 'b1', closed: false }),
  };
  const lost: [what: string, answer: Reply, count: number, became: string[]][] = [
    ['all of them', batchReply([]), 2, [doubt, doubt]],
    [
      'between two that are named',
      batchReply([done(0), done(1), done(4)]),
      5,
      ['done', 'done', doubt, doubt, 'done'],
    ],
    ['after a success', batchReply([done(0), done(1)]), 3, ['done', 'done', doubt]],
    ['beside a refusal', batchReply([done(0), no, done(3), no]), 5, ['done', doubt, doubt, 'done', doubt]],
    [
      'before a refusal after which the server went on',
      batchReply([no, done(2), no]),
      4,
      [doubt, doubt, 'done', doubt],
    ],
    ['before a refusal in a reply that is cut', cut, 5, ['done', doubt, doubt, doubt, doubt]],
    ['in a reply that is out of order', batchReply([done(1), no, done(0)]), 3, ['done', 'done', doubt]],
  ];
  it.each(lost)('are in doubt and not sent again: %s', async (_what, answer, count, became) => {
    at.fake.answer = () => answer;
    const outcomes = await at.dynamics.write(updates(count));
    expect(failures(outcomes)).toEqual(became);
    for (const outcome of outcomes) {
      if (outcome.status === 'transient') expect(outcome.failure.effect).toBe('unknown');
    }
    expect(at.fake.heard).toHaveLength(1);
  });

  it('give no refusal to a neighbour where the server stopped', async () => {
    // Of three rows the answer of the second is lost, and the third is refused.
    at.fake.answer = (request) =>
      request.url.endsWith('$batch') ? batchReply([done(0), no], { status: 400 }) : no;
    expect(failures(await at.dynamics.write(updates(3)))).toEqual(['done', doubt, 'refused']);
    expect(sent()).toEqual([[0, 1, 2], [2]]);
  });
});

describe('rows that were throttled inside a batch', () => {
  const slow = (seconds: string): Part =>
    errorReply(429, '0x80072321', 'Slow down.', { 'Retry-After': seconds });

  it('pause everyone and go again, they alone, a bounded number of times', async () => {
    const budget = recordedBudget();
    at.fake.answer = (request) => reply(request, (row) => (row % 2 === 1 ? slow('12') : done(row)));
    const known: number[][] = [];
    const onOutcomes = (indexes: readonly number[]): Promise<void> =>
      Promise.resolve(void known.push([...indexes]));
    const outcomes = await at.fake.connect({ budget }).write(updates(4), { onOutcomes });
    expect(failures(outcomes)).toEqual(['done', '0x80072321', 'done', '0x80072321']);
    expect(outcomes[1]).toMatchObject({
      failure: { type: 'RateLimited', effect: 'none', retryAfterMs: 12_000 },
    });
    expect(sent()).toEqual([
      [0, 1, 2, 3],
      [1, 3],
      [1, 3],
    ]);
    expect(budget.pauses).toEqual([12_000, 12_000, 12_000]);
    expect(known).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  it('are left to the caller where the pause is long', async () => {
    at.fake.answer = (request) => reply(request, () => slow('300'));
    expect(failures(await at.dynamics.write(updates(2)))).toEqual(['0x80072321', '0x80072321']);
    expect(at.fake.heard).toHaveLength(1);
  });

  it('as a whole are all left to the caller', async () => {
    at.fake.answer = () => slow('1');
    expect(failures(await at.dynamics.write(updates(2)))).toEqual(['0x80072321', '0x80072321']);
    expect(at.fake.heard).toHaveLength(1);
  });
});

describe('a batch that is too much for the server', () => {
  const whole: [string, Reply][] = [
    ['for the web server', { status: 413, body: '<html>Too large</html>' }],
    ['for Dataverse', errorReply(413, '0x8004418A', 'Too large.')],
    ['for the database', errorReply(500, '0x80044151', 'SQL timeout.')],
  ];
  it.each(whole)('%s is halved down to the row that cannot be taken', async (_what, refusal) => {
    const poisoned = 21;
    at.fake.answer = (request) => (rowsOf(request).includes(poisoned) ? refusal : reply(request, done));
    const outcomes = await at.dynamics.write(updates(40).map((each) => ({ ...each, returnEtag: false })));
    const others = outcomes.filter((_outcome, row) => row !== poisoned);
    expect(new Set(statuses(others))).toEqual(new Set(['done']));
    expect(['refused', 'transient']).toContain(outcomes[poisoned]?.status);
    expect(at.fake.heard.length).toBeLessThanOrEqual(4 + 2 * 5);
  });

  it('costs a bounded number of calls where every row is too large, and each row has its refusal', async () => {
    at.fake.answer = () => ({ status: 413 });
    const outcomes = await at.dynamics.write(updates(10));
    expect(new Set(statuses(outcomes))).toEqual(new Set(['refused']));
    expect(at.fake.heard).toHaveLength(19);
  });

  it('costs few calls where the database times out whatever is sent', async () => {
    at.fake.answer = () => errorReply(500, '0x80044151', 'SQL timeout.');
    const outcomes = await at.dynamics.write(updates(40).slice(0, 10).concat(updates(40).slice(10)));
    expect(outcomes).toMatchObject(
      outcomes.map(() => ({ status: 'transient', failure: { type: 'Unavailable', effect: 'unknown' } })),
    );
    expect(at.fake.heard.length).toBeLessThanOrEqual(4 * 25);
  });

  it('and gives no answer in time is not repeated: its rows are in doubt', async () => {
    at.fake.answer = () => 'hang';
    const impatient = at.fake.connect({ deadlines: { writeMs: 50 } });
    expect(await impatient.write(updates(5))).toMatchObject(
      updates(5).map(() => ({ status: 'transient', failure: { code: 'timeout', effect: 'unknown' } })),
    );
    expect(at.fake.heard).toHaveLength(1);
  });
});

describe('a batch that a gateway refuses', () => {
  const pages: [string, Reply][] = [
    ['400 with HTML', { status: 400, body: '<html>Blocked</html>' }],
    ['409 with HTML', { status: 409, body: '<html>Conflict</html>' }],
    ['400, empty', { status: 400 }],
    ['400 in the words of a web server', { status: 400, body: { Message: 'An error has occurred.' } }],
  ];
  it.each(pages)(
    'is halved down to the row that is in its way, which stays in doubt: %s',
    async (_what, page) => {
      at.fake.answer = (request) => (rowsOf(request).includes(5) ? page : reply(request, done));
      const outcomes = await at.dynamics.write(updates(40));
      expect(statuses(outcomes.filter((_outcome, row) => row !== 5))).toEqual(Array<string>(39).fill('done'));
      expect(outcomes[5]).toMatchObject({
        status: 'transient',
        failure: { type: 'Unavailable', effect: 'unknown' },
      });
      expect(JSON.stringify(outcomes[5])).toContain('check for a proxy, gateway or firewall');
    },
  );

  it('costs a bounded number of calls where every call is refused', async () => {
    at.fake.answer = () => ({ status: 400, body: '<html>Blocked</html>' });
    expect(new Set(statuses(await at.dynamics.write(updates(10))))).toEqual(new Set(['transient']));
    expect(at.fake.heard.length).toBeLessThanOrEqual(25);
  });
});

describe('an answer that need not be about our row', () => {
  const create: RowWrite = { type: 'create', kind: 'contact', id: id(1), values: {} };
  const missed: [what: string, code: string, message: string, outcome: object][] = [
    ['names our id', '0x80040217', `contact With Id = ${id(1)} Does Not Exist`, { status: 'gone' }],
    ['names another', '0x80040217', `account With Id = ${id(7)} Does Not Exist`, { status: 'refused' }],
    [
      'names none',
      '0x80040217',
      'The price list no longer exists.',
      { status: 'gone', otherwise: { status: 'refused' } },
    ],
    [
      'speaks of another key',
      '0x80060891',
      'A record with the specified key values does not exist in account entity',
      { status: 'gone', otherwise: { status: 'refused', code: '0x80060891' } },
    ],
  ];
  it.each(missed)('is believed to miss it as far as it %s: %s', async (_what, code, message, outcome) => {
    at.fake.answer = () => errorReply(404, code, message);
    const found = await at.dynamics.writeOne(update(1));
    expect(found).toMatchObject(outcome);
    expect('otherwise' in found).toBe('otherwise' in outcome);
  });

  const doubt = { status: 'transient', failure: { type: 'Unavailable', effect: 'unknown' } };
  const met: [what: string, answer: Reply, otherwise: object][] = [
    [
      'a duplicate key',
      errorReply(412, '0x80040237', 'Duplicate key.'),
      { status: 'refused', code: '0x80040237' },
    ],
    ['a version', errorReply(412, '0x80060882'), doubt],
    ['nothing', { status: 412, body: '<html>No</html>' }, doubt],
  ];
  it.each(met)(
    'says beside "exists" what it means if no row is there: %s',
    async (_what, answer, otherwise) => {
      at.fake.answer = () => answer;
      expect(await at.dynamics.writeOne(create)).toMatchObject({ status: 'exists', otherwise });
    },
  );
});

describe('whatever becomes of batches', () => {
  it('no row is under way twice at one time', async () => {
    const underWay = new Set<number>();
    let most = 0;
    let count = 0;
    at.fake.answer = async (request) => {
      const rows = rowsOf(request);
      for (const row of rows) {
        expect(underWay.has(row)).toBe(false);
        underWay.add(row);
      }
      most = Math.max(most, underWay.size);
      await new Promise((resolve) => setImmediate(resolve));
      for (const row of rows) underWay.delete(row);
      count += 1;
      if (count % 5 === 0) return { status: 413 };
      if (count % 7 === 0) return errorReply(500, '0x80044151');
      return reply(request, (row) =>
        (row + count) % 6 === 0 ? errorReply(429, '0x80072322', 'Slow.', { 'Retry-After': '1' }) : done(row),
      );
    };
    const again = [...updates(200), update(7), update(8)];
    const outcomes = await at.dynamics.write(again);
    expect(outcomes).toHaveLength(202);
    expect(statuses(outcomes.slice(200))).toEqual(['changed', 'changed']);
    expect(most).toBeGreaterThan(40);
  });
});

describe('a refusal because of another row', () => {
  it.each(['0x80040333', '0x80060892'])('%s names that row, where its message does', async (code) => {
    const refuse = (message: string): void => {
      at.fake.answer = () => errorReply(412, code, message);
    };
    refuse(`A record was not created because ${id(77).toUpperCase()} is like ${id(1)}.`);
    expect(await at.dynamics.writeOne(update(1))).toMatchObject({ status: 'refused', twin: id(77) });
    refuse('A record with the same value exists.');
    expect(await at.dynamics.writeOne(update(1))).not.toHaveProperty('twin');
    refuse(`Either ${id(77)} or ${id(78)}.`);
    expect(await at.dynamics.writeOne(update(1))).not.toHaveProperty('twin');
  });
});
