import { describe, expect, it } from 'vitest';

import type { RowOutcome } from '../../dynamics/index.js';
import { batchReply, heardParts } from './batch-wire.js';
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
    expect(statuses(await at.dynamics.write(updates(4)))).toEqual(['done', 'refused', 'done', 'done']);
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
    expect(failures(outcomes)).toEqual(['done', 'refused', 'done', 'refused', 'not-run', 'not-run']);
    expect(outcomes[5]).toMatchObject({ failure: { type: 'Unavailable', effect: 'none' } });
    expect(at.fake.heard).toHaveLength(2);
  });

  it('are found in the middle by the rows that the answers name', async () => {
    at.fake.answer = (request) =>
      rowsOf(request).length === 5 ? batchReply([done(0), done(1), done(4)]) : reply(request, done);
    expect(statuses(await at.dynamics.write(updates(5)))).toEqual(['done', 'done', 'done', 'done', 'done']);
    expect(sent()).toEqual([
      [0, 1, 2, 3, 4],
      [2, 3],
    ]);
  });

  it('take no refusal whose place is in doubt', async () => {
    const no = errorReply(400, '0x80040265', 'No.');
    at.fake.answer = () => batchReply([done(0), no, done(3), no]);
    expect(failures(await at.dynamics.write(updates(5)))).toEqual([
      'done',
      'broken-answer',
      'broken-answer',
      'done',
      'refused',
    ]);
    at.fake.answer = () => batchReply([done(1), no, done(0)]);
    expect(failures(await at.dynamics.write(updates(3)))).toEqual(['done', 'done', 'broken-answer']);
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
