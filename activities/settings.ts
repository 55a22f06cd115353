import type { Dynamics } from '../dynamics/index.js';
import type { KeyRing } from '../config/sealing.js';
import type { AllowedHosts } from '../marketo/callbacks/hosts.js';
import type { Poster } from '../marketo/callbacks/post.js';
import type { Marketo } from '../marketo/index.js';
import type { Thresholds } from '../rules/guard.js';
import type { Link } from '../rules/link.js';
import type { FieldChoice } from '../rules/mapping.js';
import { pruneWrites } from '../rules/outcome.js';
import type { ScopeChoice } from '../rules/scope.js';
import type { Database } from '../store/database.js';

/** Spans of time that the write protocol counts by, in milliseconds. */
export interface Timing {
  /** Between the end of a cycle and the start of the next (rule 1). */
  readonly restMs: number;
  /** How far Marketo's streams are read again, because entries may be committed late. */
  readonly overlapMs: number;
  /** How long after its deadline a call in doubt is still not repeated. */
  readonly doubtMs: number;
  /** The longest a writing call to each remote can take. */
  readonly marketoDeadlineMs: number;
  readonly dynamicsDeadlineMs: number;
  /** How long a step may show no sign of life before another worker takes it up. */
  readonly takeoverMs: number;
  /** How long after a refusal, or its last trial, one record of its cause is tried again. */
  readonly probeMs: number;
}

/** How long a write that is over is remembered, so that its trace or its log entry is known for ours. */
export const keepOf = ({ restMs, overlapMs, doubtMs, marketoDeadlineMs }: Timing): number =>
  restMs + 2 * overlapMs + doubtMs + marketoDeadlineMs;

/** The link without writes that are over for so long that a value like theirs is somebody's own edit. */
export const forgetOld = ({ timing }: Pick<Ports, 'timing'>, link: Link): Link =>
  pruneWrites(link, Date.now(), keepOf(timing));

/** How often, and how fast, a pass over everything looks for what no change feed reported. */
export interface ReconciliationSettings {
  /** Between the starts of two passes, in milliseconds; null: only when asked for, or after an outage. */
  readonly everyMs: number | null;
  /** Calls to each side that a pass makes in a minute at most. */
  readonly callsPerMinute: number;
}

/** What the activities work with: injected by the worker, so that tests bring their own. */
export interface Ports {
  readonly db: Database;
  readonly marketo: Marketo;
  readonly dynamics: Dynamics;
  /** Name of the installation, `SYNC_INSTALLATION`. */
  readonly installation: string;
  /** The field selection of `sync.config.yaml`. */
  readonly choices: readonly FieldChoice[];
  /** Its record filter. */
  readonly scope: ScopeChoice;
  /** Column into which each write of a row puts which call it is. */
  readonly stampColumn?: string | undefined;
  readonly onMarketoDelete: 'keep' | 'recreate';
  /** Whole months that the ledger is kept besides the current one. */
  readonly ledgerMonths: number;
  readonly timing: Timing;
  /** Of the guard on mass change; null: it is off. */
  readonly guard: Thresholds | null;
  readonly reconciliation: ReconciliationSettings;
  /** What calls campaigns back; absent in a worker that was given no key for their secrets. */
  readonly callbacks?: CallbackPorts | undefined;
}

export interface CallbackPorts {
  readonly poster: Poster;
  readonly hosts: AllowedHosts;
  readonly keys: KeyRing;
}

/** One attempt of an activity, as its steps see it. */
export interface Attempt {
  /** Unique to this attempt: the holder of its claims. */
  readonly holder: string;
  readonly signal: AbortSignal;
  /** What the last attempt had reached, as it told `progress`. */
  readonly reached: unknown;
  /** Tells the server that work goes on, and where the next attempt could begin. */
  progress(reached?: unknown): void;
}
