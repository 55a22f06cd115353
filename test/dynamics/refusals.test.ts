import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Dynamics, RowCreate, RowOutcome, RowUpdate } from '../../dynamics/index.js';
import { RemoteFailure } from '../../rules/failures.js';
import { errorReply, type FakeDataverse, id, type Reply, startFakeDataverse } from './fake-dataverse.js';

let fake: FakeDataverse;
let dynamics: Dynamics;
beforeAll(async () => {
  fake = await startFakeDataverse();
  dynamics = fake.connect();
});
afterAll(() => fake.close());

const update: RowUpdate = {
  type: 'update',
  kind: 'contact',
  id: id(1),
  etag: 'W/"7"',
  values: { jobtitle: 'CTO', lastname: 'Ruiz' },
};
const create: RowCreate = {
  type: 'create',
  kind: 'lead',
  id: id(2),
  values: { lastname: 'Ruiz', subject: 'Hello' },
};

/** Short names for what the table expects: an outcome, or the type of a failure (with its effect if unknown). */
function short(outcome: RowOutcome): string {
  if (outcome.status === 'refused') return `refused ${outcome.scope}`;
  if (outcome.status !== 'transient') return outcome.status;
  return outcome.failure.effect === 'unknown'
    ? `${outcome.failure.type}, perhaps done`
    : outcome.failure.type;
}
const attempt = (write: RowUpdate | RowCreate): Promise<string> =>
  dynamics
    .writeOne(write)
    .then(short, (error: unknown) => (error instanceof RemoteFailure ? `throws ${error.type}` : 'a bug'));
const read = (): Promise<unknown> =>
  dynamics.readRow('contact', id(1), ['jobtitle']).then(
    (row) => row ?? 'no row',
    (error: unknown) => (error instanceof RemoteFailure ? error.type : error),
  );

type Line = [status: number, code: string | undefined, onUpdate: string, onCreate: string, onRead: string];
const refused = 'refused record';
const transient = 'Unavailable, perhaps done';
const table: Line[] = [
  [404, '0x80040217', 'gone', refused, 'no row'],
  [404, '0x80060891', 'gone', refused, 'no row'],
  [404, '0x8006088a', 'throws Misconfigured', 'throws Misconfigured', 'Misconfigured'],
  [400, '0x80060890', 'throws Misconfigured', 'throws Misconfigured', 'Misconfigured'],
  [412, '0x80040237', refused, 'exists', 'RefusedCall'],
  [412, '0x80060892', refused, refused, 'RefusedCall'],
  [400, '0x80073002', refused, refused, 'RefusedCall'],
  [412, '0x80040333', refused, refused, 'RefusedCall'],
  [500, '0x80040333', refused, refused, 'RefusedCall'],
  [412, '0x80060882', 'changed', 'exists', 'RefusedCall'],
  [412, undefined, 'changed', 'exists', 'RefusedCall'],
  [412, '0x80099999', refused, refused, 'RefusedCall'],
  [400, '0x8006088D', 'throws Misconfigured', 'throws Misconfigured', 'Misconfigured'],
  [400, '0x80060883', 'throws Misconfigured', 'throws Misconfigured', 'Misconfigured'],
  ...[
    '0x80040265',
    '0x80044331',
    '0x80044330',
    '0x8004432F',
    '0x8004431A',
    '0x80040239',
    '0x80044354',
    '0x80040200',
    '0x80040203',
    '0x80048D19',
    '0x80048408',
    '0x80040230',
    '0x8004022E',
    '0x80040519',
    '0x80040518',
  ].map((code): Line => [400, code, refused, refused, 'RefusedCall']),
  [400, '0x0', 'refused schema', 'refused schema', 'Misconfigured'],
  [400, '0x80060888', 'refused schema', 'refused schema', 'Misconfigured'],
  [403, '0x80081018', refused, refused, 'Forbidden'],
  [403, '0x80045301', refused, refused, 'Forbidden'],
  [405, '0x80040227', refused, refused, 'RefusedCall'],
  [403, '0x80040220', 'refused table-rights', 'refused table-rights', 'Forbidden'],
  [403, '0x80040299', 'refused table-rights', 'refused table-rights', 'Forbidden'],
  [403, '0x80048306', refused, refused, 'Forbidden'],
  [403, '0x8004F507', 'refused column-rights', 'refused column-rights', 'Forbidden'],
  [403, '0x8004F502', 'refused column-rights', 'refused column-rights', 'Forbidden'],
  [403, '0x8004f504', 'refused column-rights', 'refused column-rights', 'Forbidden'],
  [403, '0x8004f506', 'refused column-rights', 'refused column-rights', 'Forbidden'],
  [403, '0x8004a110', 'throws Unauthorized', 'throws Unauthorized', 'Unauthorized'],
  [403, '0x80072560', 'throws Unauthorized', 'throws Unauthorized', 'Unauthorized'],
  [403, '0x80040225', 'throws Unauthorized', 'throws Unauthorized', 'Unauthorized'],
  [401, '0x8004a101', 'throws Unauthorized', 'throws Unauthorized', 'Unauthorized'],
  [401, '0x80040277', 'throws Unauthorized', 'throws Unauthorized', 'Unauthorized'],
  [503, '0x8004a104', transient, transient, 'Unavailable'],
  [429, '0x80072321', 'RateLimited', 'RateLimited', 'RateLimited'],
  [429, '0x80072322', 'RateLimited', 'RateLimited', 'RateLimited'],
  [429, '0x80072326', 'RateLimited', 'RateLimited', 'RateLimited'],
  [429, '0x8005F103', 'RateLimited', 'RateLimited', 'RateLimited'],
  [429, undefined, 'RateLimited', 'RateLimited', 'RateLimited'],
  ...[
    '0x80072323',
    '0x80072324',
    '0x80044150',
    '0x80044151',
    '0x80040255',
    '0x80040251',
    '0x80040216',
    '0x80044171',
    '0x80081111',
    '0x8004418d',
  ].map((code): Line => [500, code, transient, transient, 'Unavailable']),
  [413, '0x8004418A', refused, refused, 'RefusedCall'],
  [400, '0x80072491', 'throws Misconfigured', 'throws Misconfigured', 'Misconfigured'],
  [400, '', refused, refused, 'RefusedCall'],
  [400, '0x80012345', refused, refused, 'RefusedCall'],
  [502, undefined, transient, transient, 'Unavailable'],
  [504, '', transient, transient, 'Unavailable'],
];

