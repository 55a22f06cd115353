import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type Answer, type CallContext, errorOf, failureOf, verdictOf } from '../../dynamics/answers.js';
import { canonicalCode, type Verdict, VERDICTS } from '../../dynamics/error-codes.js';
import { outcomeOf } from '../../dynamics/outcomes.js';
import type { RowOutcome, RowUpdate } from '../../dynamics/index.js';
import { FAILURES, TRANSIENT } from '../../rules/failures.js';
import { type Act, DOCUMENTED } from './error-table.js';
import { id } from './fake-dataverse.js';

const lines = DOCUMENTED.flatMap(({ codes, ...line }) => codes.map((code) => ({ ...line, code })));
const read: CallContext = { name: 'read', origin: 'https://contoso.crm.dynamics.com' };
const write: CallContext = { ...read, name: 'write', writes: true };
const update: RowUpdate = { type: 'update', kind: 'lead', id: id(1), etag: 'W/"1"', values: { a: 1 } };
const TYPES = new Set<string>(Object.values(FAILURES));

const answer = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  status,
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const coded = (status: number, code: unknown, headers?: Record<string, string>): Answer =>
  answer(status, { error: { code, message: 'Words.' } }, headers);
const shortVerdict = (verdict: Verdict): string => {
  if (verdict.is === 'failure') return verdict.type;
  return verdict.is === 'refused' ? `refused ${verdict.scope}` : verdict.is;
};
const shortOutcome = (outcome: RowOutcome): string =>
  outcome.status === 'transient' ? outcome.failure.type : outcome.status;

/** How a code may be written: as it stands, in other cases, and as the signed decimal of older services. */
const spellings = (code: string): unknown[] => {
  const decimal = Number(code) | 0;
  return [
    code,
    code.toUpperCase().replace('0X', '0x'),
    code.toUpperCase(),
    ` ${code} `,
    String(decimal),
    decimal,
  ];
};

describe('every documented code', () => {
  it('is known, and nothing else is', () => {
    expect([...new Set(lines.map(({ code }) => code)), '0x00000000'].sort()).toEqual(
      Object.keys(VERDICTS).sort(),
    );
  });

  it.each(lines)(
    '$code $name with HTTP $status means $means, however it is spelt',
    ({ code, status, means }) => {
      for (const spelling of spellings(code)) {
        expect(canonicalCode(spelling)).toBe(code);
        expect(shortVerdict(verdictOf(coded(status, spelling)))).toBe(means);
      }
    },
  );

  it.each(lines)('$code $name means $means beside a status that is not its own', ({ code, means }) => {
    for (const status of [400, 401, 403, 404, 405, 409, 412, 413, 500, 502, 503, 504]) {
      expect(shortVerdict(verdictOf(coded(status, code))), String(status)).toBe(means);
    }
    expect(shortVerdict(verdictOf(coded(429, code)))).toBe('RateLimited');
  });

  const classes: Readonly<Record<Act, readonly string[]>> = {
    R: ['RateLimited', 'Unavailable'],
    C: ['gone', 'duplicate', 'changed', 'CursorInvalid', 'refused record'],
    N: ['refused record', 'refused table-rights', 'RefusedCall'],
    column: ['refused column-rights'],
    A: ['Unauthorized', 'Misconfigured', 'refused schema'],
  };
  it.each(lines)('$code $name is acted on as documented: $act', ({ act, means }) => {
    expect(classes[act]).toContain(means);
  });

  it.each(lines)(
    '$code $name fails a read with a type of the vocabulary, without effect',
    ({ code, status, means }) => {
      const { details } = failureOf(coded(status, code), read);
      expect(TYPES.has(details.type)).toBe(true);
      if (TYPES.has(means)) expect(details.type).toBe(means);
      expect(details).toMatchObject({ side: 'dynamics', effect: 'none', code });
      expect(details.message).toContain(`did not read: HTTP ${status}, ${code}, Words.`);
    },
  );

  it.each(lines)('$code $name leaves no doubt about a write but where the server was not well', (line) => {
    const outcome = outcomeOf(coded(line.status, line.code), update, write);
    if (line.act !== 'R') {
      if (outcome.status === 'transient') expect(outcome.failure.effect).toBe('none');
      return;
    }
    if (outcome.status !== 'transient') throw new Error(`${line.code} is ${shortOutcome(outcome)}`);
    expect(TRANSIENT.has(outcome.failure.type)).toBe(true);
    expect(outcome.failure.effect).toBe(line.means === 'RateLimited' ? 'none' : 'unknown');
  });

  it.each(lines.filter(({ act }) => act === 'A'))(
    '$code $name says what people can do',
    ({ code, status }) => {
      const { message } = failureOf(coded(status, code), read).details;
      expect(message.split('Words.')[1]?.trim()).toMatch(
        /^(Check|Add|Turn on|The environment does not|Compare) .*\.$/,
      );
    },
  );

  it.each(lines.filter(({ means }) => means === 'RateLimited'))(
    '$code waits as long as asked',
    ({ code, status }) => {
      const wait = (asked: Record<string, string>): number | undefined =>
        failureOf(coded(status, code, asked), write).details.retryAfterMs;
      expect(wait({ 'retry-after': '17' })).toBe(17_000);
      const date = 'Sat, 22 Aug 2026 08:10:00 GMT';
      expect(wait({ date, 'retry-after': 'Sat, 22 Aug 2026 08:10:40 GMT' })).toBe(40_000);
      expect(wait({})).toBe(10_000);
      expect(wait({ 'retry-after': 'soon' })).toBe(10_000);
    },
  );

  it.each(lines.filter(({ means }) => means === 'Unavailable'))(
    '$code waits where it is asked to, and else as the caller sees fit',
    ({ code, status }) => {
      expect(failureOf(coded(status, code, { 'retry-after': '5' }), read).details.retryAfterMs).toBe(5000);
      expect(failureOf(coded(status, code), read).details).not.toHaveProperty('retryAfterMs');
    },
  );
});

