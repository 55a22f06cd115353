import type { z } from 'zod';
import type { CallBudget, CallRequest } from '../rules/budget.js';
import { FAILURES, type RemoteFailure } from '../rules/failures.js';
import { inTurn } from '../rules/in-turn.js';
import type { IsoInstant, Lane } from '../rules/terms.js';
import { deadlineOf, type ServerLimit } from './deadlines.js';
import { placeOf, readEnvelope } from './envelope.js';
import {
  aMoment,
  failureOf,
  garbage,
  isLongerThanAMoment,
  isUnlistedRefusal,
  type CallTraits,
} from './failure.js';
import type { Http, HttpRequest } from './http.js';
import type { Identity } from './identity.js';
import type { MarketoTiming } from './settings.js';
import { wait } from './waiting.js';
import type { HttpAnswer } from './wire.js';

export type Query = Readonly<Record<string, string | number | undefined>>;

/** One call of the REST API. `result` says what its `result` member must look like. */
export interface Call<T> extends CallTraits {
  /** After `/rest`: `/v1/leads.json`. */
  readonly path: string;
  readonly query?: Query;
  /** Sent as JSON, by POST. */
  readonly body?: unknown;
  readonly result: z.ZodType<T>;
  /** Which of Marketo's own time-outs it is under; its deadline follows from it. */
  readonly limit: ServerLimit;
}

/** A success, as Marketo gave it. */
export interface Answer<T> {
  readonly result: T;
  /** Absent where Marketo leaves it out. */
  readonly more: boolean | undefined;
  readonly nextToken: string | undefined;
  /** By Marketo's clock. */
  readonly serverTime: IsoInstant;
}

/** What all lanes of one client share. */
export interface Connection {
  readonly endpoint: string;
  readonly http: Http;
  readonly identity: Identity;
  readonly budget: CallBudget;
  readonly timing: MarketoTiming;
}

/** Makes calls on one lane. Rejects with a `RemoteFailure`, or with the reason of an aborted signal. */
export type Send = <T>(call: Call<T>, signal?: AbortSignal) => Promise<Answer<T>>;

/** What came of sending a call once. */
type Outcome<T> =
  | { readonly answer: Answer<T> }
  | {
      readonly failure: RemoteFailure;
      /** Refused with a code that Adobe does not list. */ readonly unlisted: boolean;
    };

/** Marketo executed nothing, and a new token may make the same call pass (Adobe REST docs, codes 600 to 602; 401). */
const TOKEN_CODES: ReadonlySet<string | undefined> = new Set(['600', '601', '602', '401']);

/** Every call takes this way: token, budget, HTTP, meaning; again after a dead token or a call that was turned away. */
export function createSend(connection: Connection, lane: Lane): Send {
  const { budget, identity, timing } = connection;
  return async (call, signal) => {
    const request: CallRequest = { lane, deadlineMs: deadlineOf(call.limit, timing), signal };
    const tokens = { token: () => identity.token(signal), held: () => identity.held() };
    let renewed = false;
    for (let repeats = 0; ;) {
      const outcome = await inTurn(budget, request, tokens, (token) =>
        attempt(connection, request, call, token),
      );
      if ('answer' in outcome) return outcome.answer;
      const { failure } = outcome;
      if (TOKEN_CODES.has(failure.details.code) && !renewed) {
        renewed = true;
      } else {
        askOthersToWait(budget, failure, timing);
        const pauseMs = outcome.unlisted ? aMoment(timing, Math.random()) : pauseOf(failure);
        if (pauseMs === undefined || repeats >= timing.repeats) throw failure;
        repeats += 1;
        await wait(pauseMs, signal);
      }
    }
  };
}

/** Longer waits are better kept by whoever called, who can say so. */
const LONGEST_WAIT_MS = 60_000;

/** How long a call that was turned away waits here before it is sent again; `undefined` when it is not. */
function pauseOf({ type, details: { retryAfterMs = 0 } }: RemoteFailure): number | undefined {
  return type === FAILURES.rateLimited && retryAfterMs <= LONGEST_WAIT_MS ? retryAfterMs : undefined;
}

/**
 * 606 and `Retry-After` concern every process that calls this subscription; 615 passes as soon as somebody's call ends,
 * and what is busy is one thing among many.
 */
function askOthersToWait(budget: CallBudget, { type, details }: RemoteFailure, timing: MarketoTiming): void {
  const { code, retryAfterMs } = details;
  if (type !== FAILURES.rateLimited && type !== FAILURES.unavailable) return;
  if (retryAfterMs === undefined || (code === '615' && !isLongerThanAMoment(timing, retryAfterMs))) return;
  // What Marketo said is not held up by the note about it; a store that is down shows at the next call.
  void budget.pause(retryAfterMs).catch(() => undefined);
}

async function attempt<T>(
  { endpoint, http, identity, timing }: Connection,
  { deadlineMs, signal }: CallRequest,
  call: Call<T>,
  token: string,
): Promise<Outcome<T>> {
  const answer = await http.send(call, toRequest(endpoint, call, token, deadlineMs), signal);
  // Struck out before anything is cut: half a token is one too many.
  const redacted = (): HttpAnswer => ({ ...answer, text: identity.redact(answer.text, token) });
  // A write that succeeds says why single records were skipped, and that is quoted too.
  const told = call.writes ? redacted() : answer;
  const understood = understand(call, told);
  if (understood !== undefined) return { answer: understood };

  const said = call.writes ? told : redacted();
  const failure = failureOf(call, said, { timing, now: new Date(), random: Math.random() });
  if (TOKEN_CODES.has(failure.details.code)) identity.drop(token);
  return { failure, unlisted: isUnlistedRefusal(call, said) };
}

/** `undefined` unless `answer` is a success; a success of the wrong shape is garbage. */
function understand<T>(call: Call<T>, { status, text, date }: HttpAnswer): Answer<T> | undefined {
  if (status !== 200) return undefined;
  const envelope = readEnvelope(text);
  if (envelope.kind !== 'success') return undefined;
  // An empty `result` is left out of many answers.
  const parsed = call.result.safeParse(envelope.result ?? []);
  if (!parsed.success) throw garbage(call, placeOf(parsed.error, 'result'));
  return {
    result: parsed.data,
    more: envelope.more,
    nextToken: envelope.nextToken,
    // HTTP asks every origin server for its date; without one ours is the best there is.
    serverTime: (date ?? new Date()).toISOString(),
  };
}

/** Marketo takes 8 KB of address; past this, `_method=GET` carries the query in the body (Adobe REST docs, "Query"). */
const LONGEST_ADDRESS = 6_000;

function toRequest<T>(endpoint: string, call: Call<T>, token: string, deadlineMs: number): HttpRequest {
  const url = `${endpoint}${call.path}`;
  const query = encodeQuery(call.query ?? {});
  const authorization = { Authorization: `Bearer ${token}` };
  if (call.body !== undefined || call.writes) {
    const headers = { ...authorization, 'Content-Type': 'application/json' };
    const body = JSON.stringify(call.body ?? {});
    return { method: 'POST', url: query === '' ? url : `${url}?${query}`, headers, body, deadlineMs };
  }
  if (url.length + query.length > LONGEST_ADDRESS) {
    const headers = { ...authorization, 'Content-Type': 'application/x-www-form-urlencoded' };
    return { method: 'POST', url: `${url}?_method=GET`, headers, body: query, deadlineMs };
  }
  return {
    method: 'GET',
    url: query === '' ? url : `${url}?${query}`,
    headers: authorization,
    deadlineMs,
  };
}

const encodeQuery = (query: Query): string =>
  Object.entries(query)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]))
    .join('&');
