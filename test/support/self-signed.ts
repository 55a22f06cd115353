import { X509Certificate } from 'node:crypto';
import { generate } from 'selfsigned';

/** A key pair with a certificate that it signed itself: for an application to sign in with, or for a server. */
export interface SelfSigned {
  /** PEM, `BEGIN CERTIFICATE`. */
  readonly certificate: string;
  /** PEM, `BEGIN PRIVATE KEY`. */
  readonly privateKey: string;
  /** SHA-256 of the certificate, upper-case hex: what MSAL calls `thumbprintSha256`. */
  readonly thumbprintSha256: string;
}

/** Made anew each time, good for this machine's own names: no key stands in the repository. */
export async function selfSigned(commonName: string): Promise<SelfSigned> {
  const { cert, private: privateKey } = await generate([{ name: 'commonName', value: commonName }], {
    keySize: 2048,
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  const thumbprintSha256 = new X509Certificate(cert).fingerprint256.replaceAll(':', '');
  return { certificate: cert, privateKey, thumbprintSha256 };
}
