import type { Canonical } from '../../../rules/codecs/index.js';
import type { Link, Write } from '../../../rules/link.js';
import type { MappedField } from '../../../rules/mapping.js';
import type { Decision } from '../../../rules/plan.js';
import type { FieldValue, FieldValues, Kind, Side } from '../../../rules/terms.js';
import { noon, pair } from '../pair.js';
import { person, row, type Person, type Row } from './remotes.js';

/** Spans of the write protocol, in milliseconds; one step of the driver takes a second. */
export const STEP = 1_000;
export const OVERLAP = 60_000;
export const CALL = 20_000;
export const REST = 15_000;
export const KEEP = 600_000;

/** How long after its start a call without an answer takes effect: inside its deadline, or long after it. */
export const LANDING = { 'lost-late': CALL - 4 * STEP, stalled: CALL + REST } as const;

/** What becomes of one writing call. */
export const FATES = [
  'done',
  'not-run',
  'lost',
  'lost-unapplied',
  'lost-late',
  'stalled',
  'refused',
] as const;
export type Fate = (typeof FATES)[number];

/** Something that happens between two steps of the driver. */
export type Happening =
  | {
      readonly type: 'edit';
      readonly side: Side;
      readonly field: string;
      readonly value: FieldValue;
      readonly viaApi: boolean;
    }
  | { readonly type: 'crash' }
  | { readonly type: 'block'; readonly field: string };

export interface Scenario {
  readonly kind: Kind;
  readonly marketo: FieldValues;
  readonly dynamics: FieldValues;
  /** What happens, and after how many more steps. */
  readonly happenings: readonly { readonly after: number; readonly what: Happening }[];
  /** Of the writing calls, in turn; every later one is `done`. */
  readonly fates: readonly Fate[];
  /** By how many steps the log is late, entry by entry in turn; later ones are on time. */
  readonly lags: readonly number[];
  /** Which of two tasks that run side by side goes on, in turn. */
  readonly turns: readonly boolean[];
}

/** A decision, with what both remotes held and had been typed by people when it fell. */
export interface Recorded extends Decision {
  readonly typed: Readonly<Record<Side, readonly FieldValue[]>>;
}

export interface World {
  readonly fields: readonly MappedField[];
  readonly scenario: Scenario;
  now: number;
  cycle: number;
  link: Link;
  readonly person: Person;
  readonly row: Row;
  readonly handled: Set<number>;
  /** ETag up to which the row's changes were read. */
  delta: string | null;
  /** Calls on their way whose effect comes later. */
  late: { readonly due: number; readonly apply: () => void }[];
  readonly pending: { due: number; readonly what: Happening }[];
  steps: number;
  calls: number;
  sent: Write[];
  rejections: number;
  readonly decisions: Recorded[];
  /** What people, or other programs, typed there: by side and field, in order; first of all what was there. */
  readonly typed: Record<Side, Record<string, FieldValue[]>>;
  /** The side that was edited last, by field. */
  readonly editedLast: Record<string, Side>;
  /** Values, in canonical form, that a field had on both sides at one moment. */
  readonly met: Record<string, Set<Canonical>>;
}

export class Crash extends Error {}

export const world = (fields: readonly MappedField[], scenario: Scenario): World => {
  const initial = (values: FieldValues) =>
    Object.fromEntries(fields.map(({ name }) => [name, [values[name] ?? null]]));
  const w: World = {
    fields,
    scenario,
    now: noon,
    cycle: 0,
    link: pair({ kind: scenario.kind, etag: 'W/0', rereadMarketo: true, rereadDynamics: true }),
    person: person(scenario.marketo),
    row: row(scenario.dynamics),
    handled: new Set(),
    delta: null,
    late: [],
    pending: [],
    steps: 0,
    calls: 0,
    sent: [],
    rejections: 0,
    decisions: [],
    typed: { marketo: initial(scenario.marketo), dynamics: initial(scenario.dynamics) },
    editedLast: {},
    met: Object.fromEntries(fields.map(({ name }) => [name, new Set()])),
  };
  schedule(w, scenario.happenings);
  return w;
};

/** Lets these happen from now on. */
export const schedule = (w: World, happenings: Scenario['happenings']): void => {
  let due = w.steps;
  for (const { after, what } of happenings) w.pending.push({ due: (due += after), what });
};

const lagOf = ({ scenario, person: { log } }: World): number => (scenario.lags[log.length] ?? 0) * STEP;

/** One step of time passes: what was to happen meanwhile happens. */
export const tick = (w: World): void => {
  w.now += STEP;
  w.steps += 1;
  noteMeetings(w);
  const landing = w.late.filter(({ due }) => due <= w.now);
  w.late = w.late.filter(({ due }) => due > w.now);
  for (const { apply } of landing) apply();
  noteMeetings(w);
  for (let next = w.pending[0]; next !== undefined && next.due <= w.steps; next = w.pending[0]) {
    w.pending.shift();
    happen(w, next.what);
  }
};

const noteMeetings = (w: World): void => {
  for (const { name, codec } of w.fields) {
    const form = codec.canonical('marketo', w.person.values[name]);
    if (form === codec.canonical('dynamics', w.row.values[name])) w.met[name]?.add(form);
  }
};

const happen = (w: World, what: Happening): void => {
  switch (what.type) {
    case 'edit':
      edit(w, what.side, what.field, what.value, what.viaApi);
      return;
    case 'block':
      return void w.person.blocked.add(what.field);
    case 'crash':
      throw new Crash();
  }
};

export const edit = (w: World, side: Side, field: string, value: FieldValue, viaApi = false): void => {
  const held = side === 'marketo' ? w.person.values[field] : w.row.values[field];
  if (held === value) return;
  w.typed[side][field]?.push(value);
  w.editedLast[field] = side;
  if (side === 'marketo') w.person.set({ [field]: value }, viaApi, w.now, lagOf(w));
  else w.row.set({ [field]: value });
};

/** Applies an update of ours to the person. */
export const updatePerson = (w: World, change: FieldValues): void => w.person.update(change, w.now, lagOf(w));
