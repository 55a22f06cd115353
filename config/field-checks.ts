import { KINDS } from '../rules/terms.js';
import type { FieldChoice } from '../rules/mapping.js';
import type { ScopeChoice } from '../rules/scope.js';
import type { KeyPath, Positions } from './positions.js';

/** What is wrong, and with which key. */
export interface Problem {
  readonly path: KeyPath;
  readonly message: string;
}

/** Fields that the sync itself keeps on a person, or that Marketo gives out. */
const RESERVED_FIELDS = new Set(['id', 'dynamicsId', 'dynamicsType', 'dynamicsDeleted']);
const RESERVED_COLUMNS = new Set(['leadid', 'contactid']);

/** A row of `fields` with its place in the list. */
export type Row = Readonly<{ index: number; choice: FieldChoice }>;

/** What is wrong with the selection as a whole, or with a row that is well formed. */
export const checkFields = (rows: readonly Row[], positions: Positions): readonly Problem[] => [
  ...rows.flatMap(checkRow),
  ...repeated(rows, 'marketo', (name) => `the person field ${name}`, positions),
  ...KINDS.flatMap((kind) => repeated(rows, kind, (name) => `the ${kind} column ${name}`, positions)),
];

/** A flag of the record filter is people's own: while it leaves a record out, nothing is written to that one. */
export const checkScope = (
  scope: ScopeChoice,
  rows: readonly Row[],
  positions: Positions,
): readonly Problem[] => [
  ...(scope.person !== undefined && RESERVED_FIELDS.has(scope.person)
    ? [
        {
          path: ['scope', 'person'],
          message: `${scope.person} is kept by the sync itself and cannot be a flag.`,
        },
      ]
    : []),
  ...flagsMapped(scope.person, 'person', 'marketo', rows, positions),
  ...KINDS.flatMap((kind) => flagsMapped(scope[kind], kind, kind, rows, positions)),
];

/** Whoever else writes to the stamp column takes the trace of our writes away. */
export const checkStampColumn = (
  name: unknown,
  rows: readonly Row[],
  positions: Positions,
): readonly Problem[] =>
  KINDS.flatMap((kind) => {
    const row = rows.find(({ choice }) => name !== undefined && choice[kind] === name);
    if (row === undefined) return [];
    const where = positions(['fields', row.index, kind]);
    const message = `${String(name)} is synced as a field at ${where}: the stamp column is the sync's own.`;
    return [{ path: ['stampColumn'], message }];
  }).slice(0, 1);

function flagsMapped(
  name: string | undefined,
  flag: keyof ScopeChoice,
  key: 'marketo' | 'lead' | 'contact',
  rows: readonly Row[],
  positions: Positions,
): readonly Problem[] {
  const row = rows.find(({ choice }) => name !== undefined && choice[key] === name);
  if (row === undefined) return [];
  const where = positions(['fields', row.index, key]);
  const message = `${name ?? ''} is synced as a field at ${where}: a flag of the filter cannot be, because nothing is written to a record that it leaves out.`;
  return [{ path: ['scope', flag], message }];
}

function checkRow({ index, choice }: Row): readonly Problem[] {
  const problem = (key: string, message: string): Problem => ({ path: ['fields', index, key], message });
  const problems: Problem[] = [];
  if (choice.lead === undefined && choice.contact === undefined) {
    problems.push({
      path: ['fields', index],
      message: 'has neither lead nor contact: name at least one column.',
    });
  }
  if (RESERVED_FIELDS.has(choice.marketo)) {
    problems.push(problem('marketo', `${choice.marketo} is kept by the sync itself and cannot be selected.`));
  }
  for (const kind of KINDS) {
    const column = choice[kind];
    if (column === undefined) continue;
    if (RESERVED_COLUMNS.has(column)) {
      problems.push(
        problem(kind, `${column} is the key of the row; the sync keeps it in dynamicsId by itself.`),
      );
    }
    if (column === 'followemail' && choice.consent) {
      problems.push(
        problem(
          kind,
          'followemail means the opposite of an opt-out: map donotbulkemail or donotemail instead.',
        ),
      );
    }
  }
  return problems;
}

function repeated(
  rows: readonly Row[],
  key: 'marketo' | 'lead' | 'contact',
  named: (name: string) => string,
  positions: Positions,
): readonly Problem[] {
  const first = new Map<string, number>();
  return rows.flatMap(({ index, choice }) => {
    const name = choice[key];
    if (name === undefined) return [];
    const earlier = first.get(name);
    if (earlier === undefined) {
      first.set(name, index);
      return [];
    }
    const where = positions(['fields', earlier, key]);
    return [{ path: ['fields', index, key], message: `${named(name)} is already mapped at ${where}.` }];
  });
}
