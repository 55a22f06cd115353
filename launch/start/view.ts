import type { StoreStatus } from '../../client/status/store-status.js';
import type { CycleProgress } from '../../workflows/names.js';
import type { Campaigns } from './campaigns.js';
import { summaryOf, whole, type EndedCycle } from './cycles.js';
import { fitted } from './text.js';

/** Everything that the live view shows, at one moment. */
export interface Scene {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Null while no worker answers. */
  readonly progress: CycleProgress | null;
  /** Null until the store was read for the first time. */
  readonly status: StoreStatus | null;
  /** Null until it was read for the first time. */
  readonly campaigns: Campaigns | null;
  /** The last cycle that ended. */
  readonly last: EndedCycle | null;
  readonly edits: {
    readonly perMinute: number;
    readonly total: number;
    /** The latest last. */
    readonly recent: readonly { readonly at: number; readonly text: string }[];
  };
  /** What a bounded run is at, or how to stop. */
  readonly footer: string;
}

const LABEL = 14;
const RECENT = 6;

const row = (label: string, text: string): string => label.padEnd(LABEL) + text;

const clock = (at: number): string => new Date(at).toLocaleTimeString('en-GB');

const seconds = (ms: number): string => `${Math.max(0, Math.ceil(ms / 1000))} s`;

const nowText = (progress: CycleProgress | null, now: number): string => {
  if (progress === null) return 'waiting for the worker to answer';
  const { cycle, step, restUntil, chunks, chunksDone } = progress;
  // A run learns its number with its first step.
  if (cycle === 0) return 'the next cycle begins';
  if (restUntil !== null) return `rest: cycle ${cycle} starts in ${seconds(Date.parse(restUntil) - now)}`;
  return `cycle ${cycle}: ${step}${step === 'sync' ? `, chunk ${chunksDone} of ${chunks} done` : ''}`;
};

const lastText = ({ number, outcome, startedAt, endedAt }: EndedCycle): string =>
  `${number} ${outcome} at ${clock(endedAt)}, took ${((endedAt - startedAt) / 1000).toFixed(1)} s`;

const lastLines = (last: EndedCycle | null): string[] => {
  const { fetched, edits, collisions, won, written, ...rest } = summaryOf(last?.counts ?? {});
  const { persons, leads, contacts } = fetched;
  return [
    row('Last cycle', last === null ? 'none has ended yet' : lastText(last)),
    row('  fetched', `persons ${whole(persons)}, leads ${whole(leads)}, contacts ${whole(contacts)}`),
    row('  edits', `Marketo ${whole(edits.marketo)}, Dynamics ${whole(edits.dynamics)}`),
    row('  collisions', `${whole(collisions)}; values that won: ${both(won)}`),
    row('  written', `to ${both(written).replace(', ', ', to ')}; created ${whole(rest.created)}`),
    row(
      '  set aside',
      `refused ${whole(rest.refused)}, ambiguous ${whole(rest.ambiguous)}, deferred ${whole(rest.deferred)}`,
    ),
  ];
};

const both = ({ marketo, dynamics }: { readonly marketo: number; readonly dynamics: number }): string =>
  `Marketo ${whole(marketo)}, Dynamics ${whole(dynamics)}`;

const totalLines = (status: StoreStatus | null): string[] => {
  if (status === null) return [row('Links', '…'), '', ''];
  const { links, dirty, openWrites, rejections, ambiguous } = status;
  const beside = besideText(status);
  const refused = rejections.reduce((sum, { count }) => sum + count, 0);
  const rows = `linked ${whole(links.linked ?? 0)}, waiting for a person ${whole(links.unmatched ?? 0)}`;
  return [
    row('Links', `${rows}, ended ${whole((links.ended ?? 0) + (links.tombstone ?? 0))}`),
    row('', `values refused ${whole(refused)}, ambiguous groups ${whole(ambiguous.groups)}`),
    row('', `to look at ${whole(dirty)}, writes not settled yet ${whole(openWrites)}${beside}`),
  ];
};

/** What the backfill lane has before it. */
const besideText = ({ toBackfill, reconciliation: { open } }: StoreStatus): string => {
  if (toBackfill > 0) return `, fields to be read on ${whole(toBackfill)}`;
  return open === null
    ? ''
    : `; a pass over all records is at ${open.stage === 'persons' ? 'persons' : `${open.stage}s`}`;
};

const campaignText = (campaigns: Campaigns | null): string => {
  if (campaigns === null) return '…';
  const { persons, waiting, last } = campaigns;
  const text = `${whole(persons)} persons, ${whole(waiting)} waiting`;
  if (last === null) return text;
  const { marketoId, outcome, kind, ms } = last;
  const what = kind === null ? outcome : `${outcome} (${kind})`;
  return `${text}; last: person ${marketoId} ${what} in ${(ms / 1000).toFixed(1)} s`;
};

const editLines = ({ perMinute, total, recent }: Scene['edits']): string[] => {
  const shown = recent.slice(-RECENT).map(({ at, text }) => `  ${clock(at)}  ${text}`);
  // Always as many lines: a view that grows and shrinks is hard to read.
  const free = Array.from({ length: RECENT - shown.length }, () => '');
  const pace = perMinute === 0 ? 'none any more' : `${whole(perMinute)} a minute on both sides`;
  return [row('People edit', `${pace}, ${whole(total)} so far`), ...shown, ...free];
};

/** The view in lines of at most so many columns, 24 at most: it fits into the smallest usual terminal. */
export const renderView = (scene: Scene, columns: number): string =>
  [
    '',
    row('Now', nowText(scene.progress, scene.now)),
    ...lastLines(scene.last),
    ...totalLines(scene.status),
    row('Campaigns', campaignText(scene.campaigns)),
    ...editLines(scene.edits),
    scene.footer,
  ]
    .map((line) => fitted(line, columns - 1))
    .join('\n');
