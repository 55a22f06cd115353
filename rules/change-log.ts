import { draftOf, type Draft } from './draft.js';
import { actual, type Link, type Overtaken, type Write } from './link.js';
import type { MappedField } from './mapping.js';
import { hasMovedParked } from './parked.js';
import { isUnsettled, openWrite, recordSeen, replaceWrite, settle } from './settle.js';
import type { FieldValue, IsoInstant } from './terms.js';

/** One field of one entry of Marketo's change log, its texts already turned into values of the field's type. */
export interface LogEntry {
  readonly field: string;
  readonly oldValue: FieldValue;
  readonly newValue: FieldValue;
  readonly at: IsoInstant;
  /** The log names a REST write as its source; which client wrote, it does not tell. */
  readonly viaApi: boolean;
}

export interface LogJudgement {
  readonly link: Link;
  /** An entry tells of a value that we do not know: the person is to be read. */
  readonly readNeeded: boolean;
  /** False when the entries told nothing about the link at all. */
  readonly changed: boolean;
}

/**
 * Judges log entries of one person, oldest first. An entry of ours settles its write, and its `old` value shows an edit
 * that our write covered before we saw it. The person is to be read when an entry of somebody else tells a value that we
 * do not hold, or when the last entry of ours does.
 */
export const judgeLog = (
  link: Link,
  entries: readonly LogEntry[],
  fields: readonly MappedField[],
): LogJudgement => {
  const draft = draftOf(link);
  const ours = new Map<MappedField, FieldValue>();
  const typed = new Map<MappedField, FieldValue>();
  let readNeeded = false;
  let changed = false;
  for (const entry of entries) {
    const field = fields.find(({ name }) => name === entry.field);
    if (field === undefined) continue;
    const write = entry.viaApi ? writeBehind(draft, field, entry) : undefined;
    if (write !== undefined) {
      judgeOwn(draft, field, write, entry, typed.get(field));
      ours.set(field, entry.newValue);
      changed = true;
      continue;
    }
    if (!entry.viaApi) typed.set(field, entry.newValue);
    changed = judgeForeign(draft, field, entry) || changed;
    if (!isKnown(draft, field, entry.newValue)) readNeeded = true;
  }
  for (const [field, value] of ours) readNeeded ||= !isKnown(draft, field, value);
  draft.dirty = draft.dirty || (changed && (isUnsettled(draft) || hasMovedParked(draft, fields)));
  return { link: draft, readNeeded, changed };
};

const writesOf = (draft: Draft, field: string): Write[] =>
  draft.writes.filter(
    (write) => write.side === 'marketo' && write.field === field && write.state !== 'planned',
  );

const isAt = ({ codec }: MappedField, a: FieldValue, b: FieldValue): boolean =>
  codec.canonical('marketo', a) === codec.canonical('marketo', b);

/** Marketo's clock may be three seconds behind, and it cuts its stamps to whole seconds. */
const CLOCK_SLACK_MS = 4_000;

/** A write that was given up may wake at any time, others are applied once more only while their call could run. */
const mayHaveLeft = (write: Write, entry: LogEntry): boolean => {
  const at = Date.parse(entry.at);
  if (write.sentAt !== undefined && at < Date.parse(write.sentAt) - CLOCK_SLACK_MS) return false;
  return !write.logged || write.state === 'superseded' || at <= Date.parse(write.deadline ?? write.at);
};

/** The write of ours behind an entry: the open one, else one not yet found in the log, else the newest. */
const writeBehind = (draft: Draft, field: MappedField, entry: LogEntry): Write | undefined => {
  const candidates = writesOf(draft, field.name).filter(
    (write) => isAt(field, write.to, entry.newValue) && mayHaveLeft(write, entry),
  );
  const open = openWrite(draft, 'marketo', field.name);
  return (
    candidates.find((write) => write === open) ??
    candidates.find((write) => !write.logged) ??
    candidates.at(-1)
  );
};

