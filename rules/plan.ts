import { decide, type Verdict } from './decide.js';
import { draftOf, omit, type Draft } from './draft.js';
import type { Codec } from './codecs/index.js';
import { actual, heldValues, type BySide, type Link, type Overtaken, type Rule, type Write } from './link.js';
import type { MappedField } from './mapping.js';
import { hasMoved } from './parked.js';
import { isStale } from './regained.js';
import { releaseSwinging } from './release-swinging.js';
import { isTraceOfOurs, openWrite, standFromParked } from './settle.js';
import { isOneTooMany } from './swing.js';
import { across, type FieldValue, type IsoInstant, type Side } from './terms.js';
import { isHeld, putBack } from './trials.js';

export interface PlanContext {
  readonly fields: readonly MappedField[];
  readonly cycle: number;
  readonly at: IsoInstant;
}

/** A value that the target could not take, told by its metadata before any call. */
export interface LocalRefusal {
  readonly side: Side;
  readonly field: string;
  readonly value: FieldValue;
  readonly code: string;
  readonly message: string;
}

/** What the merge decided for one field; becomes a line of the ledger. */
export interface Decision {
  readonly field: string;
  readonly rule: Rule;
  readonly winner: Side;
  readonly value: FieldValue;
  readonly loser?: { readonly side: Side; readonly value: FieldValue };
  /** What each side brought forward; for Marketo an edit that our write covered, where there is one. */
  readonly candidates: BySide<FieldValue>;
  /** What both had agreed on until then; absent where they never had. */
  readonly base?: BySide<FieldValue>;
}

export interface Planned {
  readonly link: Link;
  readonly decisions: readonly Decision[];
  readonly refusals: readonly LocalRefusal[];
  /** Fields that one side was never read for: newly selected ones. They hold up no other field. */
  readonly unread: readonly string[];
  /** Fields that wait for a call in doubt. */
  readonly waiting: readonly string[];
  /** Ids of rejections that no longer hold, because a value moved. */
  readonly released: readonly string[];
  /** Fields that are set aside from now on, because both sides keep rewriting them. */
  readonly swinging: readonly string[];
}

type Values = BySide<FieldValue>;
type Ruled = Exclude<Verdict, { rule: 'equal' | 'stands' }>;

/**
 * Decides every field of a linked pair: agrees on what is equal, plans a write where a side must change, leaves what is
 * parked or in doubt. Pure and repeatable: planning twice in a row gives the same writes.
 */
export const plan = (link: Link, context: PlanContext): Planned => {
  const draft = draftOf(link);
  draft.writes = draft.writes.filter((write) => write.state !== 'planned');
  const planned: Collected = {
    ...{ decisions: [], refusals: [], unread: [], waiting: [], released: [], swinging: [] },
  };
  releaseSwinging(draft, context.fields, context.cycle);
  releaseMoved(draft, context.fields, planned);
  for (const field of context.fields) planField(draft, field, context, planned);
  // A key to be told waits for the push like a value, whatever field is still to be read.
  draft.dirty = planned.waiting.length > 0 || hasPlans(draft) || draft.stamp !== null;
  return { link: draft, ...planned };
};

const hasPlans = (draft: Draft): boolean => draft.writes.some((write) => write.state === 'planned');

type Collected = { -readonly [K in keyof Omit<Planned, 'link'>]: Planned[K][number][] };

const SIDES = ['marketo', 'dynamics'] as const;