/** [status, with Dataverse's envelope, without it, a whole read that fails so] */
const byStatus: [number, string, string, string][] = [
  [200, 'Unavailable', 'Unavailable', 'Unavailable'],
  [204, 'Unavailable', 'Unavailable', 'Unavailable'],
  [301, 'Misconfigured', 'Misconfigured', 'Misconfigured'],
  [304, 'Misconfigured', 'Misconfigured', 'Misconfigured'],
  [400, 'refused record', 'Unavailable', 'RefusedCall'],
  [401, 'Unauthorized', 'Unauthorized', 'Unauthorized'],
  [402, 'refused record', 'Unavailable', 'RefusedCall'],
  [403, 'refused record', 'Forbidden', 'Forbidden'],
  [404, 'Misconfigured', 'Misconfigured', 'Misconfigured'],
  [405, 'refused record', 'Unavailable', 'RefusedCall'],
  [408, 'Unavailable', 'Unavailable', 'Unavailable'],
  [409, 'refused record', 'Unavailable', 'RefusedCall'],
  [410, 'refused record', 'Unavailable', 'RefusedCall'],
  [412, 'refused record', 'changed', 'RefusedCall'],
  [413, 'RefusedCall', 'RefusedCall', 'RefusedCall'],
  [414, 'RefusedCall', 'RefusedCall', 'RefusedCall'],
  [422, 'refused record', 'Unavailable', 'RefusedCall'],
  [429, 'RateLimited', 'RateLimited', 'RateLimited'],
  [431, 'RefusedCall', 'RefusedCall', 'RefusedCall'],
  [500, 'Unavailable', 'Unavailable', 'Unavailable'],
  [501, 'RefusedCall', 'RefusedCall', 'RefusedCall'],
  [502, 'Unavailable', 'Unavailable', 'Unavailable'],
  [503, 'Unavailable', 'Unavailable', 'Unavailable'],
  [504, 'Unavailable', 'Unavailable', 'Unavailable'],
  [599, 'Unavailable', 'Unavailable', 'Unavailable'],
];

