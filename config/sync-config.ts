import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import type { Thresholds } from '../rules/guard.js';
import type { FieldChoice } from '../rules/mapping.js';
import type { ScopeChoice } from '../rules/scope.js';
import { ConfigurationError } from './configuration-error.js';
import { checkFields, checkScope, checkStampColumn, type Problem, type Row } from './field-checks.js';
import { didYouMean } from './nearest.js';
import { at, keyName, positionsIn, type KeyPath, type Positions } from './positions.js';
import { fieldSchema, scopeSchema, syncConfigSchema } from './sync-config-schema.js';

/** `sync.config.yaml`, with its defaults filled in. */
export interface SyncConfig {
  readonly fields: readonly FieldChoice[];
  readonly scope: ScopeChoice;
  /** Column of both tables that carries which write of ours a row was given last. */
  readonly stampColumn?: string | undefined;
  readonly onMarketoDelete: 'keep' | 'recreate';
  /** Shares of each remote's limits, above 0 and at most 1; calls of Marketo's day. */
  readonly budget: {
    readonly marketo: {
      readonly share: number;
      readonly dailyQuota: number;
      readonly dailyReserve: number;
    };
    readonly dynamics: { readonly share: number };
  };
  /** Passes over all records; `every` in milliseconds, null for off. */
  readonly reconciliation: { readonly every: number | null; readonly callsPerMinute: number };
  /** Milliseconds. */
  readonly timing: {
    readonly overlap: number;
    readonly doubt: number;
    readonly call: number;
    readonly takeover: number;
    readonly probe: number;
  };
  /** Of the guard on mass change; null: it is off. */
  readonly guard: Thresholds | null;
  /** Whole months that the ledger is kept besides the current one. */
  readonly ledger: { readonly months: number };
}

/** The configuration with the places of its keys, for messages about them. */
export interface LocatedConfig {
  readonly config: SyncConfig;
  readonly positions: Positions;
}

/**
 * Reads the text of a configuration file; `file` is its name in messages.
 *
 * @throws {ConfigurationError} listing every problem as `file:line:column: key: what is wrong`.
 */
export const parseSyncConfig = (text: string, file: string): SyncConfig =>
  locateSyncConfig(text, file).config;

/** Reads the configuration file at `path`. @throws {ConfigurationError} as `parseSyncConfig`, or if there is no such file. */
export const readSyncConfig = (path: string): SyncConfig => loadSyncConfig(path).config;

/** As `readSyncConfig`, with the places of the keys. */
export function loadSyncConfig(path: string): LocatedConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    const advice = 'Run "contact-sync setup" to write one, or set SYNC_CONFIG to its path.';
    throw new ConfigurationError('The field selection cannot be read:', [`${path}: ${code}. ${advice}`], {
      cause: error,
    });
  }
  return locateSyncConfig(text, path);
}

function locateSyncConfig(text: string, file: string): LocatedConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const fail = (problems: readonly string[]): never => {
    throw new ConfigurationError('The field selection cannot be used (docs/configuration.md):', problems);
  };
  if (document.errors.length > 0) {
    return fail(document.errors.map(({ pos, message }) => `${at(lines, file, pos[0])}: ${message}`));
  }
  const positions = positionsIn(document, lines, file);
  const content = plain(document);
  if (!content.ok) return fail([`${at(lines, file, 0)}: ${content.message}`]);

  const rows = wellFormedRows(content.value);
  const parsed = syncConfigSchema.safeParse(content.value);
  const problems = [
    ...(parsed.success ? [] : parsed.error.issues.flatMap((issue) => described(issue, content.value))),
    ...checkFields(rows, positions),
    ...checkScope(wellFormedScope(content.value), rows, positions),
    ...checkStampColumn(valueAt(content.value, ['stampColumn']), rows, positions),
  ];
  if (parsed.success && problems.length === 0) return { config: parsed.data, positions };
  return fail(
    problems.map(
      ({ path, message }) => `${positions(path)}: ${[keyName(path), message].filter(Boolean).join(': ')}`,
    ),
  );
}

