import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const folder = fileURLToPath(new URL('../../workflows/', import.meta.url));
const sdk = createRequire(import.meta.url)('@temporalio/worker/package.json') as { version: string };

/** The sources import nothing of ours but types, so the folder and the SDK's version say what the bundle holds. */
const fingerprint = (): string => {
  const hash = createHash('sha256').update(sdk.version);
  for (const name of readdirSync(folder).sort())
    if (name.endsWith('.ts')) hash.update(`\n${name}\n`).update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 24);
};

const make = async (): Promise<{ codePath: string }> => {
  const home = join(tmpdir(), 'contact-sync-test-bundles');
  const codePath = join(home, `${fingerprint()}.js`);
  if (existsSync(codePath)) return { codePath };
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(folder, 'index.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  await mkdir(home, { recursive: true });
  const draft = `${codePath}.${String(process.pid)}`;
  await writeFile(draft, code);
  await rename(draft, codePath);
  return { codePath };
};

let made: Promise<{ codePath: string }> | undefined;

/** The bundle of the workflows as they are now, made once for all test files. */
export const workflowBundle = (): Promise<{ codePath: string }> => (made ??= make());
