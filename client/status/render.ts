import pc from 'picocolors';
import type { IsoInstant } from '../../rules/terms.js';
import { SCOPE_CAUSES } from '../../rules/scope.js';
import { placesOf, reasonText } from '../guard/words.js';
import { SCOPE_NAMES } from '../why/words.js';
import type { AmbiguousLink, OpenCause, StoreStatus, Stuck } from './store-status.js';
import { span } from './span.js';
import { backfillLines } from './backfill-lines.js';
import type { ChainsStatus, ChainStatus } from './chain-status.js';

type Colors = ReturnType<typeof pc.createColors>;

export type Status = StoreStatus & ChainsStatus;

/** The status for people: a few lines each about the cycle, the links, and what is set aside. */
export const renderStatus = (status: Status, now: Date, color: boolean): string => {
  const colors = pc.createColors(color);
  return [
    ...runningLines(status, now, colors),
    ...guardLines(status, colors),
    ...cycleLines(status, now, colors),
    ...dayLines(status, colors),
    ...backfillLines(status, now).map(({ title, text, warn }) => {
      const shown = warn ? colors.yellow(text) : text;
      return title === '' ? indented(colors.dim(shown)) : row(colors, title, shown);
    }),
    ...linkLines(status, colors),
    ...scopeLines(status, colors),
    ...stuckLines(status.stuck, now, colors),
    ...rejectionLines(status.rejections, now, colors),
    ...ambiguousLines(status.ambiguous, colors),
    ...swingingLines(status.swinging, colors),
    ...noticeLines(status.notices, colors),
  ].join('\n');
};

const row = (colors: Colors, title: string, text: string): string =>
  `${colors.bold(title.padEnd(13))}${text}`;

const indented = (text: string): string => `${' '.repeat(13)}${text}`;

const runningLines = ({ installation, chain }: Status, now: Date, colors: Colors): string[] => {
  const name =
    installation === null
      ? colors.yellow('not set up: run contact-sync setup')
      : `${installation.name} ${colors.dim(installation.id)}`;
  const retried = chain.retried.map(({ step, attempt, failure }) =>
    indented(colors.yellow(`${step} is tried again (attempt ${String(attempt)}): ${failure}`)),
  );
  return [row(colors, 'Installation', name), row(colors, 'Now', nowText(chain, now, colors)), ...retried];
};

/** A stop comes before everything else: until somebody decides, nothing is written. */
const guardLines = ({ guard }: Status, colors: Colors): string[] => {
  if (guard === null) return [];
  const { cycle, reasons, decision } = guard;
  const what =
    decision === null
      ? 'contact-sync guard shows examples, and lets you go on or discard'
      : `decided: ${decision}; the next cycle carries it out`;
  return [
    row(colors, 'Stopped', colors.red(`mass change: nothing is pushed since cycle ${String(cycle)}`)),
    ...reasons.map((reason) => indented(colors.red(reasonText(reason)))),
    indented(colors.yellow(what)),
  ];
};

const nowText = ({ state, message, worker, progress }: ChainStatus, now: Date, colors: Colors): string => {
  switch (state) {
    case 'unknown':
      return colors.red(message ?? 'Temporal does not answer');
    case 'not-started':
      return colors.yellow('not started: run contact-sync start');
    case 'ended':
      return colors.yellow(`not running (${message ?? 'ended'}): run contact-sync start`);
    case 'running':
      if (worker === 'answering' && progress !== null) return colors.green(progressText(progress, now));
      return colors.red('started, but no worker answers: run npm run worker');
  }
};

const progressText = (progress: NonNullable<ChainStatus['progress']>, now: Date): string => {
  const { cycle, step, restUntil, chunks, chunksDone } = progress;
  if (restUntil !== null) {
    return `rest before cycle ${String(cycle)}, ${span(Date.parse(restUntil) - now.getTime())} left`;
  }
  const done = step === 'sync' ? `, chunk ${String(chunksDone)} of ${String(chunks)}` : '';
  return `cycle ${String(cycle)}: ${step}${done}`;
};

const cycleLines = ({ cycle, failedSince }: Status, now: Date, colors: Colors): string[] => {
  const failed = failedSince > 0 ? colors.red(`  ${String(failedSince)} failed since`) : '';
  if (cycle === null) return [row(colors, 'Last cycle', `none has completed yet${failed}`)];
  const { number, startedAt, completedAt, counts } = cycle;
  const took = span(Date.parse(completedAt) - Date.parse(startedAt));
  const ago = span(now.getTime() - Date.parse(completedAt));
  const groups = new Map<string, string[]>();
  for (const [key, count] of Object.entries(counts)) {
    if (count === 0) continue;
    const [group = key, name = ''] = key.split('.', 2);
    groups.set(group, [...(groups.get(group) ?? []), `${name} ${String(count)}`.trim()]);
  }
  const lines = [...groups].map(([group, parts]) => indented(`${colors.dim(group)} ${parts.join(', ')}`));
  return [
    row(colors, 'Last cycle', `${String(number)}, completed ${ago} ago in ${took}${failed}`),
    ...(lines.length === 0 ? [indented(colors.dim('nothing had changed'))] : lines),
  ];
};

