import { describe, expect, it } from 'vitest';
import { mayPassLater } from '../../marketo/codes.js';
import type { Marketo } from '../../marketo/index.js';
import { FAILURES, type FailureType } from '../../rules/failures.js';
import { CODE_TABLE, type Retry } from './code-table.js';
import { failureOf, ok, refuse, startRemote } from './remote.js';

const {
  unauthorized,
  forbidden,
  misconfigured,
  rateLimited,
  quotaExhausted,
  unavailable,
  refusedCall,
  busy,
} = FAILURES;

const read = (marketo: Marketo): Promise<unknown> => marketo.usageToday();
const write = (marketo: Marketo): Promise<unknown> =>
  marketo.syncPersons({ action: 'updateOnly', lookupField: 'id', records: [{ id: 501, title: 'CTO' }] });

/** What each type says about trying again. */
const RETRY_OF: Readonly<Record<Retry, readonly FailureType[]>> = {
  again: [unavailable, rateLimited, busy],
  // Only a token that had been good says nothing against the credentials.
  signIn: [unauthorized, unavailable],
  later: [quotaExhausted, busy],
  never: [forbidden, misconfigured, refusedCall],
};

/** The type of every code, where its way of being retried leaves a choice. */
const TYPES: Readonly<Partial<Record<FailureType, readonly string[]>>> = {
  [forbidden]: ['603'],
  [unavailable]: ['602'],
  [rateLimited]: ['606', '615'],
  [quotaExhausted]: ['607'],
  [busy]: ['719', '1016', '1019', '1020', '1022', '1029'],
  [misconfigured]: [
    ...['605', '610', '612', '613', '616', '703'],
    ...['1006', '1011', '1018', '1026', '1027', '1028', '1035'],
  ],
};

const OTHERWISE: Readonly<Record<Retry, FailureType>> = {
  again: unavailable,
  signIn: unauthorized,
  later: busy,
  never: refusedCall,
};

const typeOf = (code: string, retry: Retry): FailureType =>
  Object.values(FAILURES).find((type) => TYPES[type]?.includes(code)) ?? OTHERWISE[retry];

/** Waits that a failure names, in milliseconds; the token and most others name none. */
const WAITS: Readonly<Record<string, number>> = {
  '606': 20,
  '719': 60_000,
  '1016': 120_000,
  '1019': 60_000,
  '1020': 3_600_000,
  '1022': 60_000,
  '1029': 900_000,
};

