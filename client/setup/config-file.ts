import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { DEFAULT_CONFIG } from '../../config/default-config.js';
import {
  loadSyncConfig,
  parseSyncConfig,
  type LocatedConfig,
  type SyncConfig,
} from '../../config/sync-config.js';
import type { Catalog, DynamicsColumn } from '../../rules/catalog.js';
import { codecFor, meets } from '../../rules/codecs/index.js';
import type { FieldChoice } from '../../rules/mapping.js';
import { KINDS, type Kind } from '../../rules/terms.js';
import { refusal } from '../failure.js';

/** The field selection before the schemas are known: the file, or the default where there is no file yet. */
export interface ConfigProposal {
  readonly path: string;
  readonly exists: boolean;
  readonly config: SyncConfig;
}

/** @throws {ConfigurationError} when the file is there and cannot be used. */
export const proposeConfig = (path: string): ConfigProposal =>
  existsSync(path)
    ? { path, exists: true, config: loadSyncConfig(path).config }
    : { path, exists: false, config: parseSyncConfig(DEFAULT_CONFIG, path) };

export interface SettledConfig extends LocatedConfig {
  readonly path: string;
  readonly written: boolean;
  /** What the default selection lost because these systems do not have it, a sentence each. */
  readonly dropped: readonly string[];
}

/** Writes the default where there was no file: only what these two systems have. A file that exists is left as it is. */
export const settleConfig = async (proposal: ConfigProposal, catalog: Catalog): Promise<SettledConfig> => {
  const { path, exists, config } = proposal;
  if (exists) return { path, written: false, dropped: [], ...loadSyncConfig(path) };
  const { text, dropped } = defaultFor(config.fields, catalog);
  try {
    await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed';
    throw refusal(
      `The field selection cannot be written to ${path} (${code}).`,
      'Set SYNC_CONFIG to a path that can be written, or write the file yourself (docs/configuration.md).',
    );
  }
  return { path, written: true, dropped, ...loadSyncConfig(path) };
};

/** The default file, line by line, without what the catalog lacks; every row of it is one line. */
const defaultFor = (
  choices: readonly FieldChoice[],
  catalog: Catalog,
): { readonly text: string; readonly dropped: readonly string[] } => {
  const dropped: string[] = [];
  const lines = DEFAULT_CONFIG.split('\n').flatMap((line) => {
    const choice = choices.find(({ marketo }) => line.startsWith(`  - { marketo: ${marketo},`));
    if (choice === undefined) return [line];
    const lacks = lacking(choice, catalog);
    dropped.push(...lacks.map(({ reason }) => reason));
    const left = KINDS.filter(
      (kind) => choice[kind] !== undefined && lacks.every((lack) => lack.kind !== kind),
    );
    if (left.length === 0) return [];
    return [lacks.reduce((row, { kind }) => row.replace(new RegExp(`, ${kind}: [^,} ]+`), ''), line)];
  });
  // A heading of rows that all went would stand over nothing.
  return { text: lines.join('\n').replaceAll(/^ {2}#.*\n(?=\n)/gm, ''), dropped };
};

interface Lack {
  readonly kind: Kind;
  readonly reason: string;
}

const lacking = (choice: FieldChoice, catalog: Catalog): readonly Lack[] =>
  KINDS.flatMap((kind): Lack[] => {
    const name = choice[kind];
    if (name === undefined) return [];
    const what = `${choice.marketo} <-> ${kind}.${name}`;
    const field = Object.hasOwn(catalog.marketo, choice.marketo)
      ? catalog.marketo[choice.marketo]
      : undefined;
    if (field === undefined) return [{ kind, reason: `${what}: Marketo shows no such person field` }];
    const column = columnOf(catalog, kind, name);
    if (column === undefined) return [{ kind, reason: `${what}: Dynamics has no such column` }];
    const codec = codecFor(field, column);
    return meets(codec) ? [] : [{ kind, reason: `${what}: ${codec.cannotMeet}` }];
  });

const columnOf = (catalog: Catalog, kind: Kind, name: string): DynamicsColumn | undefined =>
  Object.hasOwn(catalog.dynamics[kind], name) ? catalog.dynamics[kind][name] : undefined;
