import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../launch/start/options.js';

const read = (args: readonly string[], env: Record<string, string> = {}) => {
  const said = { out: '', err: '' };
  const output = { out: (text: string) => (said.out += text), err: (text: string) => (said.err += text) };
  try {
    return { options: parseOptions(args, env, output), code: undefined, ...said };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { options: undefined, code: error.exitCode, ...said };
  }
};

describe('options of npm start', () => {
  it('asks for an endless demo of 2,000 people with a short rest by default', () => {
    expect(read([]).options).toEqual({
      ...{ cycles: null, people: 2000, limits: 'real', seed: 'contact-sync', editsPerMinute: 60 },
      ...{ forms: 10 },
      ...{ rest: { text: '10s', ms: 10_000 }, dataDir: '.contact-sync', timeoutMs: 600_000 },
      ...{ fresh: false, keep: false },
    });
  });

  it('asks for a bounded run with everything said', () => {
    const words =
      '--cycles 3 --rest 5s --people 200 --limits off --seed s --edits-per-minute 0 --forms 50 --timeout 90s';
    expect(read([...words.split(' '), '--data-dir', '/tmp/a b', '--fresh', '--keep']).options).toEqual({
      ...{ cycles: 3, people: 200, limits: 'off', seed: 's', editsPerMinute: 0, forms: 50 },
      ...{ rest: { text: '5s', ms: 5_000 }, dataDir: '/tmp/a b', timeoutMs: 90_000 },
      ...{ fresh: true, keep: true },
    });
  });

  it('takes the data folder from SYNC_DATA_DIR unless it is said; an empty value counts as not set', () => {
    expect(read([], { SYNC_DATA_DIR: '/data' }).options?.dataDir).toBe('/data');
    expect(read(['--data-dir', 'here'], { SYNC_DATA_DIR: '/data' }).options?.dataDir).toBe('here');
    expect(read([], { SYNC_DATA_DIR: '' }).options?.dataDir).toBe('.contact-sync');
  });

  it.each([
    [['--cycles', '0'], '--cycles'],
    [['--cycles', 'three'], '--cycles'],
    [['--rest', '5'], '--rest'],
    [['--rest', '-5s'], '--rest'],
    [['--people', '1e9'], '--people'],
    [['--limits', 'some'], '--limits'],
    [['--edits-per-minute', '-1'], '--edits-per-minute'],
    [['--forms', '101'], '--forms'],
    [['--timeout', 'soon'], '--timeout'],
    [['--data-dir', ' '], '--data-dir'],
    [['--colour'], '--colour'],
    [['3'], 'too many arguments'],
  ])('refuses %j in one clear line', (args, named) => {
    const { options, err, out } = read(args);
    expect(options).toBeUndefined();
    expect(err).toMatch(/^npm start: .*\n$/);
    expect(err).toContain(named);
    expect(out).toBe('');
  });

  it('tells all options with their defaults and ends well', () => {
    const { code, out } = read(['--help']);
    expect(code).toBe(0);
    expect(out).toContain('--rest <duration>            rest between two cycles (default: 10s)');
    expect(out).toContain('npm start -- --cycles 3 --rest 5s --people 2000');
    expect(out).not.toContain('[object Object]');
  });
});
