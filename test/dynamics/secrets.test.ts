import { generateKeyPairSync } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createDynamics } from '../../dynamics/index.js';
import { unlimitedBudget } from '../../rules/budget.js';
import { RemoteFailure, type FailureDetails } from '../../rules/failures.js';
import { batchReply, heardParts } from './batch-wire.js';
import { API, errorReply, type FakeDataverse, id, SECRET, startFakeDataverse } from './fake-dataverse.js';
import { update, updates } from './rows.js';

let fake: FakeDataverse;
beforeEach(async () => {
  fake = await startFakeDataverse();
});
afterEach(() => fake.close());

const failureOf = async (work: Promise<unknown>): Promise<FailureDetails> => {
  const error: unknown = await work.catch((reason: unknown) => reason);
  if (error instanceof RemoteFailure) return error.details;
  throw new Error('expected a RemoteFailure', { cause: error });
};
const readOne = (): Promise<unknown> => fake.connect().readRow('contact', id(1), ['jobtitle']);

const FORMS: readonly (readonly [string, (text: string) => string])[] = [
  ['as it is', (text) => text],
  ['encoded for an address', (text) => encodeURIComponent(text).replaceAll('-', '%2D')],
  ['escaped for JSON', (text) => text.replaceAll('-', '\\u002d')],
];

describe('the token and the secret, quoted by an answer', () => {
  it.each(FORMS)('are struck out of a failure, %s', async (_form, formed) => {
    fake.answer = ({ headers }) =>
      errorReply(400, '0x80040203', `Bad ${formed(headers['authorization'] ?? '')}, ${formed(SECRET)}.`);
    const { message, code } = await failureOf(readOne());
    expect(message.replaceAll('%20', ' ')).toContain('Bad Bearer ***, ***.');
    expect(code).toBe('0x80040203');
  });

  it("are struck out of a gateway's own message", async () => {
    fake.answer = ({ headers }) => ({ status: 403, body: { Message: `no: ${headers['authorization']}` } });
    expect((await failureOf(readOne())).message).toContain('no: Bearer ***');
  });

  it('are struck out before a message is cut', async () => {
    fake.answer = ({ headers }) =>
      errorReply(400, '0x80040203', `${'x'.repeat(1_996)}${headers['authorization']?.slice(7)}`);
    expect((await failureOf(readOne())).message).not.toContain('toke');
  });

  it.each(FORMS)('are struck out of the refusal of a row, %s', async (_form, formed) => {
    const quoting = (token: string): object => ({
      error: { code: '0x80040265', message: `plug-in: ${formed(token)}, ${formed(SECRET)}` },
    });
    fake.answer = (heard) =>
      heard.url === `${API}$batch`
        ? batchReply(heardParts(heard).map(() => ({ status: 400, body: quoting('token-1') })))
        : { status: 400, body: quoting('token-1') };
    const dynamics = fake.connect();
    const outcomes = [...(await dynamics.write([update(1)])), ...(await dynamics.write(updates(3)))];
    expect(outcomes).toHaveLength(4);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'refused', message: 'plug-in: ***, ***' });
    }
  });

  it('are struck out when the token was replaced meanwhile', async () => {
    fake.answer = ({ headers }) =>
      headers['authorization'] === 'Bearer token-1'
        ? { status: 401 }
        : errorReply(400, '0x80040203', 'token-1, then token-2');
    expect((await failureOf(readOne())).message).toContain('***, then ***');
  });
});

describe('what the sign-in says', () => {
  it.each([
    [`blocked request client_secret=${SECRET} by policy\nsecond line`, 'unreadable'],
    [SECRET, 'unreadable'],
    ['x'.repeat(41), 'unreadable'],
    ['unauthorized_client', 'unauthorized_client'],
  ])('is a code only where it is a short word: %j', async (error, code) => {
    fake.token = () => ({ status: 400, body: { error } });
    const failure = await failureOf(readOne());
    expect(failure).toMatchObject({ type: 'Unauthorized', code });
    expect(failure.message).toContain(`HTTP 400, ${code}.`);
  });

  it('holds no assertion that a certificate signed', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    fake.token = () => ({ status: 400, body: { error: fake.tokenRequests.at(-1)?.body ?? '' } });
    const certificate = { thumbprintSha256: 'AB'.repeat(32), privateKey: pem };
    const settings = { url: fake.url, tenantId: 'tenant-1', clientId: id(3), certificate };
    const tokenEndpoint = `${fake.url}/tenant-1/oauth2/v2.0/token`;
    const dynamics = createDynamics({ ...settings, tokenEndpoint }, { budget: unlimitedBudget });
    const failure = await failureOf(dynamics.whoAmI());
    dynamics.close();
    expect(fake.tokenRequests[0]?.body).toContain('client_assertion=');
    expect(failure).toMatchObject({ type: 'Unauthorized', code: 'unreadable' });
  });
});
