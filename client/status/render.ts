import pc from 'picocolors';
import { span } from './span.js';
import type { AmbiguousLink, OpenCause, StoreStatus } from './store-status.js';
import { backfillLines } from './backfill-lines.js';
import type { ChainsStatus, ChainStatus } from './chain-status.js';

type Colors = ReturnType<typeof pc.createColors>;

export type Status = StoreStatus & ChainsStatus;

/** The status for people: a few lines each about the cycle, the links, and what is set aside. */
export const renderStatus = (status: Status, now: Date, color: boolean): string => {
  const colors = pc.createColors(color);
  return [
    ...runningLines(status, now, colors),
    ...cycleLines(status, now, colors),
    ...dayLines(status, colors),
    ...backfillLines(status, now).map(({ title, text, warn }) => {
      const shown = warn ? colors.yellow(text) : text;
      return title === '' ? indented(colors.dim(shown)) : row(colors, title, shown);
    }),
    ...linkLines(status, colors),
    ...rejectionLines(status.rejections, colors),
    ...ambiguousLines(status.ambiguous, colors),
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

const rejectionLines = (causes: readonly OpenCause[], colors: Colors): string[] => {
  if (causes.length === 0) return [row(colors, 'Rejections', 'none open')];
  return causes.map(({ side, field, code, count, example }, index) => {
    const which = `${String(count)} by ${side}: ${field ?? 'record'} (${code})`;
    const where = [
      example.marketoId === null ? [] : `person ${String(example.marketoId)}`,
      example.dynamicsId === null ? [] : `row ${example.dynamicsId}`,
    ].flat();
    const text = `${colors.yellow(which)} ${colors.dim(where.length === 0 ? '' : `e.g. ${where.join(', ')}`)}`;
    return index === 0 ? row(colors, 'Rejections', text) : indented(text);
  });
};

const ambiguousLines = ({ groups, examples }: StoreStatus['ambiguous'], colors: Colors): string[] => {
  if (groups === 0) return [row(colors, 'Ambiguous', 'none')];
  const text = `${String(groups)} ${groups === 1 ? 'group' : 'groups'} that cannot be told apart, set aside`;
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

const noticeLines = (notices: StoreStatus['notices'], colors: Colors): string[] =>
  notices.map(({ kind, field, message }, index) => {
    const text = `${field} on ${kind}: ${message}`;
    return index === 0 ? row(colors, 'Fields', colors.yellow(text)) : indented(colors.yellow(text));
  });