type Content =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string };

/** The document as plain values; an alias without its anchor, or too many of them, has none. */
function plain(document: Document.Parsed): Content {
  try {
    return { ok: true, value: document.toJS() as unknown };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

/** The rows that can be judged together even while others are malformed, so that one error lists everything. */
function wellFormedRows(content: unknown): readonly Row[] {
  const fields = valueAt(content, ['fields']);
  if (!Array.isArray(fields)) return [];
  return fields.flatMap((row: unknown, index) => {
    const parsed = fieldSchema.safeParse(row);
    return parsed.success ? [{ index, choice: parsed.data }] : [];
  });
}

function wellFormedScope(content: unknown): ScopeChoice {
  const parsed = scopeSchema.safeParse(valueAt(content, ['scope']));
  return parsed.success ? parsed.data : {};
}

function valueAt(content: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? (value as Readonly<Record<string | number, unknown>>)[step]
        : undefined,
    content,
  );
}

const KEYS: Readonly<Record<string, readonly string[]>> = {
  '': [
    ...['fields', 'scope', 'stampColumn', 'onMarketoDelete', 'budget'],
    ...['reconciliation', 'timing', 'guard', 'ledger'],
  ],
  fields: ['marketo', 'lead', 'contact', 'direction', 'consent'],
  scope: ['lead', 'contact', 'person'],
  budget: ['marketo', 'dynamics'],
  'budget.marketo': ['share', 'dailyQuota', 'dailyReserve'],
  'budget.dynamics': ['share'],
  timing: ['overlap', 'doubt', 'call', 'takeover', 'probe'],
  guard: ['clears', 'deletes', 'writes', 'sameValue', 'atLeast'],
  ledger: ['months'],
  reconciliation: ['every', 'callsPerMinute'],
};

const NOUNS: Readonly<Record<string, string>> = {
  string: 'a text',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  object: 'a map of keys',
};

/** A schema issue in words: what was found there, and what is expected. */
function described(issue: z.core.$ZodIssue, content: unknown): readonly Problem[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  const found = valueAt(content, path);
  if (issue.code === 'unrecognized_keys') {
    const known = KEYS[path[0] === 'fields' ? 'fields' : keyName(path)] ?? [];
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `unknown key.${didYouMean(key, known) || ` Known are ${known.join(', ')}.`}`,
    }));
  }
  if (issue.code === 'invalid_union') return ofUnion(issue, content);
  if (issue.code === 'invalid_value') {
    const options = issue.values.map(String);
    const hint = typeof found === 'string' ? didYouMean(found, options) : '';
    return [{ path, message: `must be ${options.join(', ')}; it is ${shown(found)}.${hint}` }];
  }
  if (issue.code === 'invalid_type') {
    const noun = NOUNS[issue.expected] ?? issue.expected;
    return [
      { path, message: found === undefined ? missing(path) : `must be ${noun}; it is ${shown(found)}.` },
    ];
  }
  return [{ path, message: issue.message }];
}

/** Off, or a map of keys: what is wrong with the form that was meant. */
function ofUnion(issue: z.core.$ZodIssueInvalidUnion, content: unknown): readonly Problem[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  const found = valueAt(content, path);
  const inside = issue.errors
    .flat()
    .filter(({ path: below, code }) => below.length > 0 || code === 'unrecognized_keys');
  if (typeof found !== 'object' || inside.length === 0)
    return [{ path, message: `must be off, or a map of keys; it is ${shown(found)}.` }];
  return inside.flatMap((each) => described({ ...each, path: [...path, ...each.path] }, content));
}

const missing = (path: KeyPath): string =>
  path.length === 1
    ? 'is missing: list the fields to sync.'
    : 'is missing: name the person field by its REST name.';

function shown(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map of keys';
  if (typeof value === 'string') return `"${value}"`;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeof value;
}
