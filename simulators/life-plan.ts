import type { RowTable } from './admin-doors.js';
import { addressBook, factsOf, someHuman, valueOf } from './population/facts.js';
import type { Random } from './population/random.js';
import {
  FIELD_PAIRS,
  inColumn,
  rowOf,
  type FieldPair,
  type Table,
  type Value,
} from './population/records.js';

/** A record that simulated people know and may edit. */
export type KnownRecord =
  | Readonly<{ side: 'marketo'; id: number; email: string }>
  | Readonly<{ side: 'dynamics'; table: RowTable; id: string; email: string }>;

/** Who is there to be edited: all records, and those of one human on both sides. */
export interface Crowd {
  readonly records: KnownRecord[];
  readonly pairs: readonly (readonly [KnownRecord, KnownRecord])[];
}

/** One thing that somebody does in one product. */
export type Deed =
  | Readonly<{ what: 'edit' | 'unsubscribe'; record: KnownRecord; values: Readonly<Record<string, Value>> }>
  | Readonly<{ what: 'form'; form: string; values: Readonly<Record<string, Value>> }>
  | Readonly<{ what: 'create'; table: RowTable; values: Readonly<Record<string, Value>> }>
  | Readonly<{ what: 'delete'; record: KnownRecord }>;

/** Records with one e-mail address on both sides are taken for one human; twins stand only once. */
export function crowdOf(records: KnownRecord[]): Crowd {
  const persons = new Map<string, KnownRecord>();
  for (const record of records) {
    if (record.side === 'marketo' && record.email !== '') persons.set(record.email, record);
  }
  const pairs: [KnownRecord, KnownRecord][] = [];
  for (const row of records) {
    const person = row.side === 'dynamics' ? persons.get(row.email) : undefined;
    if (person !== undefined) pairs.push([person, row]);
  }
  return { records, pairs };
}

const tableOf = (record: KnownRecord): Table =>
  record.side === 'dynamics' && record.table === 'contacts' ? 'contact' : 'lead';

/** Facts that people edit: not the e-mail address, by which records are matched. */
const EDITABLE = FIELD_PAIRS.filter(({ marketo }) => marketo !== 'email');

/** What a careless colleague types: refused by the other side. */
const CARELESS: readonly (readonly [field: string, value: Value])[] = [
  ['mobilePhone', '+44 (0) 20 7946 0000 ext. 12345'],
  ['leadSource', 'Carrier Pigeon'],
  ['title', 'Test Robot'],
];

function fieldFor(random: Random, table: Table): FieldPair {
  const [first, ...rest] = EDITABLE.filter((pair) => pair[table] !== undefined);
  if (first === undefined) throw new Error(`No editable field on ${table}.`);
  return random.pick([first, ...rest]);
}

/** A value that the field may take; now and then nothing at all. Yes/no fields are never blank. */
function newValue(field: string, random: Random): Value {
  const value = valueOf(field, random, someHuman(random));
  return typeof value !== 'boolean' && field !== 'lastName' && random.chance(0.08) ? null : value;
}

/** The fact as the record's side keeps it; no value when that table has no such column. */
function valuesFor(record: KnownRecord, pair: FieldPair, value: Value): Record<string, Value> {
  if (record.side === 'marketo') return { [pair.marketo]: value };
  const table = tableOf(record);
  const column = pair[table];
  return column === undefined ? {} : { [column]: inColumn(table, column, value) };
}

function edit(record: KnownRecord, random: Random): Deed {
  const careless = record.side === 'marketo' && random.chance(0.02);
  if (careless) {
    const [field, value] = random.pick([['title', 'Head of Test Robots'] as const, ...CARELESS]);
    return { what: 'edit', record, values: { [field]: value } };
  }
  // Marketers also edit what only contacts carry across.
  const table = record.side === 'marketo' && random.chance(0.3) ? 'contact' : tableOf(record);
  const pair = fieldFor(random, table);
  return { what: 'edit', record, values: valuesFor(record, pair, newValue(pair.marketo, random)) };
}

function collision(pair: readonly [KnownRecord, KnownRecord], random: Random): Deed[] {
  const field = fieldFor(random, tableOf(pair[1]));
  return random.shuffled(pair).map((record) => ({
    what: 'edit',
    record,
    values: valuesFor(record, field, newValue(field.marketo, random)),
  }));
}

const OPT_OUT: FieldPair = { marketo: 'unsubscribed', lead: 'donotbulkemail', contact: 'donotbulkemail' };

function newLead(random: Random, emailFor: ReturnType<typeof addressBook>): Deed {
  const human = someHuman(random);
  // The number keeps the address apart from all that the population already uses.
  const email = emailFor(human, random).replace('@', `.${random.integer(100_000, 999_999_999)}@`);
  return { what: 'create', table: 'leads', values: rowOf('lead', { ...factsOf(human, random), email }) };
}

/** What people enter on a web page, and which. */
const FORM_FIELDS = ['email', 'firstName', 'lastName', 'company', 'title', 'phone', 'country'] as const;
const FORMS = ['Contact us', 'Request a demo', 'Newsletter'] as const;

/** Somebody fills in a form: mostly a new human, now and then one whom Marketo knows. */
function formFill(random: Random, emailFor: ReturnType<typeof addressBook>, { records }: Crowd): Deed {
  const human = someHuman(random);
  const known = random.chance(0.2)
    ? records.filter(({ side, email }) => side === 'marketo' && ASCII.test(email))
    : [];
  const [first, ...others] = known;
  const address = emailFor(human, random).replace('@', `.${random.integer(100_000, 999_999_999)}@`);
  const email = first === undefined ? address : random.pick([first, ...others]).email;
  const facts: Readonly<Record<string, Value>> = { ...factsOf(human, random), email };
  const values = Object.fromEntries(
    FORM_FIELDS.flatMap((name) => (facts[name] === undefined ? [] : [[name, facts[name]] as const])),
  );
  return { what: 'form', form: random.pick(FORMS), values };
}

const ASCII = /^[\x21-\x7e]+@[\x21-\x7e]+$/;

/** Decides what people do next: one deed, or the two of a collision. `forms`: the share of filled-in forms, 0 to 1. */
export function planner(random: Random, forms = 0): (crowd: Crowd) => readonly Deed[] {
  const emailFor = addressBook();
  return (crowd) => {
    const { records, pairs } = crowd;
    if (forms > 0 && random.chance(forms)) return [formFill(random, emailFor, crowd)];
    const [firstRecord, ...otherRecords] = records;
    const [firstPair, ...otherPairs] = pairs;
    const roll = random.next();
    if (firstRecord === undefined || roll < 0.05) return [newLead(random, emailFor)];
    const record = random.pick([firstRecord, ...otherRecords]);
    if (roll < 0.055) return [{ what: 'delete', record }];
    if (roll < 0.1) return [{ what: 'unsubscribe', record, values: valuesFor(record, OPT_OUT, true) }];
    if (roll < 0.2 && firstPair !== undefined)
      return collision(random.pick([firstPair, ...otherPairs]), random);
    return [edit(record, random)];
  };
}