const planField = (draft: Draft, field: MappedField, context: PlanContext, out: Collected): void => {
  const { name, codec, dynamicsColumn } = field;
  const marketo = actual(draft, 'marketo', name);
  const dynamics = actual(draft, 'dynamics', name);
  // A name that cannot be read comes, if ever, when its row changes: asking in every cycle would not help.
  if (dynamics === undefined && dynamicsColumn.type === 'lookup') return;
  if (marketo === undefined || dynamics === undefined || isStale(draft, field))
    return void out.unread.push(name);
  const values = { marketo, dynamics };
  if (isUnderWay(draft, field, values)) return void out.waiting.push(name);
  if (openWrite(draft, 'marketo', name) !== undefined || isHeld(draft.parked[name])) return;
  dropIfEditedSince(draft, field, values);
  const verdict = judge(draft, field, values);
  if (verdict.rule === 'equal') {
    agree(draft, field, values);
    return;
  }
  if (verdict.rule === 'stands' || isRefusedStill(draft, field, verdict, values)) return;
  const decision = decisionOf(draft, field, values, verdict);
  const winning = decision.value;
  const to = codec.canonical(verdict.winner, winning);
  const unlike = SIDES.filter((side) => codec.canonical(side, values[side]) !== to);
  const isSwinging =
    draft.overtaken[name] === undefined &&
    unlike.some((side) => {
      const move = { side, from: codec.canonical(side, values[side]), to };
      return side !== verdict.winner && isOneTooMany(draft.causes[name], move, context.cycle);
    });
  if (isSwinging) {
    draft.parked[name] = { reason: 'quarantined', because: 'swinging', rejectionId: null, ...values };
    out.swinging.push(name);
    return;
  }
  out.decisions.push(decision);
  if (unlike.length === 0) agree(draft, field, values);
  for (const side of unlike) planWrite(draft, field, { side, values, winning, verdict }, context, out);
};

/**
 * What metadata refused is judged by the metadata of today: refused with the same code, it stays parked and nothing is told
 * of it again; taken, it is parked no more.
 */
const isRefusedStill = (
  draft: Draft,
  { name, codec }: MappedField,
  verdict: Ruled,
  values: Values,
): boolean => {
  const parked = draft.parked[name];
  if (parked?.local !== true) return false;
  const encoded = codec.convert(verdict.winner, candidatesOf(values, draft.overtaken[name])[verdict.winner]);
  const stays = !encoded.ok && encoded.code === parked.code;
  if (stays) draft.parked[name] = putBack(parked);
  else omit(draft.parked, name);
  return stays;
};

/** What each side brings forward: a cleared field is a covered edit like any other, and its null stands for itself. */
const candidatesOf = (values: Values, overtaken: Overtaken | undefined): Values =>
  overtaken === undefined ? values : { ...values, marketo: overtaken.value };

/** What was decided, with all that it was decided from: it can be explained long after the values have moved on. */
const decisionOf = (draft: Draft, { name, codec }: MappedField, values: Values, verdict: Ruled): Decision => {
  const { rule, winner, loser } = verdict;
  const overtaken = draft.overtaken[name];
  const candidates = candidatesOf(values, overtaken);
  const base = overtaken === undefined ? baseOf(draft, name) : baseOfOvertaken(codec, overtaken);
  const decided = { field: name, rule, winner, value: candidates[winner], candidates };
  return { ...decided, ...(loser !== undefined && { loser }), ...(base !== undefined && { base }) };
};

/**
 * One write at a time to each side of a field: until it settles, nobody knows what the next one would replace. An
 * answered write that already gives Marketo what Dynamics holds leaves nothing to wait for.
 */
const isUnderWay = (draft: Draft, { name, codec }: MappedField, values: Values): boolean =>
  SIDES.some((side) => {
    const write = openWrite(draft, side, name);
    if (write?.state !== 'answered') return write !== undefined;
    return codec.canonical('marketo', write.to) !== codec.canonical('dynamics', values.dynamics);
  });

/**
 * A refusal holds for exactly the values it was given. When one of them moves, every field that the same refusal parked
 * is tried again: where the target named no field, any of them may have been the cause. What was refused is an edit still;
 * what people gave up is none.
 */
const releaseMoved = (draft: Draft, fields: readonly MappedField[], out: Collected): void => {
  const moved = fields.filter(
    (field) => draft.parked[field.name]?.because !== 'swinging' && hasMoved(draft, field),
  );
  for (const { name, codec } of moved) {
    const parked = draft.parked[name];
    if (parked?.reason !== 'discarded' || draft.overtaken[name] !== undefined) continue;
    standFromParked(draft, codec, name, parked, heldValues(draft, name));
  }
  const rejections = new Set(moved.flatMap(({ name }) => draft.parked[name]?.rejectionId ?? []));
  for (const [name, { rejectionId }] of Object.entries(draft.parked)) {
    const released =
      rejectionId === null ? moved.some((field) => field.name === name) : rejections.has(rejectionId);
    if (released) omit(draft.parked, name);
  }
  out.released.push(...rejections);
};

