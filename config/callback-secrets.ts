import { open, seal, type KeyRing } from './sealing.js';

/** What a campaign's callback needs and nobody else may see. */
export interface CallbackSecrets {
  /** One-time token of the invocation. */
  readonly token: string;
  /** Key of Marketo's gateway: sent as `x-api-key`, and no credential of ours. */
  readonly apiCallBackKey: string;
  readonly callbackUrl: string;
}

const boundTo = (chunkKey: string): string => `chunk ${chunkKey}`;

export const sealSecrets = (keys: KeyRing, chunkKey: string, secrets: CallbackSecrets): string =>
  seal(keys, JSON.stringify(secrets), boundTo(chunkKey));

/** @throws {CannotOpen} if no key fits. */
export const openSecrets = (keys: KeyRing, chunkKey: string, sealed: string): CallbackSecrets =>
  JSON.parse(open(keys, sealed, boundTo(chunkKey))) as CallbackSecrets;
