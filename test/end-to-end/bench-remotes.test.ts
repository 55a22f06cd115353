import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';

// The compiled program, as `npm run bench:remotes` runs it: `npm test` builds before it tests.
const program = join(import.meta.dirname, '../../dist/bench/remotes/main.js');

it('a benchmark that is killed leaves no simulators behind', async () => {
  const bench = spawn(process.execPath, [program], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  bench.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.includes('Ctrl-C ends both')) bench.kill('SIGKILL');
  });
  // The output ends with the last process that writes to it: the simulators.
  await once(bench, 'close');
  expect(said).toContain('8000 people. Ctrl-C ends both.');
}, 120_000);
