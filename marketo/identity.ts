import { z } from 'zod';
import { FAILURES, RemoteFailure, TRANSIENT, type FailureDetails } from '../rules/failures.js';
import { orAborted } from '../rules/or-aborted.js';
import { redactor, type Redact } from '../rules/redact.js';
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

/** Seconds that a token is taken to live where Marketo does not say it, or not believably. */
const UNSAID_LIFE = 60;

/** Seconds; Marketo hands out the same token until it dies, with less and less to live. */
const granted = z.object({
  access_token: z.string().min(1),
  expires_in: z.union([z.null().transform(() => UNSAID_LIFE), z.coerce.number()]).default(UNSAID_LIFE),
});

/** A token with less than this left is asked for again, and still used if Marketo gives the same. */
const MARGIN_MS = 5_000;
/** What is refused needs somebody to mend it: until then calls need not ask each time. */
const REFUSAL_KEPT_MS = 30_000;
const A_SECOND_MS = 1_000;
const CALL: CallTraits = { name: 'the identity service', writes: false };

interface Held {
  readonly token: string;
  readonly freshUntil: number;
  readonly diesAt: number;
}

/** Why the identity service is not asked for a while. */
interface Away {
  readonly details: FailureDetails;
  /** By `performance.now()`. */
  readonly until: number;
}

type Grant = z.infer<typeof granted>;

export function createIdentity(settings: MarketoSettings, http: Http, timing: MarketoTiming): Identity {
  const url = tokenAddress(settings);
  let held: Held | undefined;
  let away: Away | undefined;
  let fetching: Promise<string> | undefined;

  let striking: { readonly token: string; readonly redact: Redact } | undefined;

  /** A token is long, and its pattern costs; it stands for many answers. */
  const redact = (text: string, token: string): string => {
    if (striking?.token !== token) striking = { token, redact: redactor([token, settings.clientSecret]) };
    return striking.redact(text);
  };

  async function ask(giveUpAt: number): Promise<Grant> {
    const deadlineMs = Math.max(1, giveUpAt - performance.now());
    const answer = await http.send(CALL, { method: 'GET', url, deadlineMs });
    return read(answer, timing, (text) => redact(text, ''));
  }

  async function fetchToken(): Promise<string> {
    let asked = performance.now();
    const giveUpAt = asked + timing.identityMs;
    let grant = await ask(giveUpAt);
    // One that dies on the way is of no use; the next second brings its successor.
    if (grant.expires_in < 1 && performance.now() + A_SECOND_MS < giveUpAt) {
      await wait(A_SECOND_MS);
      asked = performance.now();
      grant = await ask(giveUpAt);
    }
    // Twice at its end is not believable: should it be dead, the call with it says so.
    const lifeMs = 1_000 * (grant.expires_in < 1 ? UNSAID_LIFE : grant.expires_in);
    const diesAt = asked + lifeMs;
    held = { token: grant.access_token, freshUntil: diesAt - MARGIN_MS, diesAt };
    return grant.access_token;
  }

  /** Keeps what an identity service that refuses, or asks for a wait, need not be asked again. */
  async function fetchOrKeepAway(): Promise<string> {
    try {
      return await fetchToken();
    } catch (error) {
      if (error instanceof RemoteFailure) away = awayAfter(error.details, performance.now());
      throw error;
    }
  }

  return {
    token(signal) {
      const now = performance.now();
      if (held !== undefined && now < held.freshUntil) return Promise.resolve(held.token);
      if (away !== undefined && now < away.until) return Promise.reject(stillAway(away, now));
      fetching ??= fetchOrKeepAway().finally(() => {
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

/** A refusal that time heals is asked about again at once, unless it asks for a wait. */
function awayAfter(details: FailureDetails, now: number): Away | undefined {
  if (!TRANSIENT.has(details.type)) return { details, until: now + REFUSAL_KEPT_MS };
  return details.retryAfterMs === undefined ? undefined : { details, until: now + details.retryAfterMs };
}

/** The failure as it was, with what is left of its wait. */
function stillAway({ details, until }: Away, now: number): RemoteFailure {
  const left = { retryAfterMs: Math.ceil(until - now) };
  return new RemoteFailure({ ...details, ...(TRANSIENT.has(details.type) ? left : {}) });
}

/** Marketo takes the credentials in the query, and only there (Adobe REST docs, "Authentication"). */
function tokenAddress({ identity, clientId, clientSecret }: MarketoSettings): string {
  const query = `client_id=${encodeURIComponent(clientId)}&client_secret=${encodeURIComponent(clientSecret)}`;
  return `${identity.replace(/\/+$/, '')}/oauth/token?grant_type=client_credentials&${query}`;
}

function read(answer: HttpAnswer, timing: MarketoTiming, redact: (text: string) => string): Grant {
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
