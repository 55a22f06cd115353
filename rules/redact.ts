/** Strikes secrets out of a text. */
export type Redact = (text: string) => string;

/**
 * A function that strikes out each of `secrets`, wherever a remote quotes it: as it is, percent-encoded (also twice, and
 * as a form encodes it), and escaped as in JSON or HTML. Each character may be in any of these forms. Empty ones are
 * passed over. A secret that holds another is struck out whole.
 */
export function redactor(secrets: readonly string[]): Redact {
  const longestFirst = [...new Set(secrets)]
    .filter((secret) => secret !== '')
    .toSorted((left, right) => right.length - left.length);
  if (longestFirst.length === 0) return (text) => text;
  let pattern: RegExp | undefined;
  return (text) => {
    // Most calls succeed, and a token is long: the pattern is made when it is needed.
    pattern ??= new RegExp(longestFirst.map(inAnyForm).join('|'), 'g');
    return text.replace(pattern, '***');
  };
}

const inAnyForm = (secret: string): string => Array.from(secret, anyFormOf).join('');

/** A pattern of one character in all its forms; itself last, since a form can begin with it. */
function anyFormOf(character: string): string {
  const forms = [percentEncoded(character), jsonEscaped(character), inHtml(character)];
  if (character === ' ') forms.push('\\+');
  const short = SHORT_ESCAPES[character];
  if (short !== undefined) forms.push(short);
  return `(?:${[...forms, literal(character)].join('|')})`;
}

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** Each byte of UTF-8 as `%2f`; a percent sign that was itself encoded is `%25`. */
const percentEncoded = (character: string): string =>
  [...new TextEncoder().encode(character)].map((byte) => `%(?:25)*${hexadecimal(byte, 2)}`).join('');

/** Each unit of UTF-16 as `\u002f`. */
const jsonEscaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_unit, at) => `\\\\+u${hexadecimal(character.charCodeAt(at), 4)}`,
  ).join('');

function inHtml(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  const named = NAMED[character];
  const numbered = `&#(?:0*${point}|[xX]0*${hexadecimal(point, 1)});`;
  return named === undefined ? numbered : `${numbered}|&${named};`;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '/': '\\\\+\\/',
  '"': '\\\\+"',
  '\\': '\\\\{2,}',
};

const NAMED: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
};

/** Digits in either case. */
const hexadecimal = (value: number, digits: number): string =>
  value
    .toString(16)
    .padStart(digits, '0')
    .replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
