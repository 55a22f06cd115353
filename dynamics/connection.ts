import { RemoteFailure, FAILURES } from '../rules/failures.js';
import type { CallBudget, CallRequest } from '../rules/budget.js';
import { inTurn } from '../rules/in-turn.js';
import type { Lane } from '../rules/terms.js';
import { orAborted } from '../rules/or-aborted.js';
import {
  type Answer,
  brokenAnswer,
  type CallContext,
  errorOf,
  failureOf,
  isSuccess,
  parseJson,
  verdictOf,
} from './answers.js';
import { TOO_CONCURRENT } from './error-codes.js';
import { createHttp, type Http, type HttpRequest, NoAnswer } from './http.js';
import { createParallelism, type Parallelism } from './parallelism.js';
import { createSignIn, type SignIn } from './sign-in.js';
import type { Deadlines, DynamicsOptions, DynamicsSettings } from './types.js';

/** Path of the Web API under the environment's origin. */
export const API_PATH = '/api/data/v9.2/';

export interface Call {
  /** For failure messages, as in "did not …". */
  readonly name: string;
  readonly method: HttpRequest['method'];
  /** Path below the API root, or an absolute link of the server's, which is sent as it is. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly writes?: boolean;
  readonly cursor?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** One environment, signed in to. Shared by the lanes. */
export interface Connection {
  readonly origin: string;
  readonly parallelism: Parallelism;
  /**
   * Sends one call within the budget; after a 401 once more with a fresh token. Resolves with any other answer.
   * @throws RemoteFailure where there is no answer, or no token
   */
  send(lane: Lane, call: Call): Promise<Answer>;
  /**
   * Obeys what an answer (also a part of a batch) says about the load: pauses, lowers or raises parallelism. Nobody waits
   * for the store: what it keeps counts from the next call on.
   */
  heed(answer: Answer, call: CallContext): void;
  /** Strikes our secrets out of an answer: its texts go into messages and outcomes. */
  redacted(answer: Answer): Answer;
  /** What failures tell of a call. */
  context(call: Call): CallContext;
  close(): void;
}

/** Of single HTTP calls, longer than the server's own. */
export const DEFAULT_DEADLINES: Deadlines = { readMs: 120_000, writeMs: 130_000, signInMs: 30_000 };
/** Nothing left this machine, or no connection came about. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ERR_INVALID_URL']);
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|ALTNAME/;

export function createConnection(settings: DynamicsSettings, options: DynamicsOptions): Connection {
  const deadlines = { ...DEFAULT_DEADLINES, ...options.deadlines };
  const http = createHttp();
  const { origin } = new URL(settings.url);
  return new EnvironmentConnection(
    origin,
    http,
    createSignIn(settings, http, deadlines.signInMs),
    options.budget,
    deadlines,
  );
}

interface Attempted {
  readonly answer: Answer;
  readonly token: string;
}

/** The answer matters more than a note about it: a store that is down shows at the next call. */
const note = (kept: Promise<void>): void => void kept.catch(() => undefined);

class EnvironmentConnection implements Connection {
  readonly origin: string;
  readonly parallelism = createParallelism();
  readonly #http: Http;
  readonly #signIn: SignIn;
  readonly #budget: CallBudget;
  readonly #deadlines: Deadlines;

  constructor(origin: string, http: Http, signIn: SignIn, budget: CallBudget, deadlines: Deadlines) {
    this.origin = origin;
    this.#http = http;
    this.#signIn = signIn;
    this.#budget = budget;
    this.#deadlines = deadlines;
  }

