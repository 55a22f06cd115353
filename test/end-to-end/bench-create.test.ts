import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';

// The compiled program, as `npm run bench:create` runs it: `npm test` builds before it tests.
const program = join(import.meta.dirname, '../../dist/bench/create/main.js');

interface Printed {
  readonly alone: Readonly<Record<string, { readonly count: number; readonly p50: number }>>;
  readonly bursts: readonly object[];
  readonly besideCycle: null;
  readonly verdict: string;
}

/** Its times are the machine's and are not looked at; that it measures, counts and judges is. */
it('the benchmark of creations measures requests, counts their calls and says what it thinks of them', async () => {
  const args = ['--people', '30', '--requests', '2', '--pace', '0', '--burst', '3', '--no-cycle', '--json'];
  const bench = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  bench.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const [code] = (await once(bench, 'close')) as [number];
  const { alone, bursts, besideCycle, verdict } = JSON.parse(printed) as Printed;
  expect(['within', 'above'][code]).toBe(verdict);
  for (const name of ['request', 'bare', 'overhead', 'taken', 'told']) {
    expect(alone[name]).toMatchObject({ count: 2, p95: expect.any(Number) as number });
    expect(alone[name]?.p50).not.toBeNaN();
  }
  const least = { marketo: 3, dynamics: 3, both: 6 };
  expect(bursts).toMatchObject([
    { form: 'trigger', persons: 3, minimumPerPerson: least, ratio: { most: 1.2, is: 'within' } },
    // Three calls of Marketo, two searches and a batch for all three of them.
    { form: 'chunks', persons: 3, callsPerPerson: { both: 2 }, ratio: { value: 1, is: 'within' } },
  ]);
  expect(besideCycle).toBeNull();
}, 180_000);
