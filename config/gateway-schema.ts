import { z } from 'zod';
import { endpointSchema } from './endpoint.js';
import { portSchema } from './port.js';
import { sealingKey, type KeyRing } from './sealing.js';

/** Short secrets are guessed: as many characters as 24 bytes have in base64. */
const SHORTEST_SECRET = 32;

const secret = (what: string) =>
  z
    .string({ error: `is missing. Set it to ${what}.` })
    .min(SHORTEST_SECRET, `must have ${String(SHORTEST_SECRET)} characters or more: openssl rand -base64 32`)
    .describe(what);

/** Names of hosts that may be called back: `host`, `*.domain`, either with a port. */
const HOST = /^(\*\.)?[a-z\d]([a-z\d.-]*[a-z\d])?(:\d{1,5})?$|^\[[\da-f:]+\](:\d{1,5})?$/;

const hosts = z.string().transform((text, context): readonly string[] => {
  const names = text
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  const odd = names.find((name) => !HOST.test(name));
  if (odd === undefined && names.length > 0) return names;
  context.addIssue({
    code: 'custom',
    message: `must be names of hosts, separated by commas, like *.adobe.io or callback.example.com:8443, without https://.`,
  });
  return z.NEVER;
});

const KEY_HELP = 'Each is 32 bytes in base64: openssl rand -base64 32';

const keys = z
  .string({ error: `is missing. Set it to a key that encrypts campaigns' tokens. ${KEY_HELP}.` })
  .describe(`keys that encrypt campaigns' tokens in the store, separated by commas; the first one encrypts`)
  .transform((text, context): KeyRing => {
    const all = text.split(',').map((part) => Buffer.from(part.trim(), 'base64'));
    const [first, ...others] = all;
    if (first !== undefined && all.every(({ length }) => length === 32)) {
      return [sealingKey(first), ...others.map(sealingKey)];
    }
    const which = all.findIndex(({ length }) => length !== 32) + 1;
    context.addIssue({
      code: 'custom',
      message: `cannot be used: key ${String(which)} has ${String(all[which - 1]?.length ?? 0)} bytes. ${KEY_HELP}.`,
    });
    return z.NEVER;
  });

/** What calls campaigns back: the worker, and the gateway, which must not take what nobody may answer. */
export const callbacksSchema = z.object({
  GATEWAY_ENCRYPTION_KEY: keys.optional(),
  GATEWAY_CALLBACK_HOSTS: hosts
    .prefault('*.adobe.io,*.adobe.com,*.marketo.com')
    .describe('hosts that campaigns may be called back at, separated by commas; *.domain for all below one'),
});

/** The HTTP door for campaigns. */
export const gatewaySchema = z.object({
  GATEWAY_PORT: portSchema.prefault('8090').describe('port that the gateway listens on'),
  GATEWAY_PUBLIC_URL: endpointSchema('the address at which Marketo reaches the gateway', {
    example: 'https://contact-sync.example.com',
  }),
  GATEWAY_API_KEY: secret('the key that Marketo shows to the gateway (x-api-key)'),
  GATEWAY_WEBHOOK_SECRET: secret('the secret of webhooks; unset: no webhook').optional(),
  GATEWAY_SUPPORT_CONTACT: z
    .string({
      error: "is missing. Set it to an e-mail address or a page that Marketo's administrators are shown.",
    })
    .describe("e-mail address, or address of a page, that Marketo's administrators are shown"),
  GATEWAY_ENCRYPTION_KEY: keys,
});
