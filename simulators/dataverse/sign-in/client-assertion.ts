import { constants, createHash, verify, X509Certificate } from 'node:crypto';

/** Why an assertion is refused: the AADSTS number and its text. */
export interface AssertionRefusal {
  readonly number: number;
  readonly text: string;
}

interface Expectation {
  readonly clientId: string;
  /** PEM of the certificate that the application registration keeps. */
  readonly certificate: string;
  /** Token endpoints and issuers that the assertion may be made out to. */
  readonly audiences: readonly string[];
  readonly now: number;
}

type Claims = Readonly<Record<string, unknown>>;

const decode = (text: string): Claims | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return typeof value === 'object' && value !== null ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
};

const digest = (algorithm: 'sha1' | 'sha256', certificate: X509Certificate): Buffer =>
  createHash(algorithm).update(certificate.raw).digest();

/** The header must name the certificate by one of its thumbprints, base64url; some clients pad it with `=`. */
const namesCertificate = (header: Claims, certificate: X509Certificate): boolean => {
  const is = (named: unknown, algorithm: 'sha1' | 'sha256'): boolean =>
    typeof named === 'string' && digest(algorithm, certificate).equals(Buffer.from(named, 'base64url'));
  return is(header['x5t#S256'], 'sha256') || is(header['x5t'], 'sha1');
};

const signatureHolds = (
  header: Claims,
  signed: string,
  signature: string,
  certificate: X509Certificate,
): boolean => {
  const key = certificate.publicKey;
  const [data, bytes] = [Buffer.from(signed), Buffer.from(signature, 'base64url')];
  if (header['alg'] === 'RS256') return verify('sha256', data, key, bytes);
  if (header['alg'] !== 'PS256') return false;
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return verify('sha256', data, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, bytes);
};

const wrongKey = (reason: string, clientId: string): AssertionRefusal => ({
  number: 700027,
  text: `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - ${reason}, App Id: ${clientId}]`,
});

/** Clocks may differ by five minutes. */
const LEEWAY_SECONDS = 300;

const checkClaims = (claims: Claims, expected: Expectation): AssertionRefusal | undefined => {
  const { clientId, audiences } = expected;
  const now = expected.now / 1000;
  if (claims['iss'] !== clientId || claims['sub'] !== clientId) {
    return {
      number: 700021,
      text: `Client assertion application identifier doesn't match 'client_id' parameter. Review the documentation for using client assertion.`,
    };
  }
  if (!audiences.includes(String(claims['aud']))) {
    return {
      number: 700023,
      text: 'Client assertion audience claim does not match Realm issuer. Review the documentation for using client assertion.',
    };
  }
  const { exp, nbf } = claims;
  const expired = typeof exp !== 'number' || exp < now - LEEWAY_SECONDS;
  if (expired || (typeof nbf === 'number' && nbf > now + LEEWAY_SECONDS)) {
    return {
      number: 700024,
      text: `Client assertion is not within its valid time range. Current time: ${new Date(expected.now).toISOString()}, expiry time of assertion ${String(exp)}.`,
    };
  }
  return undefined;
};

/** Checks a client assertion (JWT signed with the certificate's key); undefined when it is good. */
export const checkAssertion = (assertion: string, expected: Expectation): AssertionRefusal | undefined => {
  const [head = '', body = '', signature = ''] = assertion.split('.');
  const [header, claims] = [decode(head), decode(body)];
  if (header === undefined || claims === undefined || signature === '') {
    return { number: 50027, text: 'JWT token is invalid or malformed.' };
  }
  const certificate = new X509Certificate(expected.certificate);
  if (!namesCertificate(header, certificate)) {
    return wrongKey('The key was not found', expected.clientId);
  }
  if (!signatureHolds(header, `${head}.${body}`, signature, certificate)) {
    return wrongKey('Client assertion contains an invalid signature', expected.clientId);
  }
  return checkClaims(claims, expected);
};
