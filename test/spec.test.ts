import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = new URL('../', import.meta.url);
const invariants = readFileSync(new URL('SPEC.md', root), 'utf8')
  .split('## Gaps')[0]
  ?.split(/\n(?=\d+\. )/)
  .slice(1);

it('SPEC.md numbers its invariants, and each names a test that exists', () => {
  expect(invariants?.map((text) => parseInt(text, 10))).toEqual(invariants?.map((_, index) => index + 1));
  for (const invariant of invariants ?? []) {
    const tests = [...invariant.matchAll(/`(test\/[^`]+\.test\.ts)`/g)].flatMap(([, path]) => path ?? []);
    expect(tests, invariant).not.toEqual([]);
    for (const path of tests) expect(existsSync(fileURLToPath(new URL(path, root))), path).toBe(true);
  }
});
