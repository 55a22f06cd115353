import { constants, createHash, randomUUID, sign, X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { json as readJson } from 'node:stream/consumers';
import { ConfidentialClientApplication } from '@azure/msal-node';
import { describe, expect, it } from 'vitest';
import { selfSigned, type SelfSigned } from '../../support/self-signed.js';
import { signIn, startSim, type Answer, type Sim } from './client.js';

const own = await selfSigned('contact-sync');
const stranger = await selfSigned('somebody-else');
const day = 86_400_000;

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

interface Assertion {
  readonly alg?: 'PS256' | 'RS256' | 'none';
  readonly named?: SelfSigned;
  readonly signer?: SelfSigned;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
}

/** A client assertion as a client makes it, with whatever is to be wrong about it. */
const assertionOf = ({ environment }: Sim, wrong: Assertion = {}): string => {
  const { alg = 'PS256', named = own, signer = named, claims = {} } = wrong;
  const thumbprint = createHash('sha256').update(new X509Certificate(named.certificate).raw).digest();
  const clientId = environment['DATAVERSE_CLIENT_ID'];
  const now = Math.floor(Date.now() / 1000);
  const head = encoded(wrong.header ?? { alg, typ: 'JWT', 'x5t#S256': thumbprint.toString('base64url') });
  const body = encoded({
    aud: environment['ENTRA_TOKEN_ENDPOINT'],
    iss: clientId,
    sub: clientId,
    jti: randomUUID(),
    nbf: now,
    exp: now + 600,
    ...claims,
  });
  const key =
    alg === 'RS256'
      ? signer.privateKey
      : { key: signer.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  return `${head}.${body}.${sign('sha256', Buffer.from(`${head}.${body}`), key).toString('base64url')}`;
};

const withAssertion = async ({ environment }: Sim, assertion: string): Promise<Answer> => {
  const body = new URLSearchParams({
    client_id: environment['DATAVERSE_CLIENT_ID'] ?? '',
    scope: `${environment['DATAVERSE_URL'] ?? ''}/.default`,
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  });
  const response = await fetch(environment['ENTRA_TOKEN_ENDPOINT'] ?? '', { method: 'POST', body });
  const text = await response.text();
  const json = JSON.parse(text) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, text, json, rows: [], code: '', message: '' };
};

const start = (): Promise<Sim> => startSim({ clientCertificate: own.certificate });

describe('Signing in with a certificate', () => {
  it.each(['PS256', 'RS256'] as const)('takes an assertion signed with %s', async (alg) => {
    const sim = await start();
    const { status, json } = await withAssertion(sim, assertionOf(sim, { alg }));
    expect(status).toBe(200);
    const bearer = { Authorization: `Bearer ${String(json['access_token'])}` };
    expect((await sim.api('GET', 'WhoAmI', undefined, bearer)).status).toBe(200);
  });

  it.each([
    ['SHA-256, padded as some clients do', 'x5t#S256', 'sha256', '='],
    ['SHA-1', 'x5t', 'sha1', ''],
  ] as const)('knows its certificate by %s', async (_what, field, algorithm, padding) => {
    const sim = await start();
    const raw = new X509Certificate(own.certificate).raw;
    const thumbprint = createHash(algorithm).update(raw).digest('base64url') + padding;
    const assertion = assertionOf(sim, { header: { alg: 'PS256', [field]: thumbprint } });
    expect((await withAssertion(sim, assertion)).status).toBe(200);
  });

  it("serves Microsoft's own client library", async () => {
    const { environment } = await start();
    const authority = `https://login.microsoftonline.com/${environment['ENTRA_TENANT_ID'] ?? ''}`;
    const client = new ConfidentialClientApplication({
      auth: {
        clientId: environment['DATAVERSE_CLIENT_ID'] ?? '',
        clientCertificate: { thumbprintSha256: own.thumbprintSha256, privateKey: own.privateKey },
        authority,
        authorityMetadata: JSON.stringify({
          token_endpoint: environment['ENTRA_TOKEN_ENDPOINT'],
          authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
          end_session_endpoint: `${authority}/oauth2/v2.0/logout`,
          jwks_uri: `${authority}/discovery/v2.0/keys`,
          issuer: `${authority}/v2.0`,
        }),
      },
    });
    const scopes = [`${environment['DATAVERSE_URL'] ?? ''}/.default`];
    expect((await client.acquireTokenByClientCredential({ scopes }))?.accessToken).toMatch(/^sim\./);
  });

  const past = Math.floor((Date.now() - day) / 1000);
  it.each<[string, Assertion, number]>([
    ['of a certificate that is not registered', { named: stranger }, 700027],
    ['signed with another key', { signer: stranger }, 700027],
    ['that is not signed', { alg: 'none' }, 700027],
    ['of another application', { claims: { iss: 'nobody' } }, 700021],
    ['about another application', { claims: { sub: 'nobody' } }, 700021],
    ['for another audience', { claims: { aud: 'https://example.com' } }, 700023],
    ['that has expired', { claims: { exp: past } }, 700024],
    ['that is not valid yet', { claims: { nbf: past + 200_000 } }, 700024],
  ])('refuses an assertion %s', async (_what, wrong, number) => {
    const sim = await start();
    const { status, json } = await withAssertion(sim, assertionOf(sim, wrong));
    expect(status).toBe(401);
    expect(json).toMatchObject({ error: 'invalid_client', error_codes: [number] });
  });

  it('refuses what is no assertion, and any where no certificate is registered', async () => {
    const sim = await start();
    expect((await withAssertion(sim, 'a.b.c')).json['error_codes']).toEqual([50027]);
    const bare = await startSim();
    expect((await withAssertion(bare, assertionOf(bare))).json['error_codes']).toEqual([700026]);
  });
});

describe('TLS', () => {
  it('is served with a certificate of ours, every link with https', async () => {
    const tls = await selfSigned('localhost');
    const { origin, environment } = await startSim({ tls });
    expect(origin).toMatch(/^https:\/\/127\.0\.0\.1:/);
    expect(environment['ENTRA_TOKEN_ENDPOINT']).toMatch(/^https:/);
    const tenant = environment['ENTRA_TENANT_ID'] ?? '';
    const address = `${origin}/${tenant}/v2.0/.well-known/openid-configuration`;
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get(address, { ca: tls.certificate, agent: false }, resolve).on('error', reject);
    });
    expect(await readJson(answer)).toMatchObject({ issuer: `${origin}/${tenant}/v2.0` });
    await expect(fetch(address)).rejects.toThrow();
  });
});

