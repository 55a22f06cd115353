// `npm test`: the checks of the sources side by side, then the tests if none of them fails. No dependencies.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuild, root, run, runNpm } from './prepare.mjs';

const npmScript = (name) => () => runNpm(['run', '--silent', name]);

const build = async (say) => {
  try {
    await ensureBuild(say, 1);
    return 0;
  } catch (error) {
    say(error.message);
    return 1;
  }
};

/** A file that could not even be loaded has no tests in it, and still is a failure. */
const countTests = (reportFile) => {
  if (!existsSync(reportFile)) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(readFileSync(reportFile, 'utf8'));
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
};

export const closingLine = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

/** Runs vitest; answers its exit code and how many tests passed, failed and were skipped. */
export const runTests = async (args) => {
  const folder = mkdtempSync(join(tmpdir(), 'contact-sync-report-'));
  const report = join(folder, 'report.json');
  try {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const code = await run(process.execPath, [vitest, 'run', ...reporters, ...args]);
    const counts = countTests(report);
    // An error outside of any test fails the run as well.
    return { code, counts: code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

export const timed = async (say, name, work) => {
  say(`\n=== ${name}`);
  const startedAt = Date.now();
  const outcome = await work();
  const ok = (outcome.code ?? outcome) === 0;
  say(`=== ${name}: ${ok ? 'ok' : 'FAILED'}, ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  return outcome;
};

/** Runs all checks; answers the exit code. `args` go to vitest. Ends with one plain line that counts the tests. */
export const runChecks = async (say, args) => {
  const steps = [
    ['format', npmScript('format:check')],
    ['lint', npmScript('lint')],
    ['types', npmScript('types')],
    ['build', () => build(say)],
  ];
  const codes = await Promise.all(steps.map(([name, step]) => timed(say, name, step)));
  const failed = steps.flatMap(([name], index) => (codes[index] === 0 ? [] : name));
  if (failed.length > 0) {
    say(`Stopped at ${failed.join(', ')}: no test was run, each failed check counts as one.`);
    say(closingLine({ passed: 0, failed: failed.length, skipped: 0 }));
    return 1;
  }
  const { code, counts } = await timed(say, 'tests', () => runTests(args));
  say(closingLine(counts));
  return code;
};
