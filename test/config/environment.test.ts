import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../config/configuration-error.js';
import { loadDotenv, readEnvironment, type Need } from '../../config/environment.js';

const NEEDS: readonly Need[] = ['marketo', 'dynamics', 'store', 'temporal'];

const COMPLETE = {
  MARKETO_ENDPOINT: 'https://123-abc-456.mktorest.com/rest',
  MARKETO_IDENTITY: 'https://123-abc-456.mktorest.com/identity',
  MARKETO_CLIENT_ID: 'marketo-client',
  MARKETO_CLIENT_SECRET: 'marketo-SECRET',
  DATAVERSE_URL: 'https://contoso.crm.dynamics.com',
  ENTRA_TENANT_ID: '6f1d8c3e-0000-4000-8000-1234567890ab',
  DATAVERSE_CLIENT_ID: 'dataverse-client',
  DATAVERSE_CLIENT_SECRET: 'dataverse-SECRET',
  DATABASE_URL: 'postgres://sync:database-SECRET@db:5432/sync',
};

function problems(env: NodeJS.ProcessEnv, need: readonly Need[] = NEEDS): readonly string[] {
  try {
    readEnvironment(env, need);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

describe('a complete environment', () => {
  it('is read with its defaults', () => {
    expect(readEnvironment(COMPLETE, NEEDS)).toEqual({
      installation: 'default',
      configFile: 'sync.config.yaml',
      restMs: 300_000,
      dataDir: '.contact-sync',
      healthPort: 8080,
      logLevel: 'info',
      marketo: {
        endpoint: 'https://123-abc-456.mktorest.com/rest',
        identity: 'https://123-abc-456.mktorest.com/identity',
        clientId: 'marketo-client',
        clientSecret: 'marketo-SECRET',
      },
      dynamics: {
        url: 'https://contoso.crm.dynamics.com',
        tenantId: COMPLETE.ENTRA_TENANT_ID,
        clientId: 'dataverse-client',
        credential: { kind: 'secret', secret: 'dataverse-SECRET' },
      },
      store: { databaseUrl: COMPLETE.DATABASE_URL, dataDir: '.contact-sync' },
      temporal: expect.objectContaining({ namespace: 'default' }) as unknown,
    });
    expect(readEnvironment(COMPLETE, ['temporal']).temporal.connectionOptions.address).toBe('localhost:7233');
  });

  it('tolerates slashes at the end, pasted spaces, and plain http on this machine', () => {
    const local = readEnvironment(
      {
        ...COMPLETE,
        MARKETO_ENDPOINT: ' http://127.0.0.1:4010/rest/ ',
        MARKETO_IDENTITY: 'http://[::1]:4010/identity/',
        DATAVERSE_URL: 'http://localhost:4020/',
        ENTRA_TOKEN_ENDPOINT: 'http://127.0.0.1:4020/tenant/oauth2/v2.0/token',
      },
      ['marketo', 'dynamics'],
    );
    expect(local.marketo).toMatchObject({
      endpoint: 'http://127.0.0.1:4010/rest',
      identity: 'http://[::1]:4010/identity',
    });
    expect(local.dynamics).toMatchObject({
      url: 'http://localhost:4020',
      tokenEndpoint: 'http://127.0.0.1:4020/tenant/oauth2/v2.0/token',
    });
  });

  it('says all that may be said', () => {
    const env = {
      SYNC_REST: '30s',
      SYNC_INSTALLATION: 'eu-1',
      SYNC_DATA_DIR: '/data',
      SYNC_CONFIG: '/etc/s.yaml',
    };
    expect(readEnvironment({ ...env, SYNC_HEALTH_PORT: '0', LOG_LEVEL: 'debug' }, ['store'])).toEqual({
      restMs: 30_000,
      installation: 'eu-1',
      dataDir: '/data',
      configFile: '/etc/s.yaml',
      healthPort: 0,
      logLevel: 'debug',
      store: { dataDir: '/data' },
    });
  });

  it('needs nothing that the process does not need', () => {
    expect(problems({}, [])).toEqual([]);
    expect(problems({}, ['store', 'temporal'])).toEqual([]);
  });
});

describe('each variable that is missing', () => {
  it.each([
    ['MARKETO_ENDPOINT', 'Web Services'],
    ['MARKETO_IDENTITY', 'Web Services'],
    ['MARKETO_CLIENT_ID', 'LaunchPoint'],
    ['MARKETO_CLIENT_SECRET', 'LaunchPoint'],
    ['DATAVERSE_URL', 'https://contoso.crm.dynamics.com'],
    ['ENTRA_TENANT_ID', 'Directory (tenant) ID'],
    ['DATAVERSE_CLIENT_ID', 'Application (client) ID'],
    ['DATAVERSE_CLIENT_SECRET', 'DATAVERSE_CLIENT_CERTIFICATE'],
  ])('%s, gives one message that says where to find it', (name, advice) => {
    for (const value of [undefined, '', '  ']) {
      const [problem, ...others] = problems({ ...COMPLETE, [name]: value });
      expect(problem).toMatch(new RegExp(`^${name} is missing\\. Set it`));
      expect(problem).toContain(advice);
      expect(others).toEqual([]);
    }
  });

  it('is named in one error together with all the others', () => {
    expect(problems({}).map((problem) => problem.split(' ')[0])).toEqual([
      'MARKETO_ENDPOINT',
      'MARKETO_IDENTITY',
      'MARKETO_CLIENT_ID',
      'MARKETO_CLIENT_SECRET',
      'DATAVERSE_URL',
      'ENTRA_TENANT_ID',
      'DATAVERSE_CLIENT_ID',
      'DATAVERSE_CLIENT_SECRET',
    ]);
    expect(() => readEnvironment({}, NEEDS)).toThrow(
      /docs\/configuration\.md.*\n {2}- MARKETO_ENDPOINT is missing/,
    );
  });
});

describe('each variable that is malformed', () => {
  it.each([
    ['MARKETO_ENDPOINT', 'nonsense', 'is not a web address'],
    ['MARKETO_ENDPOINT', 'https://123-abc-456.mktorest.com', 'must end in /rest.'],
    ['MARKETO_ENDPOINT', 'https://123-abc-456.mktorest.com/rest/v1', 'must end in /rest.'],
    ['MARKETO_ENDPOINT', 'https://123-abc-456.mktorest.com/rest?x=1', 'must end in /rest.'],
    ['MARKETO_ENDPOINT', 'http://123-abc-456.mktorest.com/rest', 'must use https'],
    ['MARKETO_ENDPOINT', 'http://127.evil.example/rest', 'must use https'],
    ['MARKETO_ENDPOINT', 'http://localhost.example.com/rest', 'must use https'],
    ['MARKETO_ENDPOINT', 'ftp://x/rest', 'must be an https address'],
    ['MARKETO_ENDPOINT', 'https://user:planted-SECRET@x.com/rest', 'must not hold a user name'],
    ['MARKETO_IDENTITY', 'https://123-abc-456.mktorest.com/rest', 'must end in /identity.'],
    ['DATAVERSE_URL', 'https://contoso.crm.dynamics.com/api/data/v9.2', 'must be the origin alone'],
    ['DATAVERSE_URL', 'http://contoso.crm.dynamics.com', 'must use https'],
    ['DATAVERSE_URL', 'contoso.crm.dynamics.com', 'is not a web address'],
    ['ENTRA_TENANT_ID', 'common', 'of your own tenant'],
    ['ENTRA_TENANT_ID', 'a tenant', 'of your own tenant'],
    ['ENTRA_TOKEN_ENDPOINT', 'http://login.example.com/token', 'must use https'],
    ['DATAVERSE_CLIENT_CERTIFICATE', '/etc/cert.pem', 'are both set'],
    ['DATAVERSE_CLIENT_CERTIFICATE_THUMBPRINT', 'ab'.repeat(20), 'SHA-256 thumbprint'],
    ['DATABASE_URL', 'mysql://localhost/sync', 'must be a PostgreSQL address'],
    ['DATABASE_URL', 'localhost:5432', 'must be a PostgreSQL address'],
    ['SYNC_REST', '5', 'is not a duration'],
    ['SYNC_REST', '5 parsecs', 'is not a duration'],
    ['SYNC_REST', '-5m', 'is not a duration'],
    ['SYNC_REST', '0s', 'is not a duration'],
    ['SYNC_INSTALLATION', 'my sync', 'letters, digits and hyphens'],
    ['SYNC_INSTALLATION', 'a/b', 'letters, digits and hyphens'],
    ['SYNC_HEALTH_PORT', '70000', 'is not a port'],
    ['SYNC_HEALTH_PORT', 'http', 'is not a port'],
    ['LOG_LEVEL', 'loud', 'must be one of trace'],
    ['TEMPORAL_ADDRESS', 'http://temporal:7233', 'a host and a port'],
    ['TEMPORAL_ADDRESS', 'temporal', 'a host and a port'],
  ])('%s=%s, gives one message', (name, value, message) => {
    const found = problems({ ...COMPLETE, [name]: value });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(name);
    expect(found[0]).toContain(message);
    expect(found.join()).not.toContain('SECRET@');
  });

  it('never shows the value of a secret', () => {
    const planted = 'planted-7f3a';
    const secrets = Object.keys(COMPLETE).filter((key) => /SECRET|DATABASE|CLIENT_ID|ENDPOINT|URL/.test(key));
    const env = { ...COMPLETE, ...Object.fromEntries(secrets.map((key) => [key, `${planted} \n`])) };
    const thumbprint = { DATAVERSE_CLIENT_CERTIFICATE_THUMBPRINT: planted, TEMPORAL_API_KEY: planted };
    const found = problems({ ...env, ...thumbprint, LOG_LEVEL: 'loud' });
    expect(found.length).toBeGreaterThan(3);
    expect(found.join('\n')).not.toContain(planted);
  });
});

describe("Temporal's own variables", () => {
  const folder = mkdtempSync(join(tmpdir(), 'temporal-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('name the server, the namespace and the API key', () => {
    const env = { TEMPORAL_ADDRESS: 'cloud:7233', TEMPORAL_NAMESPACE: 'sync', TEMPORAL_API_KEY: 'key' };
    expect(readEnvironment(env, ['temporal']).temporal).toMatchObject({
      connectionOptions: { address: 'cloud:7233', apiKey: 'key', tls: true },
      namespace: 'sync',
    });
  });

  it('name a profile of a file', () => {
    const file = join(folder, 'temporal.toml');
    writeFileSync(file, '[profile.prod]\naddress = "prod:7233"\nnamespace = "contacts"\n');
    const env = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'prod' };
    expect(readEnvironment(env, ['temporal']).temporal).toMatchObject({
      connectionOptions: { address: 'prod:7233' },
      namespace: 'contacts',
    });
    expect(problems({ ...env, TEMPORAL_PROFILE: 'test' })).toContainEqual(
      expect.stringMatching(/^TEMPORAL_\* cannot be used: Profile 'test' not found/),
    );
  });

  it('that name a broken file do not show what is in it', () => {
    const file = join(folder, 'broken.toml');
    writeFileSync(file, '[profile.default]\napi_key = planted-SECRET\n');
    const found = problems({ TEMPORAL_CONFIG_FILE: file }, ['temporal']);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^TEMPORAL_\* cannot be used: /);
    expect(found[0]).not.toContain('planted');
  });
});

