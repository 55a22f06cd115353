import { draftOf, type Draft } from './draft.js';
import { actual, type Link, type Write } from './link.js';
import type { MappedField } from './mapping.js';
import { openWrite, replaceWrite, settle } from './settle.js';
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
 * that our write covered before we saw it. Any other entry asks for a read, unless its value is what we hold already.
 */
export const judgeLog = (
  link: Link,
  entries: readonly LogEntry[],
  fields: readonly MappedField[],
): LogJudgement => {
  const draft = draftOf(link);
  let readNeeded = false;
  let changed = false;
  for (const entry of entries) {
    const field = fields.find(({ name }) => name === entry.field);
    if (field === undefined) continue;
    const write = entry.viaApi ? writeBehind(draft, field, entry) : undefined;
    if (write !== undefined) {
      judgeOwn(draft, field, write, entry);
      changed = true;
    } else if (!isKnown(draft, field, entry.newValue)) readNeeded = true;
  }
  return { link: draft, readNeeded, changed };
};

/** The write of ours that left this entry: one not yet found in the log if there is one, else the newest. */
const writeBehind = (draft: Draft, { name, codec }: MappedField, entry: LogEntry): Write | undefined => {
  const value = codec.canonical('marketo', entry.newValue);
  const candidates = draft.writes.filter(
    (write) =>
      write.side === 'marketo' &&
      write.field === name &&
      write.state !== 'planned' &&
      codec.canonical('marketo', write.to) === value,
  );
  return candidates.find((write) => !write.logged) ?? candidates.at(-1);
};

const judgeOwn = (draft: Draft, { name, codec }: MappedField, write: Write, entry: LogEntry): void => {
  const old = codec.canonical('marketo', entry.oldValue);
  const expected =
    old === codec.canonical('marketo', write.from) || old === codec.canonical('marketo', write.to);
  const coveredOurs = draft.writes.some(
    (other) =>
      other.side === 'marketo' && other.field === name && codec.canonical('marketo', other.to) === old,
  );
  if (!expected && !coveredOurs) {
    const as = write.logged ? 'later' : 'collision';
    draft.overtaken[name] = { value: entry.oldValue, as, written: write.to, source: write.source };
    draft.dirty = true;
  }
  const marked = { ...write, logged: true };
  replaceWrite(draft, write, marked);
  if (openWrite(draft, 'marketo', name) === marked) settle(draft, codec, marked, write.to);
};

/** The entry tells nothing new: the value is what is seen, or what an answered write of ours has put there since. */
const isKnown = (draft: Draft, { name, codec }: MappedField, value: FieldValue): boolean => {
  if (openWrite(draft, 'marketo', name) !== undefined) return false;
  const known = actual(draft, 'marketo', name);
  return known !== undefined && codec.canonical('marketo', known) === codec.canonical('marketo', value);
};