/** A newer edit in Marketo replaces the one that our write covered; what writes of ours put there is no edit. */
const dropIfEditedSince = (draft: Draft, { name, codec }: MappedField, values: Values): void => {
  const overtaken = draft.overtaken[name];
  if (overtaken === undefined) return;
  const held = codec.canonical('marketo', values.marketo);
  const ours = draft.writes.filter((write) => write.side === 'marketo' && write.field === name);
  const explained = [overtaken.value, overtaken.written, ...ours.map(({ to }) => to)];
  if (!explained.some((value) => codec.canonical('marketo', value) === held)) omit(draft.overtaken, name);
};

const judge = (draft: Draft, field: MappedField, values: Values): Verdict => {
  const { name, codec } = field;
  const overtaken = draft.overtaken[name];
  if (overtaken !== undefined) return judgeOvertaken(draft, field, values, overtaken);
  const verdict = decide({ ...field, kind: draft.kind, base: baseOf(draft, name), ...values });
  if (verdict.rule === 'equal' || verdict.rule === 'stands' || verdict.rule === 'direction') return verdict;
  for (const side of SIDES) {
    if (isTraceOfOurs(draft, codec, side, name, values[side]))
      return { rule: 'restore', winner: across(side) };
  }
  return verdict;
};

/** Merges again as if the covered edit had been seen in time. */
const judgeOvertaken = (draft: Draft, field: MappedField, values: Values, overtaken: Overtaken): Verdict => {
  const verdict = decide({
    ...field,
    kind: draft.kind,
    base: baseOfOvertaken(field.codec, overtaken),
    marketo: overtaken.value,
    dynamics: values.dynamics,
    collides: overtaken.as === 'collision',
    // Our write brought a newer word of the source: what it covered has lost to that.
    narrowed: false,
  });
  const held = field.codec.canonical('marketo', values.marketo);
  const heldByBoth = held === field.codec.canonical('dynamics', values.dynamics);
  // Dynamics holds the covered value already: it goes back over our own write.
  return verdict.rule === 'equal' && !heldByBoth ? { rule: 'restore', winner: 'dynamics' } : verdict;
};

/** Once Dynamics has it, a covered edit is agreed, also while Marketo waits to get it back: who edits the row then is alone. */
const baseOfOvertaken = (codec: Codec, { value, written, source }: Overtaken): Values => {
  const isAcross = codec.canonical('marketo', value) === codec.canonical('dynamics', source);
  return { marketo: isAcross ? value : written, dynamics: source };
};

const baseOf = (draft: Draft, name: string): Values | undefined => {
  if (!Object.hasOwn(draft.agreed.marketo, name)) return undefined;
  return { marketo: draft.agreed.marketo[name] ?? null, dynamics: draft.agreed.dynamics[name] ?? null };
};

const agree = (draft: Draft, { name }: MappedField, values: Values): void => {
  omit(draft.overtaken, name);
  omit(draft.parked, name);
  draft.agreed.marketo[name] = values.marketo;
  draft.agreed.dynamics[name] = values.dynamics;
  omit(draft.seen.marketo, name);
  omit(draft.seen.dynamics, name);
};

interface Wanted {
  readonly side: Side;
  readonly values: Values;
  readonly winning: FieldValue;
  readonly verdict: Ruled;
}

const planWrite = (
  draft: Draft,
  field: MappedField,
  wanted: Wanted,
  context: PlanContext,
  out: Collected,
): void => {
  const { side, values, winning, verdict } = wanted;
  // Marketo gets its own covered edit back as it was; it carries nothing across.
  const returns = side === verdict.winner;
  const encoded = returns
    ? { ok: true as const, value: winning }
    : field.codec.convert(verdict.winner, winning);
  if (!encoded.ok) {
    // Refused for the values that stand once Marketo has its edit back: said then, and once.
    if (values[verdict.winner] !== winning) return;
    const { code, message } = encoded;
    out.refusals.push({ side, field: field.name, value: winning, code, message });
    return;
  }
  const write: Write = {
    side,
    field: field.name,
    from: values[side],
    to: encoded.value,
    source: returns ? values[across(side)] : winning,
    rule: verdict.rule,
    state: 'planned',
    cycle: context.cycle,
    at: context.at,
    deadline: null,
    logged: false,
  };
  draft.writes.push(returns ? { ...write, returns } : write);
};