const dayLines = ({ marketoDay }: Status, colors: Colors): string[] => {
  if (marketoDay === null) return [];
  const { used, ours, quota, readAt, unread } = marketoDay;
  const of = quota === null ? '' : ` of ${thousands(quota)}`;
  // Without a reading of today, the calls of others are not known.
  const known = `${readAt === null ? 'at least ' : ''}${thousands(used)}${of}`;
  const line = row(colors, 'Calls today', `Marketo ${known} (ours ${thousands(ours)})`);
  if (unread === null) return [line];
  const advice = unread.startsWith('usage is labelled')
    ? 'it counts days otherwise than by US Central, or a clock is wrong; raise dailyReserve if others call much'
    : 'check that the role of the API user may read usage statistics';
  return [line, indented(colors.yellow(`Marketo does not tell the day's use, ${unread}: ${advice}`))];
};

const thousands = (count: number): string => count.toLocaleString('en-US');

const linkLines = ({ links, dirty, openWrites, pendingEntries }: Status, colors: Colors): string[] => {
  const counts = Object.entries(links).map(([status, count]) => `${String(count)} ${status}`);
  const open = [
    `${String(dirty)} to look at`,
    `${String(openWrites)} open writes`,
    `${String(pendingEntries)} log entries to write`,
  ];
  return [
    row(colors, 'Links', counts.length === 0 ? 'none yet' : counts.join(', ')),
    indented(colors.dim(open.join(', '))),
  ];
};

const scopeLines = ({ outOfScope }: Status, colors: Colors): string[] => {
  const causes = SCOPE_CAUSES.filter((cause) => outOfScope[cause] > 0);
  if (causes.length === 0) return [];
  const parts = causes.map((cause) => `${String(outOfScope[cause])} ${SCOPE_NAMES[cause]}`);
  return [row(colors, 'Out of scope', parts.join(', '))];
};

const stuckLines = ({ count, examples }: Stuck, now: Date, colors: Colors): string[] => {
  if (count === 0) return [];
  const text = `${String(count)} not at rest for three cycles and more: see the worker's log for what failed`;
  const shown = examples.slice(0, MOST_STUCK).map(({ since, ...record }) => {
    const ago = span(now.getTime() - Date.parse(since));
    return indented(`${record.kind} ${placesOf(record).join(', ')} ${colors.dim(`since ${ago}`)}`);
  });
  return [row(colors, 'Stuck', colors.yellow(text)), ...shown];
};

/** As many as fit between the other lines; --json has more. */
const MOST_STUCK = 5;

const rejectionLines = (causes: readonly OpenCause[], now: Date, colors: Colors): string[] => {
  if (causes.length === 0) return [row(colors, 'Rejections', 'none open')];
  return causes.flatMap((cause, index) => {
    const { side, field, code, count, example } = cause;
    const which = `${String(count)} by ${side}: ${field ?? 'record'} (${code})`;
    const where = placesOf(example);
    const text = `${colors.yellow(which)} ${colors.dim(where.length === 0 ? '' : `e.g. ${where.join(', ')}`)}`;
    return [
      index === 0 ? row(colors, 'Rejections', text) : indented(text),
      indented(colors.dim(`  ${probeText(cause, now)}`)),
    ];
  });
};

const probeText = ({ since, probed, probedAt, probeDueAt }: OpenCause, now: Date): string => {
  const ago = (at: IsoInstant): string => `${span(now.getTime() - Date.parse(at))} ago`;
  const tried = probedAt === null ? [] : [`last tried again ${ago(probedAt)}`];
  const left = probeDueAt === null ? null : Date.parse(probeDueAt) - now.getTime();
  const due = left === null ? 'set by the next cycle' : left <= 0 ? 'in the next cycle' : `in ${span(left)}`;
  const next = probed ? `next trial ${due}` : 'tried again when a value or the mapping changes';
  return [`since ${ago(since)}`, ...tried, next].join(', ');
};

const ambiguousLines = ({ groups, examples }: StoreStatus['ambiguous'], colors: Colors): string[] => {
  if (groups === 0) return [row(colors, 'Ambiguous', 'none')];
  const [what, it] = groups === 1 ? ['group', 'it'] : ['groups', 'them'];
  const text = `${String(groups)} ${what} that cannot be told apart, set aside: contact-sync resolve lists ${it}`;
  const shown = examples.map((link) => indented(ambiguousText(link)));
  return [row(colors, 'Ambiguous', colors.yellow(text)), ...shown];
};

const ambiguousText = ({ kind, marketoId, dynamicsId, candidates }: AmbiguousLink): string => {
  const own = dynamicsId === null ? `person ${String(marketoId)} as ${kind}` : `${kind} ${dynamicsId}`;
  const others = candidates.map(({ side, kind: table, id }) =>
    side === 'marketo' ? `person ${id}` : `${table ?? 'row'} ${id}`,
  );
  return others.length === 0 ? own : `${own}: ${others.join(', ')}`;
};

const swingingLines = (swinging: StoreStatus['swinging'], colors: Colors): string[] =>
  swinging.map(({ kind, field, count, example }, index) => {
    const which = `${field} on ${String(count)} ${kind}${count === 1 ? '' : 's'}: both sides keep rewriting it`;
    const where = example.marketoId === null ? '' : `e.g. person ${String(example.marketoId)}`;
    const text = `${colors.yellow(which)} ${colors.dim(where)}`;
    return index === 0 ? row(colors, 'Swinging', text) : indented(text);
  });

const noticeLines = (notices: StoreStatus['notices'], colors: Colors): string[] =>
  notices.map(({ kind, field, message }, index) => {
    const text = `${field} on ${kind}: ${message}`;
    return index === 0 ? row(colors, 'Fields', colors.yellow(text)) : indented(colors.yellow(text));
  });
