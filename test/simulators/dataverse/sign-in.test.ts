import { ConfidentialClientApplication } from '@azure/msal-node';
import { describe, expect, it } from 'vitest';
import { signIn, startSim } from './client.js';

describe('Signing in', () => {
  it('gives a bearer token for the client secret, with its life in seconds', async () => {
    const answer = await signIn(await startSim());
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599 });
  });

  it("serves Microsoft's own client library without any discovery", async () => {
    const sim = await startSim();
    const { environment } = sim;
    const [tenant = '', endpoint = ''] = [
      environment['ENTRA_TENANT_ID'],
      environment['ENTRA_TOKEN_ENDPOINT'],
    ];
    const authority = `https://login.microsoftonline.com/${tenant}`;
    const client = new ConfidentialClientApplication({
      auth: {
        clientId: environment['DATAVERSE_CLIENT_ID'] ?? '',
        clientSecret: environment['DATAVERSE_CLIENT_SECRET'] ?? '',
        authority,
        authorityMetadata: JSON.stringify({
          token_endpoint: endpoint,
          authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
          end_session_endpoint: `${authority}/oauth2/v2.0/logout`,
          jwks_uri: `${authority}/discovery/v2.0/keys`,
          issuer: `${authority}/v2.0`,
        }),
      },
    });
    const scopes = [`${environment['DATAVERSE_URL'] ?? ''}/.default`];
    const result = await client.acquireTokenByClientCredential({ scopes });
    const answer = await sim.api('GET', 'WhoAmI', undefined, {
      Authorization: `Bearer ${result?.accessToken ?? ''}`,
    });
    expect(answer.status).toBe(200);
  });

  it('refuses a wrong secret with AADSTS7000215', async () => {
    const answer = await signIn(await startSim(), { client_secret: 'wrong' });
    expect(answer.status).toBe(401);
    expect(answer.json).toMatchObject({ error: 'invalid_client', error_codes: [7000215] });
    expect(answer.json['error_description']).toMatch(/^AADSTS7000215: /);
  });

  it('refuses an unknown application and an unknown tenant', async () => {
    const sim = await startSim();
    expect((await signIn(sim, { client_id: 'nobody' })).json['error']).toBe('unauthorized_client');
    const endpoint = (sim.environment['ENTRA_TOKEN_ENDPOINT'] ?? '').replace(
      /\/[^/]+\/oauth2/,
      '/elsewhere/oauth2',
    );
    const environment = { ...sim.environment, ENTRA_TOKEN_ENDPOINT: endpoint };
    expect((await signIn({ ...sim, environment })).json['error_codes']).toEqual([90002]);
  });

  it('answers 401 with WWW-Authenticate without a token and for a token of another environment', async () => {
    const sim = await startSim();
    const none = await sim.api('GET', 'WhoAmI', undefined, { Authorization: '' });
    expect(none.status).toBe(401);
    expect(none.headers.get('www-authenticate')).toContain(
      'Bearer authorization_uri=https://login.microsoft',
    );
    const other = await signIn(sim, { scope: 'https://other.crm.dynamics.com/.default' });
    const bearer = { Authorization: `Bearer ${String(other.json['access_token'])}` };
    expect((await sim.api('GET', 'WhoAmI', undefined, bearer)).status).toBe(401);
  });

  it('lets tokens end with their life and when an administrator expires them', async () => {
    let now = Date.parse('2026-03-01T12:00:00Z');
    const sim = await startSim({ now: () => now });
    const bearer = { Authorization: `Bearer ${await sim.token()}` };
    expect((await sim.api('GET', 'WhoAmI', undefined, bearer)).status).toBe(200);
    now += 3600_000;
    expect((await sim.api('GET', 'WhoAmI', undefined, bearer)).status).toBe(401);
    const fresh = { Authorization: `Bearer ${await sim.token()}` };
    await sim.admin('POST', '/tokens/expire');
    expect((await sim.api('GET', 'WhoAmI', undefined, fresh)).status).toBe(401);
  });

  it('tells who the caller is, how parallel to go and what is left of the limits', async () => {
    const sim = await startSim();
    const answer = await sim.api('GET', 'WhoAmI');
    expect(Object.keys(answer.json).sort()).toEqual([
      '@odata.context',
      'BusinessUnitId',
      'OrganizationId',
      'UserId',
    ]);
    expect(answer.headers.get('x-ms-dop-hint')).toBe('4');
    expect(answer.headers.get('x-ms-ratelimit-burst-remaining-xrm-requests')).toBe('5999');
    expect(answer.headers.get('x-ms-ratelimit-time-remaining-xrm-requests')).toBe('1,199.98');
    expect(await sim.api('POST', 'WhoAmI', {})).toMatchObject({ status: 404, code: '0x8006088a' });
  });
});
