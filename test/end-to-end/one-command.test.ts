import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

// The compiled program, as `npm start` runs it: `npm test` builds before it tests.
const program = join(import.meta.dirname, '../../dist/launch/start.js');
const LIMIT_MS = 180_000;

let dataDir = '';
/** Running programs, with the end of each. */
const running = new Map<ChildProcess, Promise<number | null>>();

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'contact-sync-one-command-'));
});

afterEach(async () => {
  // In order, also after a failed test: a killed program would leave its servers behind.
  for (const [child, ended] of running) {
    child.kill('SIGTERM');
    await ended;
  }
  rmSync(dataDir, { recursive: true, force: true });
});

const start = (...args: string[]) => {
  const env = { ...process.env, DATABASE_URL: '' };
  return follow(spawn(process.execPath, [program, '--data-dir', dataDir, ...args], { env }));
};

const follow = (child: ChildProcessWithoutNullStreams) => {
  const output = { text: '' };
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output.text += chunk.toString();
      listeners.forEach((listener) => listener());
    });
  }
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  running.set(child, ended);
  /** Waits until the program has said this; fails with all that it said when it ends before. */
  const said = (words: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (words.test(output.text)) resolve();
      };
      listeners.add(look);
      look();
      void ended.then((code) => reject(new Error(`It ended with ${code ?? 'no code'}: ${output.text}`)));
    });
  return { child, output, ended, said };
};

it(
  'a bounded run ends with both sides equal but for what is listed with its reason',
  async () => {
    const run = start('--cycles', '2', '--people', '200', '--rest', '1s', '--limits', 'off');
    expect(await run.ended, run.output.text).toBe(0);
    const { text } = run.output;
    expect(text).toMatch(/^Contact Sync: starting/);
    expect(text).toContain('rests between cycles are shortened to 1s; the product rests 5 minutes.');
    expect(text).toContain('worker and gateway ready, flow step installed, cycles started in');
    expect(text).toMatch(/First cycle completed \d+\.\d s after the start/);
    expect(text).toMatch(/^Cycle 1 completed in .*linked \d+; created \d+/m);
    expect(text).toMatch(/^Cycle 2 completed in /m);
    // Those of the population, and whoever filled in a form meanwhile.
    expect(text).toMatch(/^Compared field by field: [34],\d{3} values on 1[5-7]\d links\.$/m);
    expect(text).toMatch(/^ {2}unexplained {3}0$/m);
    // The population holds each kind of mess at least once, so that both kinds of reason must stand there.
    expect(text).toMatch(/^ +\d+ {2}ambiguous: several records have one e-mail$/m);
    expect(text).toMatch(/^ +\d+ {2}refused by Dynamics, .*\(too-long\)/m);
    expect(text).toMatch(/^ +\d+ {2}refused by Marketo, email/m);
    expect(text).toContain('Both sides are equal, but for what is listed above with its reason.');
    expect(readdirSync(join(dataDir, 'runs')), 'a run that went well leaves nothing').toEqual([]);
  },
  LIMIT_MS,
);

const cycleDone = /^Cycle \d+ completed/m;

it(
  'a start that was stopped goes on where it was; one whose worker dies says which and why',
  async () => {
    const first = start('--people', '60', '--rest', '1s', '--limits', 'off');
    await first.said(cycleDone);
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    expect(first.output.text).toContain('Stopped. The next npm start goes on from here.');

    const second = start('--rest', '1s', '--limits', 'off');
    await second.said(cycleDone);
    expect(second.output.text).toContain('going on from the last start');
    const [, number] = /^Cycle (\d+) completed/m.exec(second.output.text) ?? [];
    expect(Number(number)).toBeGreaterThan(1);
    expect(second.output.text, 'everybody was linked before').not.toMatch(/linked [1-9]/);

    const { processes } = JSON.parse(readFileSync(join(dataDir, 'demo.json'), 'utf8')) as {
      processes: number[];
    };
    const [, worker = 0] = processes;
    process.kill(worker, 'SIGKILL');
    expect(await second.ended).toBe(1);
    expect(second.output.text).toMatch(/The worker ended \(SIGKILL\)\. The last lines of .*worker\.log:/);
    expect(second.output.text).toContain('the worker is ready');
  },
  LIMIT_MS,
);

it.skipIf(process.platform === 'win32')(
  'when npm is told to end, whose shell passes nothing on, everything stops all the same',
  async () => {
    const command = `"${process.execPath}" "${program}" --data-dir "${dataDir}" --people 20 --rest 1s; true`;
    const env = { ...process.env, DATABASE_URL: '', npm_lifecycle_event: 'start' };
    const run = follow(spawn('sh', ['-c', command], { env }));
    await run.said(cycleDone);
    run.child.kill('SIGTERM');
    // Its output ends with the last process that writes to it.
    await run.ended;
    expect(run.output.text).toContain('Stopped. The next npm start goes on from here.');
  },
  LIMIT_MS,
);
