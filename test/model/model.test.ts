import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const RUNS = 500;
/** Another seed finds other things: `npm run model` draws one. */
const SEED = 20_261_127;

/** The command line as people run it, in a process of its own: its clock is put forward. */
const model = (...args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> =>
  new Promise((resolve, reject) => {
    const root = join(import.meta.dirname, '..', '..');
    const program = ['test/support/run-typescript.mjs', 'test/model/main.ts', ...args];
    const child = spawn(process.execPath, program, { cwd: root });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });

describe('Whatever people, remotes and workers do, the real system', () => {
  it(`comes to what the model says, in ${String(RUNS)} random scripts`, { timeout: 900_000 }, async () => {
    const { code, output } = await model('--runs', String(RUNS), '--seed', String(SEED));
    expect(output).toContain('The real system does what the model says.');
    expect(code).toBe(0);
  });
});
