import { DataverseError, payloadError } from './errors.js';
import type { ApiRequest } from './messages.js';

const notReadable = (): DataverseError =>
  payloadError('<Unable to get Entity Name>', 'System.ArgumentException: Stream was not readable.');

const invalid = (message: string): DataverseError => new DataverseError(400, '0x80048d19', message);

/** The boundary that the outer `Content-Type` names, quoted or not. */
export const boundaryOf = (contentType: string | undefined): string => {
  const match = /^multipart\/mixed\s*;.*?boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType ?? '');
  const boundary = match?.[1] ?? match?.[2];
  if (boundary !== undefined) return boundary;
  const message = `The Content-Type header value '${contentType ?? ''}' is not a valid multipart/mixed value with a boundary.`;
  throw new DataverseError(400, '0x80040203', message);
};

/** Splits at the first empty line; lines end in CRLF and nothing else. */
const headAndBody = (text: string): { head: readonly string[]; body: string } => {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) throw notReadable();
  const head = text.slice(0, end).split('\r\n');
  if (head.some((line) => line.includes('\n'))) throw notReadable();
  return { head, body: text.slice(end + 4) };
};

const headersOf = (lines: readonly string[]): Record<string, string> => {
  const entries = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    if (colon < 1) throw invalid(`The header '${line}' of a batch part is not valid.`);
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
  });
  return Object.fromEntries(entries);
};

const requestLine = /^(GET|POST|PATCH|PUT|DELETE) (\S+) HTTP\/1\.1$/;

const readPart = (text: string): ApiRequest => {
  const outer = headAndBody(text);
  const type = headersOf(outer.head)['content-type'] ?? '';
  if (type.startsWith('multipart/mixed')) {
    throw new DataverseError(
      400,
      '0x80040203',
      'Change sets are not part of this simulation: send each request as a part of its own.',
    );
  }
  if (type !== 'application/http') {
    throw invalid(`The content type '${type}' of a batch part is not valid: application/http was expected.`);
  }
  // A request without body may end right after its headers and their empty line.
  const inner = headAndBody(outer.body.includes('\r\n\r\n') ? outer.body : `${outer.body}\r\n`);
  const [first = '', ...rest] = inner.head;
  const match = requestLine.exec(first);
  if (match === null) throw invalid(`The request line '${first}' of a batch part is not valid.`);
  return {
    method: match[1] ?? '',
    url: match[2] ?? '',
    headers: headersOf(rest),
    body: inner.body.replace(/\r\n$/, ''),
  };
};

/** Reads a batch body. Line ends must be CRLF throughout, after the last delimiter too; at most 1,000 parts. */
export const parseBatch = (boundary: string, body: string): ApiRequest[] => {
  const delimiter = `--${boundary}`;
  if (!body.startsWith(`${delimiter}\r\n`) || !body.includes(`\r\n${delimiter}--\r\n`)) throw notReadable();
  const [content = ''] = body.split(`\r\n${delimiter}--\r\n`);
  const parts = content.slice(delimiter.length + 2).split(`\r\n${delimiter}\r\n`);
  if (parts.length > 1000) {
    throw new DataverseError(
      400,
      '0x80040203',
      'The number of requests in a batch exceeds the limit of 1000.',
    );
  }
  return parts.map(readPart);
};