describe('a code that nobody documented', () => {
  it.each(byStatus)('means with HTTP %s what the status means: %s', (status, means, _bare, onRead) => {
    for (const code of ['0x80099999', '0x8FFFFFFF', '-2147000000', '0xabc']) {
      expect(shortVerdict(verdictOf(coded(status, code))), code).toBe(means);
    }
    expect(failureOf(coded(status, '0x80099999'), read).details).toMatchObject({
      type: onRead,
      effect: 'none',
    });
  });

  it.each(byStatus)('and none at all with HTTP %s likewise', (status, means, bare) => {
    const silent = ['', '   ', 'unknown', undefined, null, 0, {}, 7.5];
    for (const code of status === 400 ? silent : [...silent, '0x0', '0X0', '0x00000000']) {
      const expected = status === 412 ? bare : means;
      expect(shortVerdict(verdictOf(coded(status, code))), JSON.stringify(code)).toBe(expected);
    }
  });

  it.each(byStatus)(
    'and proves nothing of a record with HTTP %s from a gateway',
    (status, _means, bare, onRead) => {
      const expected = bare === 'Unavailable' ? 'Unavailable' : onRead;
      for (const body of ['<html>Words</html>', '', {}, { error: {} }, { error: 'no' }]) {
        expect(shortVerdict(verdictOf(answer(status, body)))).toBe(bare);
        expect(failureOf(answer(status, body), read).type).toBe(expected);
      }
    },
  );

  it('is a complaint of OData where it is 0x0 with 400', () => {
    for (const code of ['0x0', '0X0', '0x00000000']) {
      expect(shortVerdict(verdictOf(coded(400, code)))).toBe('refused schema');
    }
  });
});

describe('the envelope of an error', () => {
  const said = (body: unknown): object => errorOf(answer(400, body));
  const error = { code: '0x80044331', message: 'Words.' };

  it('may carry annotations and an inner error', () => {
    const annotated = {
      ...error,
      '@Microsoft.PowerApps.CDS.ErrorDetails.ApiExceptionSourceKey': 'Plugin/X',
      '@Microsoft.PowerApps.CDS.ErrorDetails.ApiExceptionHttpStatusCode': '403',
      '@Microsoft.PowerApps.CDS.HelpLink': 'http://go.example',
      innererror: { message: 'inner', type: 'System.Exception', stacktrace: 'at X' },
    };
    expect(said({ error: annotated })).toEqual(error);
  });

  it.each([
    ['in IIS form', { Message: 'An error has occurred.' }, { message: 'An error has occurred.' }],
    ['in HTML', '<html><h1>502</h1></html>', {}],
    ['empty', '', {}],
    ['cut', '{"error":{"code":"0x8004', {}],
    ['null', 'null', {}],
    ['a list', [], {}],
    ['an error without members', { error: {} }, {}],
    ['an error in words', { error: 'no' }, {}],
    ['a message that is no text', { error: { code: '0x80044331', message: 7 } }, { code: '0x80044331' }],
  ])('may be %s', (_what, body, expected) => {
    expect(said(body)).toEqual(expected);
  });

  it('never makes an answer that is not understood', () => {
    const status = fc.integer({ min: 200, max: 599 });
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({
          code: fc.oneof(fc.string(), fc.jsonValue()),
          message: fc.oneof(fc.string(), fc.jsonValue()),
        })
        .map((inner) => JSON.stringify({ error: inner })),
    );
    fc.assert(
      fc.property(status, body, fc.boolean(), (code, text, cursor) => {
        const { details } = failureOf(answer(code, text), { ...read, cursor });
        expect(TYPES.has(details.type)).toBe(true);
        expect(details.effect).toBe('none');
        expect(shortOutcome(outcomeOf(answer(code, text), update, write))).toMatch(/^[A-Za-z]+$/);
      }),
    );
  });
});
