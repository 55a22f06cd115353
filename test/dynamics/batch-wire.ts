import type { Heard, Reply } from './fake-dataverse.js';

/** A request inside a batch, read as strictly as Dataverse does. */
export interface HeardPart {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Reads a `$batch` request; throws where Dataverse would answer "Stream was not readable". */
export function heardParts({ headers, body }: Pick<Heard, 'headers' | 'body'>): HeardPart[] {
  const boundary = /^multipart\/mixed; ?boundary="?([^"]+)"?$/.exec(headers['content-type'] ?? '')?.[1];
  if (boundary === undefined) throw new Error('no boundary');
  if (body.replaceAll('\r\n', '').includes('\n')) throw new Error('a line that ends without CR');
  const end = `\r\n--${boundary}--\r\n`;
  if (!body.startsWith(`--${boundary}\r\n`) || !body.endsWith(end)) throw new Error('not closed');
  const inner = body.slice(boundary.length + 4, -end.length);
  return inner.split(`\r\n--${boundary}\r\n`).map((part) => {
    const opening = 'Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n';
    if (!part.startsWith(opening)) throw new Error('not a part of type application/http');
    const [head, ...rest] = part.slice(opening.length).split('\r\n\r\n');
    const [requestLine = '', ...lines] = (head ?? '').split('\r\n');
    if (rest.length === 0 || !requestLine.endsWith(' HTTP/1.1')) throw new Error('no request');
    const [method = '', url = ''] = requestLine.split(' ');
    return {
      method,
      url,
      headers: Object.fromEntries(
        lines.map((line) => [
          line.split(':')[0]?.toLowerCase() ?? '',
          line.slice(line.indexOf(':') + 1).trim(),
        ]),
      ),
      body: rest.join('\r\n\r\n'),
    };
  });
}

export interface WireStyle {
  readonly boundary?: string;
  readonly quoted?: boolean;
  readonly lineEnd?: '\r\n' | '\n';
  readonly preamble?: string;
  readonly closed?: boolean;
}

type Part = Exclude<Reply, string>;

/** A multipart body of answers. */
export function renderParts(parts: readonly Part[], style: WireStyle = {}): string {
  const { boundary = 'batchresponse_01aa', lineEnd = '\r\n', preamble = '', closed = true } = style;
  const lines = parts.flatMap(({ status, headers = {}, body }) => [
    `--${boundary}`,
    'Content-Type: application/http',
    'Content-Transfer-Encoding: binary',
    '',
    `HTTP/1.1 ${status} Whatever`,
    ...Object.entries({ 'OData-Version': '4.0', ...headers }).map(([name, value]) => `${name}: ${value}`),
    '',
    body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body),
  ]);
  return preamble + [...lines, ...(closed ? [`--${boundary}--`, ''] : [])].join(lineEnd);
}

/** The whole answer to a `$batch`. */
export function batchReply(
  parts: readonly Part[],
  style: WireStyle & { readonly status?: number } = {},
): Reply {
  const { boundary = 'batchresponse_01aa', quoted = false, status = 200 } = style;
  const type = `multipart/mixed; boundary=${quoted ? `"${boundary}"` : boundary}`;
  return { status, headers: { 'content-type': type }, body: renderParts(parts, style) };
}
