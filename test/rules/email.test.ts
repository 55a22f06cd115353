import fc from 'fast-check';
import { expect, it } from 'vitest';
import { emailKey } from '../../rules/email.js';

it('matches an address whatever its letter case and outer spaces', () => {
  expect(emailKey('  Ada.Byron@Example.COM\t')).toBe('ada.byron@example.com');
});

it.each([null, undefined, '', '   '])('has no key for %j', (value) => {
  expect(emailKey(value)).toBeNull();
});

it('gives a key that is its own key', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      expect(emailKey(emailKey(value))).toBe(emailKey(value));
    }),
  );
});
