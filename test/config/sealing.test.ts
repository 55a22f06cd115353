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
    const [version = '', id = '', ...parts] = sealed.split('.');
    const bytes = parts.map((part) => Buffer.from(part, 'base64url'));
    for (const [index, part] of bytes.entries()) {
      for (const at of part.keys()) {
        const changed = bytes.map((each) => Buffer.from(each));
        changed[index]?.writeUInt8((part[at] ?? 0) ^ 1, at);
        const text = [version, id, ...changed.map((each) => each.toString('base64url'))].join('.');
        expect(() => open(ring(old), text, 'x')).toThrow(CannotOpen);
      }
    }
    for (const text of ['', 'v1', 'v2.a.b.c.d', 'v1.a.b.c', sealed.replace(id, '0'.repeat(12))])
      expect(() => open(ring(old), text, 'x')).toThrow(CannotOpen);
  });
});
