import { z } from 'zod';

interface Expected {
  /** The path that the address must end in; empty for an origin alone, undefined for any. */
  readonly path?: string;
  readonly example: string;
}

/** Whether a host name means this machine. */
const isLoopback = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);

const endsIn = (found: string, path: string): boolean => (path === '' ? found === '' : found.endsWith(path));

function problemOf(url: URL, { path, example }: Expected): string | undefined {
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    return `must use https; plain http is accepted for this machine (localhost) only. Expected like ${example}.`;
  }
  if (!['http:', 'https:'].includes(url.protocol)) return `must be an https address like ${example}.`;
  if (url.username !== '' || url.password !== '')
    return `must not hold a user name or password. Expected like ${example}.`;
  const found = url.pathname.replace(/\/+$/, '');
  if (url.search !== '' || url.hash !== '' || (path !== undefined && !endsIn(found, path))) {
    return path === ''
      ? `must be the origin alone, without a path. Expected like ${example}.`
      : `must end in ${path ?? 'its path'}. Expected like ${example}.`;
  }
  return undefined;
}

/**
 * An https address (plain http on loopback only), without its trailing slash. Messages never repeat the value, which may
 * be a secret pasted into the wrong line.
 */
export const endpointSchema = (what: string, expected: Expected): z.ZodType<string, string> =>
  z
    .string({ error: `is missing. Set it to ${what}, like ${expected.example}.` })
    .describe(`${what}, like ${expected.example}`)
    .transform((text, context) => {
      const url = URL.canParse(text) ? new URL(text) : undefined;
      const problem =
        url === undefined
          ? `is not a web address. Expected like ${expected.example}.`
          : problemOf(url, expected);
      if (url !== undefined && problem === undefined) return url.origin + url.pathname.replace(/\/+$/, '');
      context.addIssue({ code: 'custom', message: problem ?? '' });
      return z.NEVER;
    });
