import { z } from 'zod';
import { FAILURES, RemoteFailure } from '../rules/failures.js';
import { orAborted } from '../rules/or-aborted.js';
import { parseJson, placeOf } from './envelope.js';
import { failureOf, garbage, type CallTraits } from './failure.js';
import type { Http } from './http.js';
import type { MarketoSettings, MarketoTiming } from './settings.js';
import { wait } from './waiting.js';
import type { HttpAnswer } from './wire.js';

/** The access token, shared by every call of one client. */
export interface Identity {
  /** A token that lives at this moment. Callers that need a new one at the same time share one request for it. */
  token(signal?: AbortSignal): Promise<string>;
  /** The token that is there without asking for one, if it lives at this moment. */
  held(): string | undefined;
  /** Forgets `token` if it is still the one in use. */
  drop(token: string): void;
  /** `text` with this token and the client's secret struck out. */
  redact(text: string, token: string): string;
}

/** Seconds; Marketo hands out the same token until it dies, with less and less to live. */
const granted = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().default(60) });

/** A token with less than this left is asked for again, and still used if Marketo gives the same. */
const MARGIN_MS = 5_000;
const CALL: CallTraits = { name: 'the identity service', writes: false };

interface Held {
  readonly token: string;
  readonly freshUntil: number;
  readonly diesAt: number;
}

export function createIdentity(settings: MarketoSettings, http: Http, timing: MarketoTiming): Identity {
  const url = tokenAddress(settings);
  let held: Held | undefined;
  let fetching: Promise<string> | undefined;

  const redact = (text: string, token: string): string =>
    [token, settings.clientSecret]
      .filter((secret) => secret !== '')
      .reduce((left, secret) => left.replaceAll(secret, '***'), text);

  async function fetchToken(): Promise<string> {
    const giveUpAt = performance.now() + timing.identityMs;
    for (;;) {
      const asked = performance.now();
      const deadlineMs = Math.max(1, giveUpAt - asked);
      const answer = await http.send(CALL, { method: 'GET', url, deadlineMs });
      const { access_token, expires_in } = read(answer, timing, (text) => redact(text, ''));
      // One that dies on the way is of no use; the next second brings its successor.
      if (expires_in < 1 && performance.now() + 1_000 < giveUpAt) {
        await wait(1_000);
        continue;
      }
      const diesAt = asked + expires_in * 1_000;
      held = { token: access_token, freshUntil: diesAt - MARGIN_MS, diesAt };
      return access_token;
    }
  }

  return {
    token(signal) {
      if (held !== undefined && performance.now() < held.freshUntil) return Promise.resolve(held.token);
      fetching ??= fetchToken().finally(() => {
        fetching = undefined;
      });
      return orAborted(fetching, signal);
    },
    held: () => (held !== undefined && performance.now() < held.diesAt ? held.token : undefined),
    drop(token) {
      if (held?.token === token) held = undefined;
    },
    redact,
  };
}

/** Marketo takes the credentials in the query, and only there (Adobe REST docs, "Authentication"). */
function tokenAddress({ identity, clientId, clientSecret }: MarketoSettings): string {
  const query = `client_id=${encodeURIComponent(clientId)}&client_secret=${encodeURIComponent(clientSecret)}`;
  return `${identity.replace(/\/+$/, '')}/oauth/token?grant_type=client_credentials&${query}`;
}

function read(
  answer: HttpAnswer,
  timing: MarketoTiming,
  redact: (text: string) => string,
): z.infer<typeof granted> {
  const { status } = answer;
  if (status === 400 || status === 401) {
    throw new RemoteFailure({
      type: FAILURES.unauthorized,
      side: 'marketo',
      code: String(status),
      message: `Marketo does not accept the client id or secret (${status} at the identity service): check MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET`,
      effect: 'none',
    });
  }
  if (status === 404 || (status >= 300 && status < 400)) {
    throw new RemoteFailure({
      type: FAILURES.misconfigured,
      side: 'marketo',
      code: String(status),
      message: `There is no identity service of Marketo (HTTP ${status}): check MARKETO_IDENTITY (it ends in /identity)`,
      effect: 'none',
    });
  }
  const body = parseJson(answer.text);
  const parsed = granted.safeParse(body);
  if (status === 200 && parsed.success) return parsed.data;
  const said = { ...answer, text: redact(answer.text) };
  const failure = failureOf(CALL, said, { timing, now: new Date(), random: Math.random() });
  const oddGrant = failure.details.code === 'garbage' && body !== undefined && parsed.error !== undefined;
  throw oddGrant ? garbage(CALL, placeOf(parsed.error)) : failure;
}
