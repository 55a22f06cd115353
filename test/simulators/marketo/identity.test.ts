import { describe, expect, it } from 'vitest';
import { answered, clockAt, start } from './client.js';

describe('the identity service', () => {
  it('gives the same token until it expires, with a smaller expires_in each time', async () => {
    const clock = clockAt('2026-11-20T10:00:00Z');
    const subject = await start({ now: clock.now });
    const first = await subject.token();
    clock.forward(5000);
    const second = await subject.token();
    expect(first.body['expires_in']).toBe(3599);
    expect(second.body).toEqual({ ...first.body, expires_in: 3594 });
    expect(first.body['token_type']).toBe('bearer');
  });

  it('gives a new token once the old one has expired, and calls with the old one answer 602', async () => {
    const clock = clockAt('2026-11-20T10:00:00Z');
    const subject = await start({ now: clock.now });
    const old = await subject.token();
    clock.forward(3_600_000);
    expect((await subject.get('/leads/describe.json')).code).toBe('602');
    const fresh = await subject.token();
    expect(fresh.body['access_token']).not.toBe(old.body['access_token']);
    await subject.signIn();
    expect((await subject.get('/leads/describe.json')).success).toBe(true);
  });

  it('also takes POST, with the parameters in the query', async () => {
    const subject = await start();
    const {
      MARKETO_IDENTITY: identity,
      MARKETO_CLIENT_ID: id,
      MARKETO_CLIENT_SECRET: secret,
    } = subject.environment;
    const query = `grant_type=client_credentials&client_id=${id ?? ''}&client_secret=${secret ?? ''}`;
    const response = await fetch(`${identity ?? ''}/oauth/token?${query}`, {
      method: 'POST',
      body: 'x=1',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it('refuses wrong credentials with 401 and an OAuth body, not an envelope', async () => {
    const subject = await start();
    expect(await subject.token({ client_id: 'nobody' })).toEqual({
      status: 401,
      body: { error: 'unauthorized', error_description: 'No client with requested id: nobody' },
    });
    expect(await subject.token({ client_secret: 'wrong' })).toEqual({
      status: 401,
      body: { error: 'invalid_client', error_description: 'Bad client credentials' },
    });
  });

  it('answers 603 without a token, also when it stands in the query, and 601 with an unknown one', async () => {
    const subject = await start();
    const call = (path: string, headers: Record<string, string>) =>
      fetch(`${subject.origin}/rest/v1${path}`, { headers }).then(answered);
    const { body } = await subject.token();
    const none = await call('/leads/describe.json', {});
    expect([none.status, none.success, none.code, none.message]).toEqual([
      200,
      false,
      '603',
      'Access denied',
    ]);
    expect((await call(`/leads/describe.json?access_token=${String(body['access_token'])}`, {})).code).toBe(
      '603',
    );
    expect((await call('/leads/describe.json', { authorization: 'Bearer nonsense' })).code).toBe('601');
  });

  it('expires all tokens when the administrative door says so', async () => {
    const subject = await start();
    await subject.admin('POST', '/tokens/expire');
    expect((await subject.get('/leads/describe.json')).code).toBe('602');
    await subject.signIn();
    expect((await subject.get('/leads/describe.json')).success).toBe(true);
  });
});