// A certificate alone is public; its private key is thrown away.
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBjjCCATOgAwIBAgIUcW7OGNhW/u+/YyET+DXRxAe6onQwCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRY29udGFjdC1zeW5jLXRlc3QwHhcNMjYxMTIzMTIzMjMwWhcN
MzYxMTIwMTIzMjMwWjAcMRowGAYDVQQDDBFjb250YWN0LXN5bmMtdGVzdDBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABG82wB10jZxvCXiX+m9R8AgrkHwbia/b/E9O
49QeG6wKIOD0T3DON1c8TUpjlSN1CyTrMQGKOzHZQg3L0HX0DB+jUzBRMB0GA1Ud
DgQWBBQ/vmZT54L+rL5fRbsrgY799MaNBDAfBgNVHSMEGDAWgBQ/vmZT54L+rL5f
RbsrgY799MaNBDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDj
6Fzkg+1p/QBXotpJg+lRzWg7iSlqpmN2Ep/4PVfhQAIhANbOoGDyirbK84nyN0Kr
Qx5El2LohFY9tkW2gmnclMaE
-----END CERTIFICATE-----
`;
const THUMBPRINT =
  '54:6D:68:B0:F2:94:0C:67:D1:E1:2D:AC:A1:B2:9F:A2:55:D9:6F:05:00:AB:E1:5C:FA:1C:5A:DA:A1:48:70:C2';

describe('a client certificate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'));
  const paths = {
    pem: join(folder, 'both.pem'),
    keyOnly: join(folder, 'key.pem'),
    certificateOnly: join(folder, 'certificate.pem'),
  };

  beforeAll(() => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    writeFileSync(paths.keyOnly, key);
    writeFileSync(paths.certificateOnly, CERTIFICATE);
    writeFileSync(paths.pem, key + CERTIFICATE);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const withCertificate = (path: string | undefined, print: string | undefined): NodeJS.ProcessEnv => ({
    ...COMPLETE,
    DATAVERSE_CLIENT_SECRET: undefined,
    DATAVERSE_CLIENT_CERTIFICATE: path,
    DATAVERSE_CLIENT_CERTIFICATE_THUMBPRINT: print,
  });

  it('takes the place of the secret', () => {
    const { credential } = readEnvironment(withCertificate(paths.pem, THUMBPRINT.toLowerCase()), [
      'dynamics',
    ]).dynamics;
    expect(credential).toMatchObject({
      kind: 'certificate',
      privateKey: expect.stringMatching(/^-----BEGIN PRIVATE KEY-----/) as unknown,
      certificate: expect.stringMatching(/^-----BEGIN CERTIFICATE-----/) as unknown,
      thumbprintSha256: THUMBPRINT.replaceAll(':', ''),
    });
    const alone = readEnvironment(withCertificate(paths.keyOnly, THUMBPRINT), ['dynamics']).dynamics;
    expect(alone.credential).not.toHaveProperty('certificate');
  });

  it('that is incomplete or does not fit is told by the variable to mend', () => {
    const told = (path: string | undefined, print: string | undefined) =>
      problems(withCertificate(path, print));
    expect(told(undefined, THUMBPRINT)).toEqual([
      expect.stringMatching(/^DATAVERSE_CLIENT_CERTIFICATE is missing/),
    ]);
    expect(told(paths.pem, undefined)).toEqual([
      expect.stringMatching(/^DATAVERSE_CLIENT_CERTIFICATE_THUMBPRINT is missing/),
    ]);
    expect(told('/no/such.pem', THUMBPRINT)).toEqual([
      expect.stringContaining('/no/such.pem cannot be read'),
    ]);
    expect(told(paths.certificateOnly, THUMBPRINT)).toEqual([
      expect.stringContaining('holds no private key'),
    ]);
    expect(told(paths.pem, 'ab'.repeat(32))).toEqual([
      expect.stringContaining('is not the SHA-256 thumbprint'),
    ]);
  });
});

describe('.env', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dotenv-'));
  const name = 'CONTACT_SYNC_DOTENV_TEST';
  afterAll(() => {
    rmSync(folder, { recursive: true });
    Reflect.deleteProperty(process.env, name);
  });

  it('adds to the environment and changes nothing that is set', () => {
    const file = join(folder, '.env');
    writeFileSync(file, `${name}=from-file\n`);
    loadDotenv(file);
    expect(process.env[name]).toBe('from-file');
    process.env[name] = 'set';
    loadDotenv(file);
    expect(process.env[name]).toBe('set');
  });

  it('may be absent', () => {
    expect(() => {
      loadDotenv(join(folder, 'none'));
    }).not.toThrow();
  });
});

describe('the environment of the gateway', () => {
  const key = (byte: number): string => Buffer.alloc(32, byte).toString('base64');
  const GATEWAY = {
    GATEWAY_PUBLIC_URL: 'https://contact-sync.example.com/',
    GATEWAY_API_KEY: 'k'.repeat(32),
    GATEWAY_ENCRYPTION_KEY: `${key(1)}, ${key(2)}`,
    GATEWAY_SUPPORT_CONTACT: 'crm@example.com',
  };

  it('is read with its defaults; the first key seals', () => {
    const { gateway, callbacks } = readEnvironment(GATEWAY, ['gateway', 'callbacks']);
    expect(gateway).toMatchObject({
      ...{ port: 8090, publicUrl: 'https://contact-sync.example.com', apiKey: 'k'.repeat(32) },
      supportContact: 'crm@example.com',
    });
    expect(gateway).not.toHaveProperty('webhookSecret');
    expect(gateway.keys.map(({ bytes }) => bytes[0])).toEqual([1, 2]);
    expect(callbacks).toMatchObject({ hosts: ['*.adobe.io', '*.adobe.com', '*.marketo.com'] });
    expect(callbacks.keys).toHaveLength(2);
  });

  it('is not needed by a worker that calls nobody back', () => {
    expect(readEnvironment({}, ['callbacks']).callbacks).not.toHaveProperty('keys');
  });

  it('lists everything that is missing', () => {
    expect(problems({}, ['gateway', 'callbacks']).map((line) => line.split(' ')[0])).toEqual([
      ...['GATEWAY_PUBLIC_URL', 'GATEWAY_API_KEY', 'GATEWAY_SUPPORT_CONTACT', 'GATEWAY_ENCRYPTION_KEY'],
    ]);
  });

  it.each([
    ['GATEWAY_API_KEY', 'short', /must have 32 characters or more/],
    ['GATEWAY_WEBHOOK_SECRET', 'short', /must have 32 characters or more/],
    ['GATEWAY_ENCRYPTION_KEY', 'SECRET', /key 1 has \d+ bytes\. Each is 32 bytes in base64/],
    ['GATEWAY_ENCRYPTION_KEY', `${key(1)},c2hvcnQ=`, /key 2 has 5 bytes/],
    ['GATEWAY_CALLBACK_HOSTS', 'https://adobe.io', /must be names of hosts/],
    ['GATEWAY_CALLBACK_HOSTS', ',', /must be names of hosts/],
    ['GATEWAY_PUBLIC_URL', 'http://contact-sync.example.com', /must use https/],
    ['GATEWAY_PORT', 'x', /is not a port/],
  ])('refuses %s = %s', (name, value, problem) => {
    const found = problems({ ...GATEWAY, [name]: value }, ['gateway', 'callbacks']);
    expect(new Set(found)).toEqual(new Set([expect.stringMatching(problem)]));
    for (const line of found) if (/KEY|SECRET/.test(name)) expect(line).not.toContain(value);
  });
});
