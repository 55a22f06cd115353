import type { ChangeSet, SetMember } from './change-sets.js';
import { DataverseError, payloadError } from '../errors.js';
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

/** Texts between the delimiters; empty lines may stand before the first. */
const partsOf = (boundary: string, body: string): string[] => {
  const delimiter = `--${boundary}`;
  const text = body.replace(/^(\r\n)+/, '');
  if (!text.startsWith(`${delimiter}\r\n`) || !text.includes(`\r\n${delimiter}--\r\n`)) throw notReadable();
  const [content = ''] = text.split(`\r\n${delimiter}--\r\n`);
  return content.slice(delimiter.length + 2).split(`\r\n${delimiter}\r\n`);
};

const headersOf = (lines: readonly string[]): Record<string, string> => {
  const entries = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    if (colon < 1) throw invalid(`The header '${line}' of a batch part is not valid.`);
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
  });
  return Object.fromEntries(entries);
};

/** The address reaches from the first space to the last: Microsoft's own Python client leaves spaces in it. */
const requestLine = /^(GET|POST|PATCH|PUT|DELETE) (\S(?:.*\S)?) HTTP\/1\.1$/;

const readPart = (text: string): ApiRequest | ChangeSet => {
  const outer = headAndBody(text);
  const type = headersOf(outer.head)['content-type'] ?? '';
  if (type.startsWith('multipart/mixed')) return readSet(boundaryOf(type), outer.body);
  return readRequest(outer);
};

/** A change set is a batch of its own, whose parts have a `Content-ID` each. */
const readSet = (boundary: string, body: string): ChangeSet => {
  const members = partsOf(boundary, `${body}\r\n`).map((text): SetMember => {
    const outer = headAndBody(text);
    const contentId = headersOf(outer.head)['content-id'];
    if (contentId !== undefined) return { ...readRequest(outer), contentId };
    throw new DataverseError(
      400,
      '0x80060888',
      'Content-ID header not present in a request of the change set.',
    );
  });
  const ids = new Set(members.map(({ contentId }) => contentId));
  if (ids.size === members.length) return { members };
  throw new DataverseError(400, '0x80060888', 'A Content-ID is used more than once in the change set.');
};

const readRequest = (outer: { head: readonly string[]; body: string }): ApiRequest => {
  const type = headersOf(outer.head)['content-type'] ?? '';
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

/** Members of change sets count one by one. */
export const countRequests = (parts: readonly (ApiRequest | ChangeSet)[]): number =>
  parts.reduce((sum, part) => sum + ('members' in part ? part.members.length : 1), 0);

/** Reads a batch body. Line ends must be CRLF throughout, after the last delimiter too; at most 1,000 parts. */
export const parseBatch = (boundary: string, body: string): (ApiRequest | ChangeSet)[] => {
  const parts = partsOf(boundary, body).map(readPart);
  if (countRequests(parts) > 1000) {
    throw new DataverseError(
      400,
      '0x80040203',
      'The number of requests in a batch exceeds the limit of 1000.',
    );
  }
  return parts;
};
