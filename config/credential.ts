import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { credentialSchema } from './environment-schema.js';
import { read, readVariables, unreadable, type Reading } from './reading.js';

/** How the sync user proves itself to Microsoft Entra: exactly one of the two. */
export type DynamicsCredential =
  | { readonly kind: 'secret'; readonly secret: string }
  | {
      readonly kind: 'certificate';
      /** PEM text of the private key. */
      readonly privateKey: string;
      /** 64 hexadecimal digits. */
      readonly thumbprintSha256: string;
      /** PEM text of the certificate, where the file holds it. */
      readonly certificate?: string;
    };

const SECRET = 'DATAVERSE_CLIENT_SECRET';
const CERTIFICATE = 'DATAVERSE_CLIENT_CERTIFICATE';
const THUMBPRINT = 'DATAVERSE_CLIENT_CERTIFICATE_THUMBPRINT';

/** Reads the secret, or the certificate's file and thumbprint; says which of both is missing or does not fit. */
export function readCredential(variables: Record<string, string>): Reading<DynamicsCredential> {
  const parsed = readVariables(credentialSchema, variables);
  if (!parsed.ok) return parsed;
  const { [SECRET]: secret, [CERTIFICATE]: path, [THUMBPRINT]: thumbprint } = parsed.value;
  if (secret !== undefined) {
    return path === undefined && thumbprint === undefined
      ? read({ kind: 'secret', secret })
      : unreadable(
          `${SECRET} and ${path === undefined ? THUMBPRINT : CERTIFICATE} are both set. Keep one of the two.`,
        );
  }
  if (path === undefined && thumbprint === undefined) {
    return unreadable(`${SECRET} is missing. Set it, or ${CERTIFICATE} and ${THUMBPRINT}.`);
  }
  if (path === undefined) return unreadable(`${CERTIFICATE} is missing. Set it to the path of the PEM file.`);
  if (thumbprint === undefined) {
    return unreadable(`${THUMBPRINT} is missing. Set it to the SHA-256 thumbprint of the certificate.`);
  }
  return readCertificate(path, thumbprint);
}

function readCertificate(path: string, thumbprintSha256: string): Reading<DynamicsCredential> {
  let pem: string;
  try {
    pem = readFileSync(path, 'utf8');
  } catch {
    return unreadable(`${CERTIFICATE}: the file ${path} cannot be read.`);
  }
  const privateKey = block(pem, '(?:[A-Z]+ )?PRIVATE KEY');
  if (privateKey === undefined || !isUsable(privateKey)) {
    return unreadable(
      `${CERTIFICATE}: ${path} holds no private key that can be used. It must be PEM, without a password.`,
    );
  }
  const certificate = block(pem, 'CERTIFICATE');
  const credential = { kind: 'certificate', privateKey, thumbprintSha256 } as const;
  if (certificate === undefined) return read(credential);
  return fingerprint(certificate) === thumbprintSha256
    ? read({ ...credential, certificate })
    : unreadable(`${THUMBPRINT} is not the SHA-256 thumbprint of the certificate in ${path}.`);
}

/** The first block of a PEM text with this title. */
const block = (pem: string, title: string): string | undefined =>
  new RegExp(`-----BEGIN (${title})-----[\\s\\S]+?-----END \\1-----`).exec(pem)?.[0];

function isUsable(privateKey: string): boolean {
  try {
    createPrivateKey(privateKey);
    return true;
  } catch {
    return false;
  }
}

function fingerprint(certificate: string): string | undefined {
  try {
    return new X509Certificate(certificate).fingerprint256.replaceAll(':', '');
  } catch {
    return undefined;
  }
}
