import type { ApiResponse } from './messages.js';

/** Ways in which servers and gateways write the same multipart answer. */
export const oddShapes = ['lf', 'quoted', 'spaced', 'preamble', 'noFinalDelimiter'] as const;
export type OddShape = (typeof oddShapes)[number];

const typeName = 'Content-Type';

const withType = (response: ApiResponse, change: (type: string) => string): ApiResponse => ({
  ...response,
  headers: { ...response.headers, [typeName]: change(response.headers[typeName] ?? '') },
});

const withBody = (response: ApiResponse, change: (body: string) => string): ApiResponse => ({
  ...response,
  body: change(response.body ?? ''),
});

const boundaryOf = ({ headers }: ApiResponse): string | undefined =>
  /boundary=(\S+)/.exec(headers[typeName] ?? '')?.[1];

const shapes: Record<OddShape, (response: ApiResponse, boundary: string) => ApiResponse> = {
  lf: (response) => withBody(response, (body) => body.replace(/\r\n/g, '\n')),
  quoted: (response) => withType(response, (type) => type.replace(/boundary=(\S+)/, 'boundary="$1"')),
  // A boundary of the server's choosing, quoted, after another parameter and in another case.
  spaced: (response, boundary) => {
    const other = `b_${boundary.slice(-12)}`;
    const renamed = withBody(response, (body) => body.replaceAll(`--${boundary}`, `--${other}`));
    return withType(renamed, () => `Multipart/Mixed; charset=utf-8; boundary="${other}"`);
  },
  preamble: (response) => withBody(response, (body) => `This is a multi-part message.\r\n\r\n${body}`),
  noFinalDelimiter: (response, boundary) =>
    withBody(response, (body) => body.replace(`--${boundary}--\r\n`, '')),
};

/** The multipart answer in an odd shape; any other answer stays what it is. */
export const oddBatch = (response: ApiResponse, shape: OddShape): ApiResponse => {
  const boundary = boundaryOf(response);
  return boundary === undefined ? response : shapes[shape](response, boundary);
};

/** The answer as far as it came before it was cut: whole parts, then half of the next one. */
export const cutBatch = (response: ApiResponse, wholeParts: number): ApiResponse => {
  const boundary = boundaryOf(response);
  if (boundary === undefined) return response;
  const pieces = (response.body ?? '').split(`--${boundary}`);
  const next = pieces[wholeParts + 1] ?? '';
  const kept = [...pieces.slice(0, wholeParts + 1), next.slice(0, Math.ceil(next.length / 2))];
  return { ...response, body: kept.join(`--${boundary}`) };
};
