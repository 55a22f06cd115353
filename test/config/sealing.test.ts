import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CannotOpen, open, seal, sealingKey, type KeyRing } from '../../config/sealing.js';

const ring = (...keys: Buffer[]): KeyRing => keys.map(sealingKey) as unknown as KeyRing;
const [old, fresh] = [randomBytes(32), randomBytes(32)];

describe('A sealed text', () => {
  it('is opened by its key, for what it belongs to, and never sealed alike twice', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, bound) => {
        const sealed = seal(ring(old), text, bound);
        expect(open(ring(old), sealed, bound)).toBe(text);
        expect(seal(ring(old), text, bound)).not.toBe(sealed);
        expect(() => open(ring(old), sealed, `${bound}x`)).toThrow(CannotOpen);
      }),
    );
  });

  it('survives a rotation: the first key seals, all of them open', () => {
    const sealed = seal(ring(old), 'token', 'x');
    expect(open(ring(fresh, old), sealed, 'x')).toBe('token');
    expect(open(ring(fresh), seal(ring(fresh, old), 'token', 'x'), 'x')).toBe('token');
    expect(() => open(ring(fresh), sealed, 'x')).toThrow(`no key with the id ${sealingKey(old).id}`);
  });

  it('that was changed anywhere does not open', () => {
    const sealed = seal(ring(old), 'a token', 'x');
    for (let at = 0; at < sealed.length; at += 1) {
      const other = sealed[at] === 'A' ? 'B' : 'A';
      const changed = sealed.slice(0, at) + other + sealed.slice(at + 1);
      // The last character of base64 may hold bits that count for nothing.
      if (
        Buffer.from(changed.split('.').at(-1) ?? '', 'base64url').equals(
          Buffer.from(sealed.split('.').at(-1) ?? '', 'base64url'),
        ) &&
        at > sealed.lastIndexOf('.')
      )
        continue;
      expect(() => {
        if (open(ring(old), changed, 'x') !== 'a token') throw new Error('changed');
        // A part whose spare bits alone were changed is the same part.
        const parts = (text: string) =>
          text.split('.').map((part) => Buffer.from(part, 'base64url').toString('hex'));
        if (parts(changed).join() === parts(sealed).join()) throw new CannotOpen('', 'the same');
      }).toThrow();
    }
    for (const text of ['', 'v1', 'v2.a.b.c.d', 'v1.a.b.c'])
      expect(() => open(ring(old), text, 'x')).toThrow(CannotOpen);
  });
});
