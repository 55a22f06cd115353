import type { DynamicsColumn, MarketoField } from './catalog.js';
import { codecFor, meets } from './codecs/index.js';
import { scopeOf } from './map-scope.js';
import { stampColumnsOf } from './stamp-column.js';
import { LINEAGE } from './succession.js';
import type { FieldChoice, FieldNotice, MappedField, Mapping, MappingInput } from './mapping.js';
import { KINDS, type Direction, type Kind } from './terms.js';

type Notice = Pick<FieldNotice, 'code' | 'message'>;
type Outcome = Readonly<{ field?: MappedField; notice?: Notice }>;

/**
 * What of the field selection can be synced on each table, and a notice for each row that cannot, or only one way. One
 * notice per row and table: the first reason that applies.
 */
export function mapFields({ choices, scope = {}, stampColumn, catalog }: MappingInput): Mapping {
  const fields: Record<Kind, MappedField[]> = { lead: [], contact: [] };
  const notices: FieldNotice[] = [];
  for (const kind of KINDS) {
    for (const choice of choices) {
      const column = choice[kind];
      if (column === undefined) continue;
      const { field, notice } = mapField(
        choice,
        kind,
        column,
        own(catalog.marketo, choice.marketo),
        own(catalog.dynamics[kind], column),
      );
      if (field !== undefined) fields[kind].push(field);
      if (notice !== undefined) notices.push({ field: choice.marketo, kind, ...notice });
    }
  }
  const lineage = {
    lead: readableOf(catalog.dynamics.lead, LINEAGE.lead),
    contact: readableOf(catalog.dynamics.contact, LINEAGE.contact),
  };
  const flags = scopeOf(scope, catalog);
  const stamps = stampColumnsOf(stampColumn, catalog);
  return {
    fields,
    lineage,
    scope: flags.scope,
    stampColumns: stamps.columns,
    notices: [...notices, ...flags.notices, ...stamps.notices],
  };
}

const readableOf = (
  columns: Readonly<Record<string, DynamicsColumn>>,
  names: readonly string[],
): readonly string[] => names.filter((name) => own(columns, name)?.readable === true);

// A field may be named like a property of every object ("constructor").
const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;

function mapField(
  choice: FieldChoice,
  kind: Kind,
  name: string,
  marketo: MarketoField | undefined,
  column: DynamicsColumn | undefined,
): Outcome {
  if (marketo === undefined) {
    return setAside('unknown-field', `Marketo shows our API user no person field ${choice.marketo}.`);
  }
  if (column === undefined) {
    return setAside('unknown-column', `The Dynamics table ${kind} has no column ${name}.`);
  }
  const codec = codecFor(marketo, column);
  if (!meets(codec)) return setAside('types-cannot-meet', codec.cannotMeet);
  if (!column.readable) {
    const why = `The sync user may not read ${kind}.${name}, so it is not synced.`;
    return setAside('unreadable', told(why, column));
  }
  const where = `${kind}.${name}`;
  const updatable = column.updatable && isWritten(column);
  const barred =
    column.type === 'lookup'
      ? `Marketo holds only the name of what ${where} points at`
      : `the sync user may not change ${where}`;
  const narrow = narrowed(choice.direction, marketo, { updatable, barred });
  const { direction } = narrow;
  const notice = narrow.notice && { ...narrow.notice, message: told(narrow.notice.message, column) };
  if (direction === null) return notice === undefined ? {} : { notice };
  const field: MappedField = {
    name: choice.marketo,
    column: name,
    direction,
    narrowed: direction === 'toMarketo' && choice.direction === 'both' && column.secured && isWritten(column),
    consent: choice.consent,
    codec,
    marketoField: marketo,
    dynamicsColumn: column,
    creatable: column.creatable && isWritten(column) && choice.direction !== 'toMarketo',
    updatable: updatable && direction !== 'toMarketo',
  };
  return notice === undefined ? { field } : { field, notice };
}

/** With what Dynamics told of the reason. */
const told = (message: string, { withheld }: DynamicsColumn): string =>
  withheld === undefined ? message : `${message} ${withheld}`;

const setAside = (code: FieldNotice['code'], message: string): Outcome => ({ notice: { code, message } });

/**
 * A state moves together with its status and by rules of its own (Microsoft: "Define status reason transitions"), so
 * neither is written as a field. A lookup is read as a name, which does not tell what to point at.
 */
const isWritten = ({ type }: DynamicsColumn): boolean =>
  type !== 'state' && type !== 'status' && type !== 'lookup';

type Narrowed =
  Readonly<{ direction: Direction; notice?: Notice }> | Readonly<{ direction: null; notice: Notice }>;

function narrowed(
  chosen: Direction,
  marketo: MarketoField,
  { updatable, barred }: Readonly<{ updatable: boolean; barred: string }>,
): Narrowed {
  const toDynamics = chosen !== 'toMarketo' && updatable;
  const toMarketo = chosen !== 'toDynamics' && marketo.updateable;
  const refusals = [
    chosen !== 'toMarketo' && !updatable ? barred : [],
    chosen !== 'toDynamics' && !marketo.updateable ? `Marketo lets nobody change ${marketo.name} by API` : [],
  ].flat();
  const why = sentence(refusals.join(' and '));
  if (!toDynamics && !toMarketo) {
    return { direction: null, notice: { code: 'read-only', message: `${why}, so it is not synced.` } };
  }
  const direction = toDynamics && toMarketo ? 'both' : toDynamics ? 'toDynamics' : 'toMarketo';
  if (direction === chosen) return { direction };
  const to = direction === 'toMarketo' ? 'Marketo' : 'Dynamics';
  return { direction, notice: { code: 'read-only', message: `${why}, so it is synced to ${to} only.` } };
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
