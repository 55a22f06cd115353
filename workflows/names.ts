import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { BackfillWork, PersonRequest } from '../activities/contract.js';

/** What a cycle is doing, answered at once, also while it rests. */
export interface CycleProgress {
  readonly cycle: number;
  readonly step: 'begin' | 'rest' | 'fetch' | 'sync' | 'log rejections' | 'done';
  /** When the rest ends, in ISO 8601; null unless resting. */
  readonly restUntil: string | null;
  readonly chunksDone: number;
  readonly chunks: number;
  readonly counts: Readonly<Record<string, number>>;
}

export const progressQuery = defineQuery<CycleProgress>('progress');

/** What the backfill lane is doing, answered at once, also while nothing is due. */
export interface BackfillProgress {
  /** Null while nothing is due. */
  readonly work: BackfillWork | null;
  /** When it looks again, in ISO 8601; null while it works. */
  readonly lookAgainAt: string | null;
  /** Turns of this run. */
  readonly turns: number;
  /** Of the pass that is under way. */
  readonly counts: Readonly<Record<string, number>>;
}

export const backfillProgressQuery = defineQuery<BackfillProgress>('progress');

/** Something was asked for: the backfill lane looks at once. */
export const wakeSignal = defineSignal('wake');

/** A campaign asks for its person to be created in Dynamics. */
export const requestedSignal = defineSignal<[PersonRequest]>('requested');