  async send(lane: Lane, call: Call): Promise<Answer> {
    const first = await this.#attempt(lane, call);
    if (first.answer.status !== 401) return first.answer;
    return (await this.#attempt(lane, call, first.token)).answer;
  }

  heed(answer: Answer, call: CallContext): void {
    if (isSuccess(answer)) {
      const advised = this.parallelism.hinted(answer.headers['x-ms-dop-hint']);
      if (advised !== undefined) note(this.#budget.advise(advised));
      return;
    }
    const verdict = verdictOf(answer);
    if (verdict.is !== 'failure' || (verdict.type !== FAILURES.rateLimited && answer.status !== 503)) return;
    const { retryAfterMs } = failureOf(answer, call).details;
    if (retryAfterMs !== undefined) note(this.#budget.pause(retryAfterMs));
    if (errorOf(answer).code === TOO_CONCURRENT) note(this.#budget.advise(this.parallelism.tooMany()));
  }

  redacted(answer: Answer): Answer {
    return { ...answer, body: this.#signIn.redact(answer.body) };
  }

  context({ name, writes, cursor }: Call): CallContext {
    return { name, origin: this.origin, writes: writes === true, cursor: cursor === true };
  }

  close(): void {
    this.#http.close();
  }

  #attempt(lane: Lane, call: Call, refused?: string): Promise<Attempted> {
    const request: CallRequest = { lane, deadlineMs: this.#timeoutMs(call), signal: call.signal };
    const tokens = {
      token: () => this.#token(call, refused),
      held: () => this.#signIn.held(refused),
    };
    return inTurn(this.#budget, request, tokens, (token) => this.#once(call, token));
  }

  /** Several calls wait for one token: who gives up must not end it for the others. */
  async #token({ signal }: Call, refused: string | undefined): Promise<string> {
    signal?.throwIfAborted();
    return orAborted(this.#signIn.token(refused), signal);
  }

  async #once(call: Call, token: string): Promise<Attempted> {
    call.signal?.throwIfAborted();
    const heard = await this.#request(call, token);
    const answer = isSuccess(heard) ? heard : this.redacted(heard);
    this.heed(answer, this.context(call));
    return { answer, token };
  }

  #timeoutMs({ writes }: Call): number {
    return writes === true ? this.#deadlines.writeMs : this.#deadlines.readMs;
  }

  async #request(call: Call, token: string): Promise<Answer> {
    const timeoutMs = this.#timeoutMs(call);
    const { method, path, body, signal } = call;
    const url = path.startsWith('http') ? path : `${this.origin}${API_PATH}${path}`;
    try {
      return await this.#http.send({
        method,
        url,
        headers: headersFor(call, token),
        body,
        signal,
        timeoutMs,
      });
    } catch (error) {
      throw error instanceof NoAnswer ? this.#noAnswer(error, call, timeoutMs) : error;
    }
  }

  #noAnswer({ code }: NoAnswer, call: Call, timeoutMs: number): RemoteFailure {
    const certificate = CERTIFICATE.test(code);
    const advice = certificate
      ? 'Its certificate is not trusted here: for a private one set NODE_EXTRA_CA_CERTS.'
      : 'Check DATAVERSE_URL and the network if this lasts.';
    const what = code === 'timeout' ? `no answer within ${timeoutMs / 1000} s` : `no answer (${code})`;
    return new RemoteFailure({
      type: certificate ? FAILURES.misconfigured : FAILURES.unavailable,
      side: 'dynamics',
      code,
      message: `Dynamics (${this.origin}) did not ${call.name}: ${what}. ${advice}`,
      effect: call.writes === true && !certificate && !NEVER_SENT.has(code) ? 'unknown' : 'none',
    });
  }
}

/** Microsoft: "Compose HTTP requests"; the literal `null` keeps caches out of reads. */
function headersFor({ method, headers, body }: Call, token: string): Record<string, string> {
  return {
    accept: 'application/json',
    'odata-maxversion': '4.0',
    'odata-version': '4.0',
    ...(method !== 'PATCH' && { 'if-none-match': 'null' }),
    ...(body !== undefined && { 'content-type': 'application/json; charset=utf-8' }),
    ...headers,
    authorization: `Bearer ${token}`,
  };
}

/** Sends a call that must succeed, and gives its JSON with the answer. */
export async function sendForJson(
  connection: Connection,
  lane: Lane,
  call: Call,
): Promise<{ readonly json: unknown; readonly answer: Answer }> {
  const answer = await connection.send(lane, call);
  if (!isSuccess(answer)) throw failureOf(answer, connection.context(call));
  const json = parseJson(answer.body);
  if (json === undefined) throw brokenAnswer(connection.context(call), 'something that is not JSON');
  return { json, answer };
}
