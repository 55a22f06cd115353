import { ApiFailure } from '../failure.js';
import type { Field } from '../fields/field.js';
import type { Instance } from '../instance.js';
import { syncLeadsEndpoint } from '../rest/sync-leads.js';
import { WEB_SERVICE } from '../activities/origins.js';
import { storable } from '../fields/values.js';
import { parsedRows } from './delimited.js';
import type { ImportOutcome, ImportRequest } from './imports.js';

type Values = Readonly<Record<string, unknown>>;

/** Carries an import out: each row for itself, as Sync Leads would, by the lookup field. */
export function runImport(instance: Instance, request: ImportRequest): ImportOutcome {
  const [header = [], ...rows] = parsedRows(request.format, request.text.replace(/^\uFEFF/, ''));
  const problem = problemOf(instance, request, header);
  const failures: string[][] = [];
  const warnings: string[][] = [];
  let imported = 0;
  let members = 0;
  for (const row of problem === undefined ? rows : []) {
    const { values, warning } = valuesOf(instance, header, row);
    const outcome =
      row.length === header.length ? sync(instance, request, values) : 'Wrong number of columns';
    if (typeof outcome === 'string') {
      failures.push([...row, outcome]);
      continue;
    }
    imported++;
    if (warning !== undefined) warnings.push([...row, warning]);
    const list = request.listId === undefined ? undefined : instance.lists.byId(request.listId);
    if (!list) continue;
    instance.lists.join(list, outcome, WEB_SERVICE);
    members++;
  }
  return {
    ...{ header, imported, members, failures, warnings },
    ...(problem === undefined ? {} : { problem }),
  };
}

function problemOf(
  instance: Instance,
  request: ImportRequest,
  header: readonly string[],
): string | undefined {
  if (header.length === 0) return 'File is empty';
  const unknown = header.find((name) => !instance.fields.seen(name));
  if (unknown !== undefined) return `Field '${unknown}' not found`;
  return header.includes(request.lookupField) ? undefined : `Lookup field '${request.lookupField}' not found`;
}

/** The values of a row; one that its field cannot hold is left out, with a warning. */
function valuesOf(
  instance: Instance,
  header: readonly string[],
  row: readonly string[],
): { readonly values: Values; readonly warning?: string } {
  const values: Record<string, unknown> = {};
  let warning: string | undefined;
  header.forEach((name, column) => {
    const text = row[column] ?? '';
    const field = instance.fields.seen(name);
    // An empty cell says nothing; the word null empties a field.
    if (!field || text === '') return;
    const value = text === 'null' ? null : valueOf(field, text);
    if (storable(field, value) !== undefined) values[name] = value;
    else warning ??= `Invalid value for field '${name}' and value '${text}'`;
  });
  return warning === undefined ? { values } : { values, warning };
}

function valueOf(field: Field, text: string): unknown {
  switch (field.dataType) {
    case 'boolean':
      return { true: true, '1': true, false: false, '0': false }[text.toLowerCase()] ?? text;
    case 'integer':
    case 'score':
    case 'percent':
    case 'float':
    case 'currency':
    case 'reference':
      return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
    default:
      return text;
  }
}

/** The id of the person, or why the row failed. */
function sync(
  instance: Instance,
  { user, lookupField, partitionName }: ImportRequest,
  values: Values,
): number | string {
  const action = lookupField === 'id' ? 'updateOnly' : 'createOrUpdate';
  const partition = partitionName === undefined || action === 'updateOnly' ? {} : { partitionName };
  try {
    const answer = syncLeadsEndpoint(instance).answer({
      path: {},
      query: {},
      body: { action, lookupField, ...partition, input: [values] },
      user,
      range: undefined,
      takeTwin: () => false,
    });
    const [result] = ('result' in answer ? answer.result : undefined) ?? [];
    const { id, reasons } = result as { id?: number; reasons?: readonly { readonly message: string }[] };
    return id !== undefined && reasons === undefined ? id : (reasons?.[0]?.message ?? 'Import failed');
  } catch (error) {
    if (error instanceof ApiFailure) return error.message;
    throw error;
  }
}
