import type { Codec } from './codecs/index.js';
import { draftOf, type Draft } from './draft.js';
import type { Link, Write } from './link.js';
import type { MappedField } from './mapping.js';
import { hasMovedParked } from './parked.js';
import { dropImpossible, isUnsettled, openWrite, recordSeen, replaceWrite, settle } from './settle.js';
import type { FieldValues, Side } from './terms.js';

/** A read of one record: what it held at one moment, for the fields that could be read. */
export interface Observation {
  readonly side: Side;
  /** By field name; a field that is missing was not read and is left as it was. */
  readonly values: FieldValues;
  readonly etag?: string;
  /** What the row's stamp column holds: which call of ours wrote it last, whatever people changed since. */
  readonly rowStamp?: string | null;
}

export interface ObserveContext {
  readonly fields: readonly MappedField[];
  /** Milliseconds since the epoch, of the reading side's own clock. */
  readonly now: number;
  /** How long after an answered write Marketo's own reading may still show the old value, in milliseconds. */
  readonly overlapMs: number;
}

/** A write that was answered and yet is not there after the overlap window: the target refused it in silence. */
export interface SilentRefusal {
  readonly write: Write;
}

export interface Observed {
  readonly link: Link;
  readonly refusals: readonly SilentRefusal[];
}

/**
 * Takes what was read of one record into the link. A value equal to an open write settles it; any other value tells,
 * once the write's time is over, that it had no effect, or that somebody typed over it.
 */
export const observe = (link: Link, observation: Observation, context: ObserveContext): Observed => {
  const draft = draftOf(link);
  const refusals: SilentRefusal[] = [];
  const { side, values, etag, rowStamp } = observation;
  const rowMoved = etag !== undefined && etag !== link.etag;
  const read = context.fields.filter(({ name }) => Object.hasOwn(values, name));
  for (const { name, codec } of read) {
    const value = values[name] ?? null;
    const stamped =
      rowStamp == null ? undefined : settleStamped(draft, codec, { side, field: name, rowStamp });
    const write = openWrite(draft, side, name);
    if (write !== undefined && isSameMove(codec, write, stamped)) {
      // The same move, which another call had made by then: it counts once.
      draft.writes = draft.writes.filter((each) => each !== write);
      recordSeen(draft, codec, side, name, value);
      continue;
    }
    if (write !== undefined && codec.canonical(side, write.to) === codec.canonical(side, value)) {
      settle(draft, codec, write, value);
      continue;
    }
    if (write !== undefined) {
      const stillFrom = codec.canonical(side, write.from) === codec.canonical(side, value);
      if (stillFrom && write.state === 'answered' && isOver(write, context)) refusals.push({ write });
      replaceWrite(draft, write, afterMiss(write, stillFrom, context));
    }
    recordSeen(draft, codec, side, name, value);
  }
  for (const write of unseen(draft, side, context))
    replaceWrite(draft, write, { ...write, state: 'superseded' });
  if (rowMoved) dropImpossible(draft, read);
  if (etag !== undefined) draft.etag = etag;
  draft.dirty = draft.dirty || isUnsettled(draft) || hasMovedParked(draft, context.fields);
  return { link: draft, refusals };
};

/**
 * The stamp says that the call took effect: its value was agreed, and one that stands there by now is a later edit. Also
 * where the write was given up meanwhile, because its worker stalled.
 *
 * @returns the write that it settled.
 */
const settleStamped = (
  draft: Draft,
  codec: Codec,
  { side, field, rowStamp }: Pick<Write, 'side' | 'field' | 'rowStamp'>,
): Write | undefined => {
  const write = draft.writes.findLast(
    (each) => each.side === side && each.field === field && each.rowStamp === rowStamp,
  );
  if (write?.state !== 'sent' && write?.state !== 'superseded') return undefined;
  settle(draft, codec, write, write.to);
  return write;
};

const isSameMove = (codec: Codec, { side, to }: Write, stamped: Write | undefined): boolean =>
  stamped !== undefined && codec.canonical(side, stamped.to) === codec.canonical(side, to);

/** Open writes to fields that are not synced any more, their time over: no read will ever tell what became of them. */
const unseen = (draft: Draft, side: Side, { fields, now, overlapMs }: ObserveContext): readonly Write[] =>
  draft.writes.filter(
    (write) =>
      write.side === side &&
      (write.state === 'answered' || write.state === 'sent') &&
      !fields.some(({ name }) => name === write.field) &&
      now >=
        (write.state === 'answered'
          ? Date.parse(write.at) + overlapMs
          : Date.parse(write.deadline ?? write.at)),
  );

/** What becomes of an open write whose value was not found. */
const afterMiss = (write: Write, stillFrom: boolean, context: ObserveContext): Write => {
  if (isOver(write, context)) return { ...write, state: 'superseded' };
  if (write.state === 'sent' || stillFrom) return write;
  // Typed over after our write, or blocked and typed: the log will tell which, so the answer alone is in doubt again.
  const deadline = new Date(Date.parse(write.at) + context.overlapMs).toISOString();
  return { ...write, state: 'sent', deadline };
};

/**
 * True if the write can no longer take effect unnoticed. Marketo: an answered write had its time when the overlap window
 * is over, one in doubt when its call cannot be running any more. Dynamics: at once, because a call that is still under
 * way carries the old `If-Match` and fails as soon as the row moves.
 */
const isOver = (write: Write, { now, overlapMs }: ObserveContext): boolean => {
  if (write.side === 'dynamics') return true;
  if (write.state === 'answered') return now >= Date.parse(write.at) + overlapMs;
  return write.deadline === null || now >= Date.parse(write.deadline);
};