describe('A code on a whole call', () => {
  it.each(CODE_TABLE.map((row) => [row.code, typeOf(row.code, row.retry), row.mayHaveRun, row] as const))(
    '%s means %s; a write with it is in doubt: %s',
    async (code, type, mayHaveRun, { retry, gist }) => {
      const remote = await startRemote();
      remote.answer = () => refuse(code, gist);
      const marketo = remote.connect({ timing: { repeats: 0 } });
      expect(RETRY_OF[retry]).toContain(type);

      const ofWrite = await failureOf(write(marketo));
      expect(ofWrite).toMatchObject({ type, code, effect: mayHaveRun ? 'unknown' : 'none', side: 'marketo' });
      expect(await failureOf(read(marketo))).toMatchObject({ type, code, effect: 'none' });

      // What happened, in which call, and what to do.
      const [said = '', advice = ''] = ofWrite.message.split(', request a9c2#193f0b1c2d4): ');
      expect(said).toBe(`Marketo refused sync persons (${code} ${gist}`);
      expect(advice).toMatch(/\w{2,}( \S+){2,}/);
      if (code === '615') {
        expect(ofWrite.retryAfterMs).toBeGreaterThanOrEqual(5);
        expect(ofWrite.retryAfterMs).toBeLessThanOrEqual(15);
      } else if (code === '607') {
        expect(ofWrite.retryAfterMs).toBeGreaterThan(0);
      } else {
        expect(ofWrite.retryAfterMs).toBe(WAITS[code]);
      }
    },
  );

  it.each(['611', '713', '1029'])('%s has one meaning whatever Marketo says with it', async (code) => {
    const remote = await startRemote();
    const texts = ['Too many jobs in queue', 'Export daily quota exceeded', 'Job already queued', ''];
    remote.answer = (_seen, place) => refuse(code, texts[place]);
    const marketo = remote.connect();
    const met = [];
    for (const text of texts) {
      const { message, ...meaning } = await failureOf(read(marketo));
      expect(message).toContain(text);
      met.push(meaning);
    }
    expect(new Set(met.map((meaning) => JSON.stringify(meaning))).size).toBe(1);
  });

  it('is named in the message with the call, the reason, the request id and what to do', async () => {
    const remote = await startRemote();
    remote.answer = () => refuse('1006', "Field 'dynamicsId' not found");
    const { message } = await failureOf(write(remote.connect()));
    expect(message).toBe(
      "Marketo refused sync persons (1006 Field 'dynamicsId' not found, request a9c2#193f0b1c2d4): " +
        'check the name of the field, and that the role of the API user may see it',
    );
  });

  it('is understood as a number too', async () => {
    const remote = await startRemote();
    remote.answer = () => ({ body: { success: false, errors: [{ code: 603, message: 'Access denied' }] } });
    expect(await failureOf(read(remote.connect()))).toMatchObject({ type: forbidden, code: '603' });
  });

  it('counts for more than the HTTP status that it comes with', async () => {
    const remote = await startRemote();
    remote.answer = () => ({
      status: 500,
      body: { success: false, errors: [{ code: '608', message: 'away' }] },
    });
    expect(await failureOf(write(remote.connect()))).toMatchObject({ code: '608', effect: 'none' });
  });

  it('607 tells how long until midnight US Central, by the clock of the server', async () => {
    const remote = await startRemote();
    const headers = { Date: 'Fri, 20 Nov 2026 23:30:00 GMT' };
    remote.answer = () => ({
      headers,
      body: { success: false, errors: [{ code: '607', message: 'quota' }] },
    });
    const failure = await failureOf(read(remote.connect()));
    expect(failure).toMatchObject({ type: quotaExhausted, retryAfterMs: 6.5 * 3_600_000 });
    expect(remote.calls).toHaveLength(1);
  });
});

describe('A code that Adobe does not list', () => {
  it.each(['4711', '699', '1099', 'toString', '__proto__', 'E-17'])(
    '%s is sent again a few times, and then a refused call that was not executed',
    async (code) => {
      const remote = await startRemote();
      remote.answer = () => refuse(code);
      const failure = await failureOf(write(remote.connect({ timing: { concurrencyMs: 1 } })));
      expect(failure).toMatchObject({ type: refusedCall, code, effect: 'none' });
      expect(failure.message).toContain("ask Adobe's support, with the request id");
      expect(failure.retryAfterMs).toBeUndefined();
      expect(remote.calls).toHaveLength(4);
    },
  );

  it('may pass meanwhile', async () => {
    const remote = await startRemote();
    remote.answer = (_seen, place) => (place < 2 ? refuse('4711') : ok([{ total: 5 }]));
    expect(await remote.connect().usageToday()).toBe(5);
  });

  it.each(['504', '599'])('%s is of the kind of 500: unavailable, and a write is in doubt', async (code) => {
    const remote = await startRemote();
    remote.answer = () => refuse(code);
    const failure = await failureOf(write(remote.connect()));
    expect(failure).toMatchObject({ type: unavailable, code, effect: 'unknown' });
    expect(remote.calls).toHaveLength(1);
  });
});

describe('A code on one record', () => {
  const onRecords = CODE_TABLE.filter(({ level }) => level.includes('R'));

  it.each(onRecords.map(({ code, retry }) => [code, retry] as const))(
    '%s is a value of the outcome, to be tried again: %s',
    async (code, retry) => {
      const remote = await startRemote();
      remote.answer = () => ok([{ status: 'skipped', reasons: [{ code, message: 'gist' }] }]);
      expect(await write(remote.connect())).toEqual([{ status: 'skipped', code, message: 'gist' }]);
      expect(mayPassLater(code)).toBe(retry === 'again');
    },
  );

  it('that Adobe does not list is a refusal of its record', async () => {
    const remote = await startRemote();
    remote.answer = () => ok([{ status: 'skipped', reasons: [{ code: 4711, message: 'gist' }] }]);
    expect(await write(remote.connect())).toEqual([{ status: 'skipped', code: '4711', message: 'gist' }]);
    expect(mayPassLater('4711')).toBe(false);
  });
});
