// Bundles the compiled workflows for the worker, once per build: node launch/bundle.mjs
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';

const workflowsPath = fileURLToPath(new URL('../dist/workflows/index.js', import.meta.url));
const bundlePath = fileURLToPath(new URL('../dist/workflow-bundle.js', import.meta.url));

if (existsSync(workflowsPath)) {
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  await writeFile(bundlePath, code);
  console.error(`Workflow bundle: ${(code.length / 1e6).toFixed(1)} MB`);
} else {
  console.error('No workflow bundle: dist/workflows/index.js does not exist (run tsc -b first)');
}