/** `typed`: what a person was last seen to type; that it is an old value of ours makes it no less an edit. */
const judgeOwn = (
  draft: Draft,
  field: MappedField,
  write: Write,
  entry: LogEntry,
  typed: FieldValue | undefined,
): void => {
  const { name, codec } = field;
  const agreed = draft.agreed.marketo[name];
  const known = [write.from, ...(agreed === undefined ? [] : [agreed])];
  const ours = writesOf(draft, name).map(({ to }) => to);
  const wasTyped = typed !== undefined && isAt(field, typed, entry.oldValue);
  const expected = wasTyped ? known : [...known, ...ours];
  if (!expected.some((value) => isAt(field, value, entry.oldValue))) {
    draft.overtaken[name] = { value: entry.oldValue, written: write.to, ...standing(draft, field, write) };
  }
  const marked: Write = { ...write, logged: true, retyped: false };
  replaceWrite(draft, write, marked);
  if (openWrite(draft, 'marketo', name) !== marked) return;
  const seen = draft.seen.marketo[name];
  settle(draft, codec, marked, write.to);
  // A value that was read since, and that our write did not cover, was typed over it: its own entry came first.
  const covered = [write.from, entry.oldValue].some(
    (value) => seen !== undefined && isAt(field, value, seen),
  );
  if (seen !== undefined && !covered) recordSeen(draft, codec, 'marketo', name, seen);
};

/**
 * Where a covered edit stands against Dynamics: it collides with the value that our write carried, unless that value had
 * been in Marketo before. A write that was replaced by a settled one covers what was typed after *that* one.
 */
const standing = (draft: Draft, field: MappedField, write: Write): Pick<Overtaken, 'as' | 'source'> => {
  const writes = writesOf(draft, field.name);
  const index = writes.indexOf(write);
  const isOther = ({ to }: Write): boolean => !isAt(field, to, write.to);
  if (writes.slice(index).some((other) => isOther(other) && other.state === 'settled')) {
    return { as: 'later', source: draft.agreed.dynamics[field.name] ?? write.source };
  }
  if (write.returns === true || write.rule === 'restore') return standingOfRestored(draft, field, write);
  const repeated = writes.slice(writes.slice(0, index).findLastIndex(isOther) + 1);
  const applied = repeated.some((each) => each.logged && !isOther(each));
  return { as: applied ? 'later' : 'collision', source: write.source };
};

/**
 * Typed just before we put something back that Marketo had lost by our own doing: a covered edit, whose place it takes
 * and whose case may be closed by now, or what was agreed.
 */
const standingOfRestored = (
  draft: Draft,
  field: MappedField,
  write: Write,
): Pick<Overtaken, 'as' | 'source'> => {
  const agreed = draft.agreed.marketo[field.name] ?? null;
  const source = draft.agreed.dynamics[field.name] ?? write.source;
  const returned = draft.overtaken[field.name];
  if (returned === undefined || isAt(field, agreed, write.to)) return { as: 'later', source };
  return { as: returned.as, source: returned.source };
};

/**
 * Somebody else's entry. What it replaced proves that our open write had taken effect; and a value of ours that a person
 * types again is no trace of ours from now on. True if it told anything about our writes.
 */
const judgeForeign = (draft: Draft, field: MappedField, entry: LogEntry): boolean => {
  const open = openWrite(draft, 'marketo', field.name);
  const replacedOurs =
    open?.sentAt !== undefined &&
    Date.parse(entry.at) >= Date.parse(open.sentAt) &&
    isAt(field, open.to, entry.oldValue);
  if (replacedOurs) settle(draft, field.codec, open, open.to);
  if (entry.viaApi) return replacedOurs;
  const mistakable = writesOf(draft, field.name).filter(
    (write) =>
      write.state === 'superseded' && write.retyped !== true && isAt(field, write.to, entry.newValue),
  );
  for (const write of mistakable) replaceWrite(draft, write, { ...write, retyped: true });
  return replacedOurs || mistakable.length > 0;
};

/** The entry tells nothing new: the value is what is seen, or what an answered write of ours has put there since. */
const isKnown = (draft: Draft, field: MappedField, value: FieldValue): boolean => {
  if (openWrite(draft, 'marketo', field.name) !== undefined) return false;
  const known = actual(draft, 'marketo', field.name);
  return known !== undefined && isAt(field, known, value);
};
