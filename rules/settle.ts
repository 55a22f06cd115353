import type { Codec } from './codecs/index.js';
import { omit, type Draft } from './draft.js';
import { actual, type Write } from './link.js';
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
 * A write was seen to have taken effect: both sides agreed on its value at that moment. What the *other* side holds by
 * now may already be something newer, which then stands as an edit against the new agreement.
 */
export const settle = (draft: Draft, codec: Codec, write: Write, held: FieldValue): void => {
  const { side, field } = write;
  const other = across(side);
  const otherHolds = actual(draft, other, field);
  draft.agreed[side][field] = held;
  draft.agreed[other][field] = write.source;
  omit(draft.seen[side], field);
  if (otherHolds !== undefined) recordSeen(draft, codec, other, field, otherHolds);
  replaceWrite(draft, write, { ...write, state: 'settled' });
};

export const replaceWrite = (draft: Draft, write: Write, by: Write): void => {
  draft.writes = draft.writes.map((each) => (each === write ? by : each));
};

/** The newest write of ours to this side and field that may still be, or has just been, under way. */
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
      codec.canonical(side, write.to) === codec.canonical(side, value),
  );
