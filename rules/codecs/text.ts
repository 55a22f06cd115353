import type { DynamicsColumn, MarketoField } from '../catalog.js';
import { across, type FieldValue, type Side } from '../terms.js';
import { encoded, refused, type Codec, type Encoded } from './codec.js';

/** What Marketo documents where a field states no length (Adobe REST docs, "Field types"). */
const MARKETO_STRING_CHARACTERS = 255;
const MARKETO_TEXT_BYTES = 30_000;

/** Unicode code points: a surrogate pair is one. */
const codePoints = (text: string): number => text.replace(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g, '_').length;

/** UTF-8 bytes without an encoder, so that this also runs where only the language itself is at hand. */
function utf8Bytes(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/**
 * Refuses a text that is longer than the Marketo field: characters, or UTF-8 bytes for a `text` field. A field that
 * states no length has the documented one; a url has none.
 */
function tooLongForMarketo(text: string, field: MarketoField): Encoded | undefined {
  if (field.type === 'text') {
    const limit = field.length ?? MARKETO_TEXT_BYTES;
    const bytes = utf8Bytes(text);
    return bytes > limit ? tooLong(field.name, `${bytes} bytes`, limit) : undefined;
  }
  const limit = field.length ?? (field.type === 'url' ? Infinity : MARKETO_STRING_CHARACTERS);
  const characters = codePoints(text);
  return characters > limit ? tooLong(field.name, `${characters} characters`, limit) : undefined;
}

/** Dataverse counts UTF-16 units against MaxLength: an emoji is two. */
function tooLongForDynamics(text: string, column: DynamicsColumn): Encoded | undefined {
  const limit = column.maxLength ?? Infinity;
  return text.length > limit ? tooLong(column.name, `${text.length} characters`, limit) : undefined;
}

const tooLong = (name: string, size: string, limit: number): Encoded =>
  refused('too-long', `The value has ${size}; ${name} takes ${limit}.`);

/** Checks a text against the target and passes it on whole. */
export function encodeText(text: string, side: Side, field: MarketoField, column: DynamicsColumn): Encoded {
  const problem = side === 'marketo' ? tooLongForMarketo(text, field) : tooLongForDynamics(text, column);
  return problem ?? encoded(text);
}

/**
 * Text meets text exactly: letter case, spaces at either end and every character count. Only line ends are one (CRLF
 * and CR are LF), because editors on either side change them without anybody having edited anything.
 */
export function textCodec(field: MarketoField, column: DynamicsColumn): Codec {
  const canonical: Codec['canonical'] = (_side, value) => canonicalText(value);
  const encode: Codec['encode'] = (side, value) =>
    value === null ? encoded(null) : encodeText(String(value), side, field, column);
  return {
    blank: null,
    canonical,
    encode,
    convert: (from, value) => encode(across(from), canonicalText(value)),
  };
}

/** One blank for null, missing and ""; one line end. */
export function canonicalText(value: FieldValue | undefined): string | null {
  const text = value === null || value === undefined ? '' : String(value);
  return text === '' ? null : text.replace(/\r\n?/g, '\n');
}
