import pc from 'picocolors';
import type { BySide } from '../../rules/link.js';
import type { FieldValue } from '../../rules/terms.js';
import type { LedgerRecord } from '../../store/ledger.js';
import { moment } from '../moment.js';
import type { FieldExplanation } from './explain-field.js';
import type { LinkExplanation } from './read.js';
import {
  AMBIGUITY_TEXTS,
  decisionText,
  ruleText,
  scopeTexts,
  SIDE_NAMES,
  STATES,
  STATUSES,
} from './words.js';

type Colors = ReturnType<typeof pc.createColors>;

/** Earlier decisions that are shown when one field is asked about. */
const EARLIER = 10;

/** For people. One field is told with its history, many with their last decision. */
export function renderWhy(explained: readonly LinkExplanation[], history: boolean, color: boolean): string {
  const colors = pc.createColors(color);
  return explained.flatMap((each) => linkLines(each, history, colors)).join('\n');
}

function linkLines({ link, fields }: LinkExplanation, history: boolean, colors: Colors): string[] {
  const person = link.marketoId === null ? 'no person' : `person ${link.marketoId}`;
  const row = link.dynamicsId === null ? `no ${link.kind}` : `${link.kind} ${link.dynamicsId}`;
  const candidates = (link.candidates ?? []).map(({ side, kind, id }) =>
    side === 'marketo' ? `person ${id}` : `${kind ?? 'row'} ${id}`,
  );
  return [
    `${colors.bold(`${person} and ${row}`)}: ${STATUSES[link.status]}`,
    ...(link.successor?.id == null
      ? []
      : [`  ${link.successor.by} into: ${link.successor.kind} ${link.successor.id}`]),
    ...scopeTexts(link.outOfScope).map((text) => `  ${text}`),
    ...(link.ambiguity === null ? [] : [`  because: ${AMBIGUITY_TEXTS[link.ambiguity]}`]),
    ...(link.decision === null ? [] : [`  ${decisionText(link.decision)}`]),
    ...(candidates.length === 0 ? [] : [`  candidates: ${candidates.join(', ')}`]),
    ...fields.flatMap((field) => fieldLines(field, history, colors)),
  ];
}

function fieldLines(
  { field, state, now, decisions, metSince, cause, rejection }: FieldExplanation,
  history: boolean,
  colors: Colors,
): string[] {
  const [last, ...earlier] = decisions;
  const calm = state === 'in-step';
  return [
    `${colors.bold(field)}  ${(calm ? colors.green : colors.yellow)(STATES[state])}`,
    line('now', sides(now)),
    ...(rejection === null
      ? []
      : [line('refusal', `${SIDE_NAMES[rejection.side]} said ${rejection.code}: ${rejection.message}`)]),
    ...(metSince ? [line('since', MET)] : []),
    ...(last === undefined ? causeLines(cause) : decisionLines(last)),
    ...(history ? earlier.slice(0, EARLIER).flatMap((each) => ['', ...decisionLines(each)]) : []),
  ];
}

const MET = 'both sides came to hold the same by themselves; the last decision was about another value:';

const UNDECIDED = 'no decision is on record: both held the same value from the start';

/** What is known of a decision that is older than the ledger. */
function causeLines(cause: FieldExplanation['cause']): string[] {
  if (cause === null) return [line('why', UNDECIDED)];
  return [line('why', whyText(cause)), line('won', `${SIDE_NAMES[cause.winner]}; ${FORGOTTEN}`)];
}

const FORGOTTEN = 'the values it was decided from are older than the ledger';

const whyText = ({ rule, winner, cycle, at }: NonNullable<FieldExplanation['cause']>): string =>
  `${ruleText(rule, winner)} (cycle ${cycle}, ${moment(at)})`;

function decisionLines(decision: LedgerRecord): string[] {
  const { winner, loser, candidates, base, erased, discarded } = decision;
  return [
    line('why', whyText(decision)),
    ...(discarded === undefined
      ? []
      : [line('but', `given up by decision, stop ${discarded} of the guard: nothing was written`)]),
    line(
      'won',
      `${SIDE_NAMES[winner]}${loser === undefined ? '' : `; ${SIDE_NAMES[loser]}'s edit was given up`}`,
    ),
    line('from', erased === true ? 'values that were erased' : sides(candidates)),
    ...(base === undefined ? [] : [line('before', sides(base))]),
  ];
}

const line = (title: string, text: string): string => `  ${title.padEnd(8)} ${text}`;

const sides = ({ marketo, dynamics }: BySide<FieldValue>): string =>
  `Marketo ${shown(marketo)}, Dynamics ${shown(dynamics)}`;

const shown = (value: FieldValue): string =>
  value === null || value === '' ? '(blank)' : JSON.stringify(value);
