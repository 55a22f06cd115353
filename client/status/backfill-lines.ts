import type { Pass } from '../../store/reconciliations.js';
import type { ChainsStatus } from './chain-status.js';
import { span } from './span.js';
import type { StoreStatus } from './store-status.js';

export interface Line {
  /** Empty: it belongs to the line above. */
  readonly title: string;
  readonly text: string;
  readonly warn: boolean;
}

const line = (title: string, text: string, warn = false): Line => ({ title, text, warn });

/** What the backfill lane is at, and what the passes over everything found. */
export const backfillLines = (status: StoreStatus & ChainsStatus, now: Date): Line[] => [
  ...laneLines(status),
  ...passLines(status.reconciliation, now),
];

const laneLines = ({ backfill, toBackfill, chain }: StoreStatus & ChainsStatus): Line[] => {
  const waiting = toBackfill === 0 ? [] : [line('', `${String(toBackfill)} links have fields to be read`)];
  // Where the cycles do not run either, that is said already.
  if (backfill.state !== 'running' && chain.state === 'running')
    return [line('Backfill', 'not running: run contact-sync start', true), ...waiting];
  const retried = backfill.retried.map(({ step, attempt, failure }) =>
    line('', `${step} is tried again (attempt ${String(attempt)}): ${failure}`, true),
  );
  const work = backfill.progress?.work ?? null;
  if (work === null && waiting.length === 0 && retried.length === 0) return [];
  return [line('Backfill', work === null ? 'waits' : `at work: ${WORDS[work]}`), ...waiting, ...retried];
};

const WORDS = {
  lead: 'reads leads for the field selection',
  contact: 'reads contacts for the field selection',
  fields: 'reads fields that were never read',
  reconciliation: 'looks over all records',
} as const;

const passLines = ({ last, open }: StoreStatus['reconciliation'], now: Date): Line[] => {
  const lines: Line[] = [];
  if (open !== null) lines.push(line('Reconciling', `${openText(open, now)}; ${found(open)}`));
  if (last !== null) {
    const ended = Date.parse(last.completedAt ?? last.askedAt);
    const took = span(ended - Date.parse(last.startedAt ?? last.askedAt));
    lines.push(line('Reconciled', `${span(now.getTime() - ended)} ago in ${took}; ${found(last)}`));
  }
  return lines;
};

const STAGES = { persons: 'persons', lead: 'leads', contact: 'contacts', done: 'done' } as const;

const openText = ({ startedAt, stage }: Pass, now: Date): string =>
  startedAt === null
    ? 'asked for'
    : `at ${STAGES[stage]} since ${span(now.getTime() - Date.parse(startedAt))}`;

const found = ({ counts }: Pass): string => {
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${String(count)}`);
  return parts.length === 0 ? 'nothing read yet' : parts.join(', ');
};