describe('The token endpoint', () => {
  it.each<[string, Record<string, string>, number, string, number]>([
    ['without a grant type', { grant_type: '' }, 400, 'invalid_request', 900144],
    ['without a scope', { scope: '' }, 400, 'invalid_request', 900144],
    ['of another flow', { grant_type: 'password' }, 400, 'unsupported_grant_type', 70003],
    ['for a scope without /.default', { scope: 'https://a.example/x' }, 400, 'invalid_scope', 1002012],
    ['for something that is no resource', { scope: 'nothing/.default' }, 400, 'invalid_resource', 500011],
    ['of an unknown application', { client_id: 'nobody' }, 400, 'unauthorized_client', 700016],
    ['with a wrong secret', { client_secret: 'wrong' }, 401, 'invalid_client', 7000215],
  ])('refuses a request %s', async (_what, fields, status, error, number) => {
    const answer = await signIn(await startSim(), fields);
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({ error, error_codes: [number] });
    expect(Object.keys(answer.json)).toEqual(
      expect.arrayContaining(['error_description', 'timestamp', 'trace_id', 'correlation_id']),
    );
  });

  it('lets a secret expire and an application be disabled', async () => {
    let now = Date.parse('2026-03-01T12:00:00Z');
    const sim = await startSim({ now: () => now });
    await sim.admin('PATCH', '/settings', { secretExpiresAt: '2026-03-01T13:00:00Z' });
    expect((await signIn(sim)).status).toBe(200);
    now += day;
    expect((await signIn(sim)).json).toMatchObject({ error: 'invalid_client', error_codes: [7000222] });
    await sim.admin('PATCH', '/settings', { secretExpiresAt: null, applicationEnabled: false });
    expect(await signIn(sim)).toMatchObject({ status: 400, json: { error_codes: [7000112] } });
  });

  it.each([
    [429, 'AADSTS90055'],
    [503, 'AADSTS90033'],
  ])('answers a fault with %i in its own words', async (status, words) => {
    const sim = await startSim();
    await sim.admin('POST', '/faults', { kind: 'refuse', path: '/token', status, retryAfter: 7 });
    const answer = await signIn(sim);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBe('7');
    expect(String(answer.json['error_description'])).toMatch(words);
    expect((await signIn(sim)).status).toBe(200);
  });

  it('can be discovered, for its own tenant alone', async () => {
    const { origin, environment } = await startSim();
    const tenant = environment['ENTRA_TENANT_ID'] ?? '';
    const read = async (path: string): Promise<Record<string, unknown>> =>
      (await (await fetch(`${origin}${path}`)).json()) as Record<string, unknown>;
    expect(await read(`/${tenant}/v2.0/.well-known/openid-configuration`)).toMatchObject({
      token_endpoint: environment['ENTRA_TOKEN_ENDPOINT'],
      issuer: `${origin}/${tenant}/v2.0`,
    });
    expect(await read(`/${tenant}/discovery/v2.0/keys`)).toEqual({ keys: [] });
    expect(await read('/common/discovery/instance?api-version=1.1')).toMatchObject({
      tenant_discovery_endpoint: `${origin}/${tenant}/v2.0/.well-known/openid-configuration`,
    });
    expect((await read('/elsewhere/v2.0/.well-known/openid-configuration'))['error_codes']).toEqual([90002]);
  });
});
