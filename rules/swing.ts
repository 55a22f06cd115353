import { createHash } from 'node:crypto';
import type { Canonical, Codec } from './codecs/index.js';

import { omit, type Draft } from './draft.js';
import type { BySide, Cause, Parked, Write } from './link.js';
import type { FieldValue, Side } from './terms.js';

/**
 * The guard on oscillation: two systems, each with a rule of its own for one field, undo each other's value through us for
 * ever. Counted are writes of ours that took effect, so that neither planning twice nor a write that never ran counts; and
 * only those by which *another* side took back what we had carried across, so that somebody who toggles a checkbox, however
 * often, is never taken for two systems.
 */

/** The writes of a field that carried it between the same two values, one after the other. */
export interface Swing {
  /** Fingerprints of the two values, as the last of these writes moved them: no values, which are bounded by nothing. */
  readonly from: string;
  readonly to: string;
  /** The side that it was written to. */
  readonly side: Side;
  readonly cycle: number;
  /** How many writes, this one included. */
  readonly times: number;
  /** Set aside before, and both sides met by themselves since. */
  readonly onTrial?: true;
}

/** So many swings are carried across; the next one is not. */
export const MOST_SWINGS = 3;

/**
 * So many cycles may lie between two swings. Systems answer at once or within minutes; people who change their mind take
 * longer, and cycles without an edit count too.
 */
export const FEW_CYCLES = 4;

/** What a write moves, whichever side it goes to. */
interface Move {
  readonly side: Side;
  readonly from: Canonical;
  readonly to: Canonical;
}

/** Remembers, with the field's cause, that a write took effect. */
export const noteMove = (draft: Draft, codec: Codec, write: Write): void => {
  const cause = draft.causes[write.field];
  // Putting back what a late write of ours had covered is nobody's rule.
  if (cause === undefined || write.returns === true || write.rule === 'restore') return;
  const { side, cycle } = write;
  const move = { side, from: codec.canonical(side, write.from), to: codec.canonical(side, write.to) };
  const last = cause.swing;
  const times = last !== undefined && isSwing(last, move, cycle) ? last.times + 1 : 1;
  const swing = { side, cycle, times, from: fingerprint(move.from), to: fingerprint(move.to) };
  draft.causes[write.field] = { ...cause, swing };
};

/** True if this write would be one swing too many. */
export const isOneTooMany = (cause: Cause | undefined, move: Move, cycle: number): boolean => {
  const last = cause?.swing;
  return last !== undefined && last.times >= MOST_SWINGS && isSwing(last, move, cycle);
};

/**
 * Back on the other side, or the same once more on the same side, where somebody put the old value back: a field that
 * travels one way.
 */
const isSwing = (last: Swing, { side, from, to }: Move, cycle: number): boolean => {
  if (cycle - last.cycle > FEW_CYCLES) return false;
  const [a, b] = [fingerprint(from), fingerprint(to)];
  const isSame = a === last.from && b === last.to;
  const isBack = a === last.to && b === last.from;
  return isSame || (isBack && (side !== last.side || last.onTrial === true));
};

const fingerprint = (value: Canonical): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 10);

/**
 * What becomes of a field that is set aside for swinging, by what both sides hold now: it stays as long as they only move
 * between these two values; it is over once a third one comes, and on trial once both hold the same.
 */
export const standingOf = (
  codec: Codec,
  parked: Parked,
  held: BySide<FieldValue>,
): 'stays' | 'trial' | 'over' => {
  const known = [codec.canonical('marketo', parked.marketo), codec.canonical('dynamics', parked.dynamics)];
  const m = codec.canonical('marketo', held.marketo);
  const d = codec.canonical('dynamics', held.dynamics);
  if (!known.includes(m) || !known.includes(d)) return 'over';
  return m === d ? 'trial' : 'stays';
};

/** Counts from the start again. */
export const forgetSwings = (draft: Pick<Draft, 'causes'>, field: string): void => {
  const cause = draft.causes[field];
  if (cause === undefined) return;
  const copy: Record<string, unknown> & Cause = { ...cause };
  omit(copy, 'swing');
  draft.causes[field] = copy;
};

/** Both sides met by themselves: a move between the two values, should one come soon, is set aside without another round. */
export const keepOnTrial = (draft: Pick<Draft, 'causes'>, field: string, cycle: number): void => {
  const cause = draft.causes[field];
  if (cause?.swing !== undefined)
    draft.causes[field] = { ...cause, swing: { ...cause.swing, cycle, onTrial: true } };
};