describe('every documented error', () => {
  it.each(table)(
    'HTTP %s with code %s: update %s, create %s, read %s',
    async (status, code, onUpdate, onCreate, onRead) => {
      fake.answer = () => errorReply(status, code);
      expect(await attempt(update)).toBe(onUpdate);
      expect(await attempt(create)).toBe(onCreate);
      expect(await read()).toBe(onRead);
    },
  );
});

describe('answers that Dataverse did not make', () => {
  const foreign: [string, Reply, string, string][] = [
    ['an HTML page with 502', { status: 502, body: '<html>Bad gateway</html>' }, transient, 'Unavailable'],
    ['an HTML page with 403', { status: 403, body: '<html>No</html>' }, 'throws Forbidden', 'Forbidden'],
    [
      'an HTML page with 404',
      { status: 404, body: '<html>No</html>' },
      'throws Misconfigured',
      'Misconfigured',
    ],
    ['an HTML page with 200', { status: 200, body: '<html>Sign in</html>' }, transient, 'Unavailable'],
    [
      'a redirect',
      { status: 302, headers: { location: 'https://elsewhere.example/' } },
      'throws Misconfigured',
      'Misconfigured',
    ],
    [
      'a body in IIS form',
      { status: 500, body: { Message: 'An error has occurred.' } },
      transient,
      'Unavailable',
    ],
    [
      'a body in IIS form with 400',
      { status: 400, body: { Message: 'A potentially dangerous value.' } },
      transient,
      'Unavailable',
    ],
    ['an empty body with 500', { status: 500 }, transient, 'Unavailable'],
    ['cut JSON', { status: 200, body: '{"contactid":"0000' }, transient, 'Unavailable'],
    [
      'neither code nor text',
      { status: 400, body: { error: { code: 7, message: 9 } } },
      transient,
      'Unavailable',
    ],
  ];
  it.each(foreign)('%s', async (_what, reply, onWrite, onRead) => {
    fake.answer = () => reply;
    expect(await attempt(update)).toBe(onWrite);
    expect(await read()).toBe(onRead);
  });

  it('a code as signed decimal is the same code', async () => {
    fake.answer = () => errorReply(400, '-2147204271');
    expect(await dynamics.writeOne(update)).toMatchObject({ status: 'refused', code: '0x80044351' });
  });
});

describe('the column that a refusal is about', () => {
  const length = (column: string): string =>
    `A validation error occurred.  The length of the '${column}' attribute of the 'contact' entity exceeded the maximum allowed length of '100'.`;

  it('is taken from a validation error that names a column which we wrote', async () => {
    fake.answer = () => errorReply(400, '0x80044331', length('jobtitle'));
    expect(await dynamics.writeOne(update)).toEqual({
      status: 'refused',
      code: '0x80044331',
      message: length('jobtitle'),
      column: 'jobtitle',
      scope: 'record',
    });
  });

  it('is not guessed where the column is none of ours', async () => {
    fake.answer = () => errorReply(400, '0x80044331', length('description'));
    expect(await dynamics.writeOne(update)).not.toHaveProperty('column');
  });

  it("is not read out of a plug-in author's own words", async () => {
    fake.answer = () => errorReply(400, '0x80040265', "The field 'jobtitle' is wrong.");
    expect(await dynamics.writeOne(update)).not.toHaveProperty('column');
  });

  it('is told for a column that the table does not have', async () => {
    fake.answer = () =>
      errorReply(
        400,
        '0x80060888',
        "Could not find a property named 'jobtitle' on type 'Microsoft.Dynamics.CRM.contact'.",
      );
    expect(await dynamics.writeOne(update)).toMatchObject({ scope: 'schema', column: 'jobtitle' });
  });
});

describe('a row that does not exist', () => {
  it('is ours to lose only if the message names it', async () => {
    fake.answer = () =>
      errorReply(404, '0x80040217', `contact With Id = ${id(1).toUpperCase()} Does Not Exist`);
    expect(await attempt(update)).toBe('gone');
    fake.answer = () => errorReply(404, '0x80040217', `account With Id = ${id(99)} Does Not Exist`);
    expect(await attempt(update)).toBe(refused);
  });
});
