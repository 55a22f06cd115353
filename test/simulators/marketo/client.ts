import { afterEach } from 'vitest';
import { startMarketoSimulator, type MarketoSimulatorOptions } from '../../../simulators/marketo/index.js';

/** What a call of the REST API answered: HTTP status and parsed envelope. */
export interface Answered {
  readonly status: number;
  readonly success: boolean | undefined;
  readonly result: readonly Row[];
  /** Code of the first error of a failed call. */
  readonly code: string | undefined;
  readonly message: string | undefined;
  readonly nextPageToken: string | undefined;
  readonly moreResult: boolean | undefined;
  readonly envelope: Row;
  readonly text: string;
}

export type Row = Readonly<Record<string, unknown>>;

/** A running simulator with a signed-in caller. */
export interface Subject {
  readonly origin: string;
  readonly environment: Record<string, string>;
  /** A call with a valid token; `path` below `/rest/v1`. */
  get(path: string, parameters?: Readonly<Record<string, string>>): Promise<Answered>;
  post(path: string, body?: unknown): Promise<Answered>;
  /** Any request with a valid token, unless `init` says otherwise. */
  raw(path: string, init?: RequestInit): Promise<Response>;
  sync(input: readonly Row[], options?: Row): Promise<Answered>;
  token(query?: Readonly<Record<string, string>>): Promise<{ status: number; body: Row }>;
  admin(method: string, path: string, body?: unknown): Promise<Row>;
  signIn(): Promise<void>;
}

const started: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((simulator) => simulator.close()));
});

/** Starts a simulator that ends with the test. */
export async function start(options: MarketoSimulatorOptions = {}): Promise<Subject> {
  const simulator = await startMarketoSimulator(options);
  started.push(simulator);
  const { origin, environment } = simulator;
  let bearer = '';
  const raw = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${origin}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${bearer}`, ...headersOf(init) },
    });
  const token: Subject['token'] = async (query = {}) => {
    const parameters = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: environment['MARKETO_CLIENT_ID'] ?? '',
      client_secret: environment['MARKETO_CLIENT_SECRET'] ?? '',
      ...query,
    });
    const response = await fetch(
      `${environment['MARKETO_IDENTITY'] ?? ''}/oauth/token?${parameters.toString()}`,
    );
    return { status: response.status, body: (await response.json()) as Row };
  };
  const subject: Subject = {
    origin,
    environment,
    raw,
    token,
    get: async (path, parameters = {}) =>
      answered(await raw(`/rest/v1${path}?${new URLSearchParams(parameters).toString()}`)),
    post: async (path, body) => answered(await raw(`/rest/v1${path}`, { method: 'POST', ...json(body) })),
    sync: (input, options) => subject.post('/leads.json', { ...options, input }),
    admin: async (method, path, body) => {
      const response = await fetch(`${origin}/admin${path}`, { method, ...json(body) });
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
      return (await response.json()) as Row;
    },
    signIn: async () => {
      bearer = String((await token()).body['access_token']);
    },
  };
  await subject.signIn();
  return subject;
}

export async function answered(response: Response): Promise<Answered> {
  const text = await response.text();
  const envelope = parsed(text);
  const errors = envelope['errors'] as readonly { code: string; message: string }[] | undefined;
  return {
    status: response.status,
    success: envelope['success'] as boolean | undefined,
    result: (envelope['result'] as readonly Row[] | undefined) ?? [],
    code: errors?.[0]?.code,
    message: errors?.[0]?.message,
    nextPageToken: envelope['nextPageToken'] as string | undefined,
    moreResult: envelope['moreResult'] as boolean | undefined,
    envelope,
    text,
  };
}

function parsed(text: string): Row {
  try {
    return JSON.parse(text) as Row;
  } catch {
    return {};
  }
}

/** The ids of the records of an answer. */
export const idsOf = (answer: Answered): number[] => answer.result.map((row) => Number(row['id']));

/** The first id of an answer. */
export const idOf = (answer: Answered): number => idsOf(answer)[0] ?? 0;

/** Reads a stream from `token` to its end. */
export async function readAll(
  subject: Subject,
  path: string,
  token: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<{ items: Row[]; pages: number; token: string }> {
  const items: Row[] = [];
  let nextPageToken = token;
  for (let pages = 1; ; pages++) {
    const page = await subject.get(path, { ...parameters, nextPageToken });
    if (page.success !== true) throw new Error(page.text);
    items.push(...page.result);
    nextPageToken = page.nextPageToken ?? '';
    if (page.moreResult !== true) return { items, pages, token: nextPageToken };
  }
}

/** A paging token for everything since `instant`. */
export async function tokenSince(subject: Subject, instant: string): Promise<string> {
  const answer = await subject.get('/activities/pagingtoken.json', { sinceDatetime: instant });
  return answer.nextPageToken ?? '';
}

/** A clock that stands still until it is moved. */
export function clockAt(instant: string): { now: () => number; forward: (ms: number) => void } {
  let at = Date.parse(instant);
  return {
    now: () => at,
    forward: (ms) => {
      at += ms;
    },
  };
}

const json = (body: unknown): RequestInit =>
  body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };

const headersOf = (init: RequestInit): Record<string, string> =>
  Object.fromEntries(new Headers(init.headers).entries());
