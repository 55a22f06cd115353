import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createInstance } from '../../../simulators/marketo/instance.js';
import { restEndpoints } from '../../../simulators/marketo/rest/index.js';

const text = await readFile(new URL('../../../docs/simulators-marketo.md', import.meta.url), 'utf8');
const instance = createInstance({
  client: { id: 'c', secret: 's', user: 'u' },
  settings: {},
  now: () => 0,
});

describe('the documentation', () => {
  it('names every setting', () => {
    const unnamed = Object.keys(instance.settings.current).filter((name) => !text.includes(`\`${name}\``));
    expect(unnamed).toEqual([]);
  });

  it('names the resource of every call', () => {
    const first = (path: string): string => path.split(/[/.]/)[2] ?? '';
    const resources = new Set(restEndpoints(instance).map(({ path }) => first(path)));
    expect([...resources].filter((resource) => !new RegExp(`[\`/]${resource}\\b`).test(text))).toEqual([]);
  });
});
