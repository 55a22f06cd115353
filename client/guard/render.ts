import pc from 'picocolors';
import type { GuardReason } from '../../rules/guard.js';
import type { GuardStop, StopOutcome } from '../../store/guard-stops.js';
import { moment } from '../moment.js';
import { discardText, goOnText, reasonText, recordText } from './words.js';

type Colors = ReturnType<typeof pc.createColors>;

/** How a stop ended, for people. */
export const OUTCOMES: Readonly<Record<StopOutcome, string>> = {
  'went-on': 'let through by decision',
  discarded: 'given up by decision',
  passed: 'passed by itself: the change fell below the thresholds',
  outgrown: 'replaced: more came than had been let through',
  'switched-off': 'ended: the guard was switched off',
};

/** What holds the cycles, for people; or how the last stop ended. */
export const renderStop = (stop: GuardStop | undefined, color: boolean): string => {
  const colors = pc.createColors(color);
  if (stop === undefined) return 'Nothing is stopped, and nothing ever was.';
  if (stop.outcome !== null) {
    const when = stop.closedAt === null ? '' : `, ${moment(stop.closedAt)}`;
    return `Nothing is stopped. The last stop, ${String(stop.id)} (cycle ${String(stop.firstCycle)}), was ${OUTCOMES[stop.outcome]}${when}.`;
  }
  return [
    colors.red(
      colors.bold(
        `Stop ${String(stop.id)}: mass change. Nothing is pushed since cycle ${String(stop.firstCycle)} (${moment(stop.raisedAt)}).`,
      ),
    ),
    ...stop.reasons.flatMap((reason) => reasonLines(reason, colors)),
    '',
    ...decisionLines(stop, colors),
  ].join('\n');
};

const reasonLines = (reason: GuardReason, colors: Colors): string[] => [
  '',
  colors.bold(reasonText(reason)),
  ...(reason.value === undefined ? [] : [line('value', JSON.stringify(reason.value))]),
  ...(reason.examples.length === 0 ? [] : [line('e.g.', reason.examples.map(recordText).join('; '))]),
  line('go-on', goOnText(reason)),
  line('discard', discardText(reason)),
];

const line = (title: string, text: string): string => `  ${title.padEnd(8)} ${text}`;

const decisionLines = ({ decision, decidedAt, note, throughCycle }: GuardStop, colors: Colors): string[] => {
  if (decision === null) {
    return [
      'Changes are still read, so nothing is lost; requests on demand are served. Once the values are put back, the sync',
      'goes on by itself. Otherwise decide: contact-sync guard go-on, or contact-sync guard discard.',
    ];
  }
  const when = decidedAt === null ? '' : ` ${moment(decidedAt)}`;
  const why = note === null ? '' : `, "${note}"`;
  const state =
    throughCycle === null ? 'the next cycle carries it out' : `cycle ${String(throughCycle)} carries it out`;
  return [colors.yellow(`Decided${when}: ${decision}${why}; ${state}.`)];
};
