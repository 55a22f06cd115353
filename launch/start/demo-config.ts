import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import { readSyncConfig, type SyncConfig } from '../../config/sync-config.js';
import type { Folder } from './folder.js';

/** Beside a rest of minutes these are minutes; beside one of seconds they would be most of what one sees. */
const SHORT = { overlap: '10s', doubt: '5s' } as const;
/** A pass every week would never be seen. */
const PASSES = { every: '10m', callsPerMinute: 60 } as const;

export interface DemoConfig {
  /** Absolute path, for SYNC_CONFIG. */
  readonly file: string;
  readonly config: SyncConfig;
}

const HEAD =
  '# Written by npm start from the sync.config.yaml of the repository; see the end for what is different.\n';

/**
 * The repository's field selection for the demo: nobody else calls the simulated Marketo, so that the sync may use all
 * of its limit; and with short spans of time, which suit a log that is never late.
 */
export const forDemo = (text: string, short: boolean): string => {
  const document = parseDocument(text);
  document.setIn(['budget', 'marketo', 'share'], 1);
  if (short) for (const [key, span] of Object.entries(SHORT)) document.setIn(['timing', key], span);
  if (short)
    for (const [key, value] of Object.entries(PASSES)) document.setIn(['reconciliation', key], value);
  // The first line of the original names a schema by a path that is another one here.
  return HEAD + document.toString().replace(/^# yaml-language-server:.*\n/, '');
};

/** Writes the field selection of this run into its folder. @throws {ConfigurationError} when the original is wrong. */
export const writeDemoConfig = async ({ path }: Folder, short: boolean): Promise<DemoConfig> => {
  const original = fileURLToPath(new URL('../../../sync.config.yaml', import.meta.url));
  const text = await readFile(original, 'utf8');
  const file = join(path, 'sync.config.yaml');
  await writeFile(file, forDemo(text, short));
  return { file, config: readSyncConfig(file) };
};
