import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Marketo } from '../../marketo/index.js';
import { FAILURES } from '../../rules/failures.js';
import { callOf, EVERY_CALL, goodBody, type EveryCall } from './every-call.js';
import { failureOf, ok, startRemote, type Remote } from './remote.js';

type Path = readonly (string | number)[];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The paths of all members of all objects in `value`. */
function memberPaths(value: unknown, at: Path = []): Path[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => memberPaths(item, [...at, index]));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => [
    [...at, name],
    ...memberPaths(member, [...at, name]),
  ]);
}

/** `value` with what `change` makes of each object in it. */
function mapObjects(
  value: unknown,
  change: (members: [string, unknown][], at: Path) => [string, unknown][],
  at: Path = [],
): unknown {
  if (Array.isArray(value)) return value.map((item, index) => mapObjects(item, change, [...at, index]));
  if (!isObject(value)) return value;
  const members = Object.entries(value).map(([name, member]): [string, unknown] => [
    name,
    mapObjects(member, change, [...at, name]),
  ]);
  // `fromEntries` makes an own member of any name, `__proto__` too.
  return Object.fromEntries(change(members, at));
}

const withMember = (body: unknown, path: Path, replaced: readonly unknown[]): unknown =>
  mapObjects(body, (members, at) =>
    members.flatMap(([name, member]): [string, unknown][] => {
      if ([...at, name].join('.') !== path.join('.')) return [[name, member]];
      return replaced.length === 0 ? [] : [[name, replaced[0]]];
    }),
  );

/** Answers `call` with `body`, and every other call well, at a fixed time of Marketo's clock. */
function answerWith(remote: Remote, call: EveryCall, body: unknown): void {
  remote.answer = (seen) => ({
    headers: { Date: 'Fri, 20 Nov 2026 10:07:00 GMT' },
    body: callOf(seen) === call ? body : goodBody(seen),
  });
}

const isOptional = (call: EveryCall, path: Path): boolean => {
  const patterns = [path.join('.'), path.map((step) => (typeof step === 'number' ? '*' : step)).join('.')];
  return path[0] === 'requestId' || call.optional.some((one) => patterns.includes(one));
};

/** Texts of the answers that a message must not repeat. */
const VALUES = /ada@acme|Ada Byron|CTO|VP|installation 1|Lead not found|Refused|sync-api|\[502\]|T2/;

const calls = EVERY_CALL.map((call) => [call.name, call] as const);

describe.each(calls)('The answer to "%s"', (_name, call) => {
  const run = (marketo: Marketo): Promise<unknown> => call.make(marketo);

  it('may hold members that nobody knows, at any place', async () => {
    const remote = await startRemote();
    const marketo = remote.connect();
    answerWith(remote, call, call.body);
    const plain = await run(marketo);
    const name = fc.oneof(
      fc.string({ maxLength: 8 }).map((text) => `x-${text}`),
      fc.constantFrom('__proto__', 'constructor', 'toString', 'warnings', 'then'),
    );
    const extras = fc.array(fc.tuple(name, fc.jsonValue({ maxDepth: 2 })), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(extras, fc.boolean(), async (more, first) => {
        const grown = mapObjects(call.body, (members) =>
          first
            ? [...(more as [string, unknown][]), ...members]
            : [...members, ...(more as [string, unknown][])],
        );
        answerWith(remote, call, grown);
        expect(await run(marketo)).toEqual(plain);
      }),
      { numRuns: 12 },
    );
  });

  it('must hold what is needed: its absence, and a value of another kind, are named and not quoted', async () => {
    const remote = await startRemote();
    const marketo = remote.connect();
    const effect = call.kind === 'write' ? 'unknown' : 'none';
    const required = memberPaths(call.body).filter((path) => !isOptional(call, path));
    expect(required.map((path) => path.join('.'))).toContain('success');
    for (const path of required) {
      for (const replaced of [[], [{ another: 'CTO' }]] as const) {
        answerWith(remote, call, withMember(call.body, path, replaced));
        const failure = await failureOf(run(marketo));
        expect(failure).toMatchObject({ type: FAILURES.unavailable, code: 'garbage', effect });
        expect(failure.message).toContain(`${call.name} cannot be understood`);
        expect(failure.message).toContain(`wrong shape at ${path.join('.')}`);
        expect(failure.message).not.toMatch(VALUES);
      }
    }
  });

  it('may lack every other member', async () => {
    const remote = await startRemote();
    const marketo = remote.connect();
    const optional = memberPaths(call.body).filter((path) => isOptional(call, path));
    for (const path of optional) {
      answerWith(remote, call, withMember(call.body, path, []));
      await expect(run(marketo), path.join('.')).resolves.not.toThrow();
    }
  });
});

describe('The answer of the identity service', () => {
  it.each([
    ['access_token', { expires_in: 3599 }],
    ['access_token', { access_token: '', expires_in: 3599 }],
    ['expires_in', { access_token: 'secret-token', expires_in: 'soon' }],
  ])('must hold %s, which is named: %j', async (member, body) => {
    const remote = await startRemote();
    remote.grant = () => ({ body });
    const failure = await failureOf(remote.connect().usageToday());
    expect(failure).toMatchObject({ type: FAILURES.unavailable, code: 'garbage', effect: 'none' });
    expect(failure.message).toContain(`wrong shape at ${member}`);
    expect(failure.message).not.toContain('secret-token');
  });

  it('may hold more, and may leave out how long the token lives', async () => {
    const remote = await startRemote();
    remote.grant = () => ({ body: { access_token: 'token-1', scope: 'sync-api@acme.example', other: [1] } });
    remote.answer = () => ok([{ total: 7 }]);
    expect(await remote.connect().usageToday()).toBe(7);
  });
});

describe('A refusal', () => {
  it.each([
    ['errors', { success: false }],
    ['errors.0', { success: false, errors: [] }],
    ['errors.0.code', { success: false, errors: [{ message: 'odd' }] }],
    ['success', { errors: [{ code: '606', message: 'odd' }] }],
    ['success', { success: 'true', result: [] }],
  ])('without %s is garbage that says so', async (place, body) => {
    const remote = await startRemote();
    remote.answer = () => ({ body });
    const failure = await failureOf(remote.connect().usageToday());
    expect(failure).toMatchObject({ code: 'garbage' });
    expect(failure.message).toContain(`no Marketo envelope, wrong shape at ${place})`);
  });

  it.each([[null], [7], [{ text: 'odd' }]])('is understood whatever its message is: %j', async (message) => {
    const remote = await startRemote();
    remote.answer = () => ({
      body: { requestId: message, success: false, errors: [{ code: 608, message }], moreResult: 3 },
    });
    expect(await failureOf(remote.connect().usageToday())).toMatchObject({ code: '608' });
  });

  it('whose code is a text keeps that text out of the code, which histories hold', async () => {
    const remote = await startRemote();
    const errors = [{ code: 'Ada Byron <ada@acme.example> is odd', message: 'odd' }];
    remote.answer = () => ({ body: { success: false, errors } });
    const failure = await failureOf(remote.connect().usageToday());
    expect(failure).toMatchObject({ type: FAILURES.refusedCall, code: 'unreadable', effect: 'none' });
  });
});
