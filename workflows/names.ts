import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { PersonRequest } from '../activities/contract.js';

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

/** A campaign asks for its person to be created in Dynamics. */
export const requestedSignal = defineSignal<[PersonRequest]>('requested');
