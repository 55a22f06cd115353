import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactor } from '../../rules/redact.js';

const SECRET = 'p@ss/w+rd=é "x"\\';
const redact = redactor([SECRET]);

const asForm = (text: string): string => new URLSearchParams([['s', text]]).toString().slice(2);
const inUnits = (text: string): string =>
  Array.from(
    { length: text.length },
    (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');
const inNumbers = (text: string): string => Array.from(text, (one) => `&#${one.codePointAt(0)};`).join('');

const FORMS: Readonly<Record<string, (text: string) => string>> = {
  'as it is': (text) => text,
  'encoded for an address': encodeURIComponent,
  'encoded in lower case': (text) => encodeURIComponent(text).replace(/%../g, (byte) => byte.toLowerCase()),
  'encoded twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'encoded for a form': asForm,
  'escaped for JSON': (text) => JSON.stringify(text).slice(1, -1),
  'escaped for JSON twice': (text) => JSON.stringify(JSON.stringify(text)).slice(3, -3),
  'escaped for JSON with its slashes': (text) => JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
  'escaped for JSON in units': inUnits,
  'in numbers of HTML': inNumbers,
};

describe('A secret', () => {
  it.each(Object.entries(FORMS))('%s is struck out', (_form, formed) => {
    expect(redact(`before ${formed(SECRET)} and after, ${formed(SECRET)}.`)).toBe(
      'before *** and after, ***.',
    );
  });

  it('is struck out in every form, whatever it is made of', () => {
    const form = fc.constantFrom(...Object.values(FORMS));
    const secret = fc.string({ unit: 'grapheme', minLength: 6 });
    fc.assert(
      fc.property(secret, form, (text, formed) => {
        expect(redactor([text])(`<${formed(text)}>`)).not.toContain(formed(text));
      }),
    );
  });

  it('that holds another is struck out whole', () => {
    expect(redactor(['token', 'token-1'])('Bearer token-1, token')).toBe('Bearer ***, ***');
  });

  it('that is empty changes nothing, nor does a text without one', () => {
    expect(redactor([''])('left alone')).toBe('left alone');
    expect(redact('p@ss/w+rd without its end')).toBe('p@ss/w+rd without its end');
  });
});
