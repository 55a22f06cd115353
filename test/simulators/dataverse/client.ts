import { afterEach } from 'vitest';
import {
  startDataverseSimulator,
  type DataverseSimulator,
  type DataverseSimulatorOptions,
} from '../../../simulators/dataverse/index.js';

type Headers = Readonly<Record<string, string>>;

export interface Answer {
  readonly status: number;
  readonly headers: globalThis.Headers;
  readonly text: string;
  /** The body as a JSON object; empty when there is none. */
  readonly json: Record<string, unknown>;
  /** `error.code` of a refusal. */
  readonly code: string | undefined;
  readonly message: string | undefined;
  /** `value` of a collection. */
  readonly rows: Record<string, unknown>[];
}

export interface Sim extends DataverseSimulator {
  /** Calls the Web API as the sync user; the path is below the API root or a whole link. */
  api(method: string, path: string, body?: unknown, headers?: Headers): Promise<Answer>;
  /** Sends a batch of lines already written by `part`. */
  batch(parts: readonly string[], headers?: Headers): Promise<BatchAnswer>;
  /** Uses the administrative door. */
  admin(method: string, path: string, body?: unknown): Promise<Answer>;
  token(): Promise<string>;
}

export interface BatchAnswer extends Answer {
  readonly parts: { readonly status: number; readonly code: string | undefined; readonly text: string }[];
}

const open: DataverseSimulator[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const parsed = (text: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
};

const read = async (response: Response): Promise<Answer> => {
  const text = await response.text();
  const json = parsed(text);
  const error = isObject(json['error']) ? json['error'] : {};
  const rows = Array.isArray(json['value']) ? json['value'].filter(isObject) : [];
  const word = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const { status, headers } = response;
  return { status, headers, text, json, code: word(error['code']), message: word(error['message']), rows };
};

export const signIn = async (
  { environment }: DataverseSimulator,
  fields: Readonly<Record<string, string>> = {},
): Promise<Answer> => {
  const body = new URLSearchParams({
    client_id: environment['DATAVERSE_CLIENT_ID'] ?? '',
    client_secret: environment['DATAVERSE_CLIENT_SECRET'] ?? '',
    scope: `${environment['DATAVERSE_URL'] ?? ''}/.default`,
    grant_type: 'client_credentials',
    ...fields,
  });
  return read(await fetch(environment['ENTRA_TOKEN_ENDPOINT'] ?? '', { method: 'POST', body }));
};

const boundary = 'batch_7f3c';

/** One request inside a batch, every line ending CRLF. */
export const part = (method: string, path: string, body?: unknown, headers: Headers = {}): string =>
  [
    'Content-Type: application/http',
    'Content-Transfer-Encoding: binary',
    '',
    `${method} /api/data/v9.2/${path} HTTP/1.1`,
    ...(body === undefined ? [] : ['Content-Type: application/json; type=entry']),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    body === undefined ? '' : JSON.stringify(body),
  ].join('\r\n');

export const batchBody = (parts: readonly string[]): string =>
  `${parts.map((one) => `--${boundary}\r\n${one}\r\n`).join('')}--${boundary}--\r\n`;

const readBatch = (answer: Answer): BatchAnswer => {
  const inner = /boundary=(\S+)/.exec(answer.headers.get('content-type') ?? '')?.[1];
  const pieces = inner === undefined ? [] : answer.text.split(`--${inner}`).slice(1, -1);
  const parts = pieces.map((piece) => {
    const [, body = ''] = /HTTP\/1\.1 [^]*?\r\n\r\n([^]*)\r\n$/.exec(piece) ?? [];
    const error = parsed(body)['error'];
    const code = isObject(error) && typeof error['code'] === 'string' ? error['code'] : undefined;
    return { status: Number(/HTTP\/1\.1 (\d+)/.exec(piece)?.[1]), code, text: body };
  });
  return { ...answer, parts };
};

/** A simulator on a free port, closed after the test, with a client that is signed in. */
export const startSim = async (options: DataverseSimulatorOptions = {}): Promise<Sim> => {
  const simulator = await startDataverseSimulator(options);
  open.push(simulator);
  let bearer: string | undefined;
  const token = async (): Promise<string> => String((await signIn(simulator)).json['access_token']);
  const send = async (
    method: string,
    url: string,
    body: string | undefined,
    headers: Headers,
  ): Promise<Answer> => {
    bearer ??= await token();
    const all = { Authorization: `Bearer ${bearer}`, Accept: 'application/json', ...headers };
    return read(await fetch(url, { method, headers: all, ...(body === undefined ? {} : { body }) }));
  };
  const root = `${simulator.origin}/api/data/v9.2/`;
  return {
    ...simulator,
    token,
    api: (method, path, body, headers = {}) => {
      const url = path.startsWith('http') ? path : `${root}${path}`;
      const text = body === undefined ? undefined : JSON.stringify(body);
      const json: Headers = text === undefined ? {} : { 'Content-Type': 'application/json' };
      return send(method, url, text, { ...json, ...headers });
    },
    batch: async (parts, headers = {}) => {
      const type = { 'Content-Type': `multipart/mixed; boundary="${boundary}"` };
      return readBatch(await send('POST', `${root}$batch`, batchBody(parts), { ...type, ...headers }));
    },
    // No token: the door asks for none.
    admin: async (method, path, body) => {
      const text = body === undefined ? {} : { body: JSON.stringify(body) };
      const headers = { 'Content-Type': 'application/json' };
      return read(await fetch(`${simulator.origin}/admin${path}`, { method, headers, ...text }));
    },
  };
};

/** A GUID with this number at its end. */
export const id = (n: number): string => `00000000-0000-4000-a000-${String(n).padStart(12, '0')}`;
