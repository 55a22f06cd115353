import type { Catalog, DynamicsColumn } from './catalog.js';
import type { FieldNotice } from './mapping.js';
import type { Scope, ScopeChoice, ScopeFlag } from './scope.js';
import { KINDS, type Kind } from './terms.js';

interface Mapped {
  readonly scope: Scope;
  readonly notices: readonly FieldNotice[];
}

type Notice = Pick<FieldNotice, 'code' | 'message'>;

/** The flags of the record filter as both schemas have them, and a notice for each that cannot be read any more. */
export const scopeOf = (choice: ScopeChoice, catalog: Catalog): Mapped => {
  const notices: FieldNotice[] = [];
  const flag = (key: Kind | 'person', name: string | undefined, notice: Notice | undefined) => {
    if (name === undefined) return null;
    const kind = key === 'contact' ? 'contact' : 'lead';
    if (notice !== undefined) notices.push({ kind, field: `scope.${key}`, ...notice });
    return { name, readable: notice === undefined } satisfies ScopeFlag;
  };
  const [lead, contact] = KINDS.map((kind) =>
    flag(kind, choice[kind], columnNotice(kind, choice[kind] ?? '', catalog)),
  );
  const person = flag('person', choice.person, personNotice(choice.person ?? '', catalog));
  return { scope: { lead: lead ?? null, contact: contact ?? null, person }, notices };
};

const STAYS = 'records stay in or out of scope as they were last known, and new ones wait.';

const columnNotice = (kind: Kind, name: string, { dynamics }: Catalog): Notice | undefined => {
  const columns: Readonly<Record<string, DynamicsColumn>> = dynamics[kind];
  const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
  const where = `${kind}.${name}`;
  if (column === undefined) {
    return { code: 'unknown-column', message: `The Dynamics table ${kind} has no column ${name}: ${STAYS}` };
  }
  if (column.type !== 'boolean') {
    return {
      code: 'types-cannot-meet',
      message: `${where} is of type ${column.type}, not boolean: ${STAYS}`,
    };
  }
  if (column.readable) return undefined;
  const message = `The sync user may not read ${where}: ${STAYS}`;
  return {
    code: 'unreadable',
    message: column.withheld === undefined ? message : `${message} ${column.withheld}`,
  };
};

const personNotice = (name: string, { marketo }: Catalog): Notice | undefined => {
  const field = Object.hasOwn(marketo, name) ? marketo[name] : undefined;
  if (field === undefined) {
    return { code: 'unknown-field', message: `Marketo shows our API user no person field ${name}: ${STAYS}` };
  }
  if (field.type === 'boolean') return undefined;
  return { code: 'types-cannot-meet', message: `${name} is of type ${field.type}, not boolean: ${STAYS}` };
};
