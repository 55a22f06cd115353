import type { Catalog } from '../rules/catalog.js';
import { codecFor, meets } from '../rules/codecs/index.js';
import type { FieldChoice } from '../rules/mapping.js';
import { misfitOf } from '../rules/stamp-column.js';
import { KINDS, type Kind } from '../rules/terms.js';
import { didYouMean } from './nearest.js';
import { keyName, type KeyPath, type Positions } from './positions.js';
import type { SyncConfig } from './sync-config.js';

/**
 * What in the field selection does not fit the schemas: fields and columns that do not exist, and types that cannot meet.
 * Each problem reads `file:line:column: key: what is wrong`. Missing rights are no mistake of the file: `mapFields` tells
 * them as notices.
 */
export function checkAgainstCatalog(config: SyncConfig, catalog: Catalog, positions: Positions): string[] {
  const tell = (path: KeyPath, message: string): string => `${positions(path)}: ${keyName(path)}: ${message}`;
  const fields = config.fields.flatMap((choice, index) => [
    ...checkField(choice, catalog).map((message) => tell(['fields', index, 'marketo'], message)),
    ...KINDS.flatMap((kind) =>
      checkColumn(choice, kind, catalog).map((message) => tell(['fields', index, kind], message)),
    ),
  ]);
  const flags = (['lead', 'contact', 'person'] as const).flatMap((key) =>
    checkFlag(config.scope[key], key, catalog).map((message) => tell(['scope', key], message)),
  );
  const stamps = checkStamps(config.stampColumn, catalog).map((message) => tell(['stampColumn'], message));
  return [...fields, ...flags, ...stamps];
}

/** A flag of the record filter is there and says Yes or No. */
function checkFlag(name: string | undefined, key: Kind | 'person', catalog: Catalog): readonly string[] {
  if (name === undefined) return [];
  const known: Readonly<Record<string, { readonly type: string }>> =
    key === 'person' ? catalog.marketo : catalog.dynamics[key];
  const found = Object.hasOwn(known, name) ? known[name] : undefined;
  if (found?.type === 'boolean') return [];
  if (found !== undefined) return [`${name} is of type ${found.type}; a flag has to be of type boolean.`];
  const flags = Object.keys(known).filter((other) => known[other]?.type === 'boolean');
  return [key === 'person' ? noField(name, flags) : noColumn(key, name, flags)];
}

/** The stamp column is there on both tables and takes a stamp. */
function checkStamps(name: string | undefined, { dynamics }: Catalog): readonly string[] {
  if (name === undefined) return [];
  return KINDS.flatMap((kind) => {
    const column = Object.hasOwn(dynamics[kind], name) ? dynamics[kind][name] : undefined;
    if (column === undefined) return [noColumn(kind, name, Object.keys(dynamics[kind]))];
    const misfit = misfitOf(kind, name, column);
    return misfit === undefined ? [] : [`${misfit.message}.`];
  });
}

const noField = (name: string, others: readonly string[]): string =>
  `Marketo shows our API user no person field "${name}".${didYouMean(name, others)}`;

const noColumn = (kind: Kind, name: string, others: readonly string[]): string =>
  `the Dynamics table ${kind} has no column "${name}".${didYouMean(name, others)}`;

function checkField({ marketo }: FieldChoice, catalog: Catalog): readonly string[] {
  if (Object.hasOwn(catalog.marketo, marketo)) return [];
  return [noField(marketo, Object.keys(catalog.marketo))];
}

function checkColumn(choice: FieldChoice, kind: Kind, catalog: Catalog): readonly string[] {
  const name = choice[kind];
  if (name === undefined) return [];
  const columns = catalog.dynamics[kind];
  const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
  if (column === undefined) return [noColumn(kind, name, Object.keys(columns))];
  const field = Object.hasOwn(catalog.marketo, choice.marketo) ? catalog.marketo[choice.marketo] : undefined;
  if (field === undefined) return [];
  const found = codecFor(field, column);
  return meets(found) ? [] : [`the types cannot meet: ${found.cannotMeet}`];
}
