import type { Answer } from './answers.js';

export interface BatchAnswers {
  /** In the order of the parts; `undefined` for a part without a readable HTTP answer. */
  readonly answers: readonly (Answer | undefined)[];
  /** The closing delimiter was there. Without it parts were lost on the way. */
  readonly closed: boolean;
}

/**
 * Reads a multipart answer, leniently: boundary quoted or not, lines ended by CRLF or LF, text before and after, nested
 * change-set answers. Never throws.
 * @returns `undefined` if the answer is not multipart at all
 */
export function readBatch(contentType: string | undefined, body: string): BatchAnswers | undefined {
  return read(contentType, body, answersOf);
}

function read(
  contentType: string | undefined,
  body: string,
  answersIn: (part: string) => (Answer | undefined)[],
): BatchAnswers | undefined {
  const boundary = boundaryOf(contentType);
  if (boundary === undefined) return undefined;
  const sections = sectionsOf(body, boundary);
  return {
    answers: sections.parts.flatMap((part, index) =>
      !sections.closed && index === sections.parts.length - 1 ? [undefined] : answersIn(part),
    ),
    closed: sections.closed,
  };
}

/** The boundary of a `multipart/…` content type. */
export function boundaryOf(contentType: string | undefined): string | undefined {
  if (contentType === undefined || !/^\s*multipart\//i.test(contentType)) return undefined;
  const found = /;\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType);
  return found?.[1] ?? found?.[2];
}

/** Splits at delimiter lines: a delimiter inside a line is content. */
function sectionsOf(body: string, boundary: string): { parts: string[]; closed: boolean } {
  const parts: string[] = [];
  let start: number | undefined;
  let position = 0;
  while (position <= body.length) {
    const lineEnd = body.indexOf('\n', position);
    const end = lineEnd === -1 ? body.length : lineEnd;
    const line = body.slice(position, end).trimEnd();
    const closing = line === `--${boundary}--`;
    if (closing || line === `--${boundary}`) {
      if (start !== undefined) parts.push(withoutLineEnd(body.slice(start, position)));
      if (closing) return { parts, closed: true };
      start = end + 1;
    }
    position = end + 1;
  }
  if (start !== undefined) parts.push(body.slice(start));
  return { parts, closed: false };
}

/** The line end before a delimiter belongs to the delimiter. */
const withoutLineEnd = (text: string): string => text.replace(/\r?\n$/, '');

/** A part is one answer, or a change set of some; those hold no further ones. */
function answersOf(part: string): (Answer | undefined)[] {
  if (/^\s*HTTP\//.test(part)) return [answerOf(part)];
  const { headers, rest } = headOf(part);
  const nested = read(headers['content-type'], rest, (inner) => [innerAnswer(inner)]);
  return nested === undefined ? [answerOf(rest)] : [...nested.answers];
}

const innerAnswer = (part: string): Answer | undefined =>
  answerOf(/^\s*HTTP\//.test(part) ? part : headOf(part).rest);

function answerOf(text: string): Answer | undefined {
  const statusLine = /^\s*HTTP\/\d(?:\.\d)? (\d{3})[^\r\n]*(?:\r?\n|$)/.exec(text);
  if (statusLine?.[1] === undefined) return undefined;
  const { headers, rest } = headOf(text.slice(statusLine[0].length));
  return { status: Number(statusLine[1]), headers, body: rest };
}

/** Header lines up to the first blank line, and what follows it. */
function headOf(text: string): { headers: Record<string, string>; rest: string } {
  const headers: Record<string, string> = {};
  let position = 0;
  while (position < text.length) {
    const lineEnd = text.indexOf('\n', position);
    const end = lineEnd === -1 ? text.length : lineEnd;
    const line = text.slice(position, end).trim();
    position = end + 1;
    if (line === '') break;
    const colon = line.indexOf(':');
    if (colon > 0) headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { headers, rest: text.slice(position) };
}
