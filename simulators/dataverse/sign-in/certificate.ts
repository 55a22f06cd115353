import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A key pair with a self-signed certificate: for an application to sign in with, or for a server on this machine. */
export interface SelfSigned {
  /** PEM, `BEGIN CERTIFICATE`: what an application registration keeps, or what clients of a server trust. */
  readonly certificate: string;
  /** PEM, `BEGIN PRIVATE KEY`: what the client or the server signs with. */
  readonly privateKey: string;
  /** SHA-256 of the DER form, upper-case hex: what MSAL calls `thumbprintSha256`. */
  readonly thumbprintSha256: string;
}

/** One ASN.1 element: tag, length, content (X.690, definite lengths). */
const der = (tag: number, ...contents: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 128) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = Buffer.from(length.toString(16).padStart(length > 255 ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length]), size, content]);
};

const sequence = (...contents: readonly Buffer[]): Buffer => der(0x30, ...contents);

/** `20260301120000Z`. */
const generalizedTime = (epochMs: number): Buffer =>
  der(0x18, Buffer.from(new Date(epochMs).toISOString().replace(/[-:T]|\.\d+/g, '')));

/** 1.2.840.113549.1.1.11, sha256WithRSAEncryption. */
const sha256WithRsa = sequence(der(0x06, Buffer.from('2a864886f70d01010b', 'hex')), der(0x05));
/** 2.5.4.3, commonName. */
const commonNameId = der(0x06, Buffer.from('550403', 'hex'));

const nameOf = (commonName: string): Buffer =>
  sequence(der(0x31, sequence(commonNameId, der(0x0c, Buffer.from(commonName)))));

const objectId = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const yes = der(0x01, Buffer.from([0xff]));

/** What strict readers want of a certificate that is its own authority, and the names of this machine. */
const extensions = (publicKey: Buffer): Buffer => {
  const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
    sequence(objectId(id), ...(critical ? [yes] : []), der(0x04, value));
  const names = [der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1]))];
  const keyId = createHash('sha1').update(publicKey).digest();
  const all = [
    extension('551d13', true, sequence(yes)),
    // digitalSignature, keyEncipherment, keyCertSign
    extension('551d0f', true, der(0x03, Buffer.from([2, 0xa4]))),
    extension('551d0e', false, der(0x04, keyId)),
    extension('551d11', false, sequence(...names)),
  ];
  return der(0xa3, sequence(...all));
};

const pem = (label: string, content: Buffer): string =>
  `-----BEGIN ${label}-----\n${content.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`;

/**
 * Makes an RSA key pair and a certificate for it, good for this machine's own names and valid from now on. No tool
 * beside Node is needed.
 */
export const makeCertificate = (commonName = 'contact-sync', now = Date.now(), days = 365): SelfSigned => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const serial = randomBytes(8);
  serial.writeUInt8(serial.readUInt8(0) & 0x7f || 1, 0);
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    sha256WithRsa,
    nameOf(commonName),
    sequence(generalizedTime(now), generalizedTime(now + days * 86_400_000)),
    nameOf(commonName),
    spki,
    extensions(spki),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, privateKey));
  const whole = sequence(body, sha256WithRsa, signature);
  return {
    certificate: pem('CERTIFICATE', whole),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    thumbprintSha256: createHash('sha256').update(whole).digest('hex').toUpperCase(),
  };
};
