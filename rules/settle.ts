import type { Codec } from './codecs/index.js';
import { omit, type Draft } from './draft.js';
import { actual, type BySide, type Link, type Parked, type Write } from './link.js';
import type { MappedField } from './mapping.js';
import { noteMove } from './swing.js';
import { across, type FieldValue, type Side } from './terms.js';

/**
 * Records what a side is seen to hold. `seen` keeps it only where it differs from what is agreed.
 */
export const recordSeen = (
  draft: Draft,
  codec: Codec,
  side: Side,
  field: string,
  value: FieldValue,
): void => {
  const agreed = draft.agreed[side];
  const isAgreed =
    Object.hasOwn(agreed, field) &&
    codec.canonical(side, agreed[field] ?? null) === codec.canonical(side, value);
  if (isAgreed) omit(draft.seen[side], field);
  else draft.seen[side][field] = value;
};

/**
 * What each side kept while the field was set aside is no edit to defend: only what moved since is one.
 */
export const standFromParked = (
  draft: Draft,
  codec: Codec,
  field: string,
  parked: Parked,
  held: BySide<FieldValue>,
): void => {
  for (const side of ['marketo', 'dynamics'] as const) {
    draft.agreed[side][field] = parked[side];
    recordSeen(draft, codec, side, field, held[side]);
  }
};

/**
 * A write was seen to have taken effect: both sides agreed on its value at that moment. What the *other* side holds by
 * now may already be something newer, which then stands as an edit against the new agreement. A covered edit that was
 * given back is no agreement: it stands as the edit that it was.
 */
export const settle = (draft: Draft, codec: Codec, write: Write, held: FieldValue): void => {
  replaceWrite(draft, write, { ...write, state: 'settled' });
  const { side, field } = write;
  if (write.returns === true) {
    recordSeen(draft, codec, side, field, held);
    return;
  }
  noteMove(draft, codec, write);
  closeCollision(draft, write, held);
  if (draft.parked[field]?.trial === true) omit(draft.parked, field);
  const other = across(side);
  const otherHolds = actual(draft, other, field);
  draft.agreed[side][field] = held;
  draft.agreed[other][field] = write.source;
  omit(draft.seen[side], field);
  if (otherHolds !== undefined) recordSeen(draft, codec, other, field, otherHolds);
};

/** Dynamics has Marketo's value by now: what was typed in Marketo over a write of ours is later than that. */
const closeCollision = (draft: Draft, { side, field }: Write, held: FieldValue): void => {
  const overtaken = draft.overtaken[field];
  if (side !== 'dynamics' || overtaken === undefined) return;
  draft.overtaken[field] = { ...overtaken, as: 'later', source: held };
};

/** True if some field is not yet what both sides agreed on: the link is to be planned. */
export const isUnsettled = (link: Link): boolean =>
  [link.seen.marketo, link.seen.dynamics, link.overtaken].some((values) => Object.keys(values).length > 0);

export const replaceWrite = (draft: Draft, write: Write, by: Write): void => {
  draft.writes = draft.writes.map((each) => (each === write ? by : each));
};

/** The write of ours to this side and field that may still be, or has just been, under way: there is one at most. */
export const openWrite = (
  draft: { writes: readonly Write[] },
  side: Side,
  field: string,
): Write | undefined =>
  draft.writes.findLast(
    (write) =>
      write.side === side && write.field === field && (write.state === 'sent' || write.state === 'answered'),
  );

/** True if this value is the trace of a write of ours that never settled: not an edit, whoever reads it. */
export const isTraceOfOurs = (
  draft: { writes: readonly Write[] },
  codec: Codec,
  side: Side,
  field: string,
  value: FieldValue,
): boolean =>
  draft.writes.some(
    (write) =>
      write.side === side &&
      write.field === field &&
      write.state === 'superseded' &&
      write.retyped !== true &&
      codec.canonical(side, write.to) === codec.canonical(side, value),
  );

/**
 * Once the row has moved, a call that carried an older ETag can have no effect any more. Values of ours that are not
 * there now will not turn up: who types one later is a person.
 */
export const dropImpossible = (draft: Draft, fields: readonly MappedField[]): void => {
  draft.writes = draft.writes.filter((write) => {
    if (write.side !== 'dynamics' || write.state !== 'superseded') return true;
    const codec = fields.find(({ name }) => name === write.field)?.codec;
    const held = actual(draft, 'dynamics', write.field);
    return codec === undefined || codec.canonical('dynamics', held) === codec.canonical('dynamics', write.to);
  });
};
