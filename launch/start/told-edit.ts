import { plainLine } from './text.js';
import type { ToldEdit } from './simulators.js';

const nounOf = (edit: ToldEdit): string => {
  if (edit.record?.side === 'marketo') return `person ${edit.record.id}`;
  const table = (edit.record?.table ?? edit.table) === 'contacts' ? 'contact' : 'lead';
  const id = edit.record === undefined ? '' : ` ${String(edit.record.id).slice(0, 8)}`;
  return `${table}${id}`;
};

const valueText = (value: string | number | boolean | null): string =>
  value === null || value === '' ? '(blank)' : plainLine(String(value));

/** What a simulated person did, in one line: `Dynamics  lead 1f0c2a9e: jobtitle = Head of Sales`. */
export const editText = (edit: ToldEdit): string => {
  if (edit.what === 'form') {
    const { email = null } = edit.values ?? {};
    return `Marketo   form ${plainLine(edit.form ?? '')} filled in by ${valueText(email)}`;
  }
  const side = edit.record?.side === 'marketo' ? 'Marketo ' : 'Dynamics';
  const head = `${side}  ${nounOf(edit)}`;
  if (edit.what === 'delete') return `${head}: deleted`;
  if (edit.what === 'create') return `${side}  new ${nounOf(edit)}`;
  const values = Object.entries(edit.values ?? {}).map(([name, value]) => `${name} = ${valueText(value)}`);
  const both = edit.collision ? ' (on both sides at once)' : '';
  return `${head}: ${values.join(', ')}${both}`;
};
