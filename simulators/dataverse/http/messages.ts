/** A request to the Web API, over HTTP or inside a batch. Header names are in lower case. */
export interface ApiRequest {
  readonly method: string;
  /** Path with its query, as sent. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Error code of a refusal, for the journal. */
  readonly code: string | null;
}

const jsonType = 'application/json; odata.metadata=minimal';

export const jsonResponse = (
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse => ({
  status,
  headers: { 'Content-Type': jsonType, 'OData-Version': '4.0', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
  code: null,
});

export const emptyResponse = (
  status: number,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse => ({ status, headers: { 'OData-Version': '4.0', ...headers }, body: null, code: null });

export const textResponse = (body: string): ApiResponse => ({
  status: 200,
  headers: { 'Content-Type': 'text/plain', 'OData-Version': '4.0' },
  body,
  code: null,
});
