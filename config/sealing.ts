import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/** 32 bytes for AES-256. */
export interface SealingKey {
  /** Follows from the key and tells nothing of it: so that what it sealed is opened by it after a rotation. */
  readonly id: string;
  readonly bytes: Buffer;
}

/** Keys by which secrets in the store are sealed: the first one seals, all of them open. */
export type KeyRing = readonly [SealingKey, ...SealingKey[]];

export const sealingKey = (bytes: Buffer): SealingKey => {
  if (bytes.length !== 32) throw new RangeError('a key has 32 bytes');
  const id = createHash('sha256')
    .update('contact-sync sealing key\n')
    .update(bytes)
    .digest('hex')
    .slice(0, 12);
  return { id, bytes };
};

/** What was sealed cannot be opened: its key is not in the ring, or the text was changed. */
export class CannotOpen extends Error {
  override readonly name = 'CannotOpen';
}

const VERSION = 'v1';
const CIPHER = 'aes-256-gcm';
/** Fixed by GCM as it is used everywhere (NIST SP 800-38D): 96 bits, fresh for each text. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts a text under the first key of the ring.
 *
 * @param bound what it belongs to; it opens nowhere else.
 */
export const seal = ([key]: KeyRing, text: string, bound: string): string => {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key.bytes, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(bound));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  const parts = [nonce, cipher.getAuthTag(), body].map((part) => part.toString('base64url'));
  return [VERSION, key.id, ...parts].join('.');
};

/** @throws {CannotOpen} if no key of the ring fits, or the text is not what was sealed for `bound`. */
export const open = (ring: KeyRing, sealed: string, bound: string): string => {
  const [version = '', id = '', ...parts] = sealed.split('.');
  const key = ring.find((each) => each.id === id);
  if (version !== VERSION || parts.length !== 3) throw new CannotOpen('it is not of a form that we know');
  if (key === undefined) throw new CannotOpen(`no key with the id ${id} is in GATEWAY_ENCRYPTION_KEY`);
  const [nonce, tag, body] = parts.map((part) => Buffer.from(part, 'base64url')) as [Buffer, Buffer, Buffer];
  try {
    const decipher = createDecipheriv(CIPHER, key.bytes, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(bound)).setAuthTag(tag);
    return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
  } catch {
    throw new CannotOpen('it was changed, or belongs to something else');
  }
};
