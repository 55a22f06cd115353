import type { Ambiguity, GroupDecision } from '../../rules/ambiguity.js';
import type { LinkStatus, Rule } from '../../rules/link.js';
import type { OutOfScope, ScopeCause } from '../../rules/scope.js';
import { AUTHORITY } from '../../rules/authority.js';
import { across, KINDS, type Side } from '../../rules/terms.js';
import { moment } from '../moment.js';
import type { FieldState } from './explain-field.js';

export const SIDE_NAMES: Readonly<Record<Side, string>> = { marketo: 'Marketo', dynamics: 'Dynamics' };

/** A rule as people read it, for the side that won. docs/rules.md says more of each. */
const RULES: Readonly<Record<Rule, (winner: Side) => string>> = {
  'one-sided': (winner) => `only ${SIDE_NAMES[winner]} had been edited`,
  direction: (winner) => `the field is synced from ${SIDE_NAMES[winner]} only`,
  authority: (winner) => `both sides had been edited, and ${authorityText(winner)}`,
  'first-blank': (winner) => `nothing was agreed yet, and ${SIDE_NAMES[across(winner)]} had no value`,
  'first-consent': () => 'nothing was agreed yet, and of two consents the more restrictive one wins',
  'first-authority': (winner) => `nothing was agreed yet, and ${authorityText(winner)}`,
  restore: (winner) => `a write of ours had covered what ${SIDE_NAMES[winner]} held, which was put back`,
  gone: (winner) => `${unsent(winner)} its record was deleted`,
  merged: (winner) => `${unsent(winner)} its record was merged into another`,
  qualified: (winner) => `${unsent(winner)} the lead was qualified, which did not carry it over`,
  created: (winner) => `the record was created with the value of ${SIDE_NAMES[winner]}`,
};

const unsent = (winner: Side): string => `${SIDE_NAMES[across(winner)]}'s edit had not gone across when`;

/** By the table that the pair stood on then, which need not be the one of today: a lead may be qualified since. */
const authorityText = (winner: Side): string =>
  `${SIDE_NAMES[winner]} wins for ${KINDS.filter((kind) => AUTHORITY[kind] === winner).join('s and ')}s`;

export const ruleText = (rule: Rule, winner: Side): string => RULES[rule](winner);

export const STATES: Readonly<Record<FieldState, string>> = {
  'in-step': 'both sides in step',
  'under-way': 'on its way, not confirmed yet',
  refused: 'refused; tried again when a value moves',
  'set-aside': 'set aside; see "Fields" in contact-sync status',
  discarded: 'set aside by decision; tried again when a value moves',
  swinging:
    'set aside: both sides keep rewriting it; taken up at a third value, or by contact-sync release-field',
  'to-decide': 'edited since; the next cycle decides',
  unread: 'not read on both sides yet',
};

export const STATUSES: Readonly<Record<LinkStatus, string>> = {
  linked: 'linked',
  unmatched: 'the row has no person yet',
  ambiguous: 'ambiguous: set aside until somebody decides (contact-sync resolve) or it clears up',
  ended: 'ended: the row was deleted in Dynamics, the person stays',
  tombstone: 'ended: the person was deleted in Marketo, the row stays',
  excluded: 'left out: a qualified or merged row',
  'merged-away':
    'set aside: one of its records was merged into one of another pair, the other waits for the same',
};

export const AMBIGUITY_TEXTS: Readonly<Record<Ambiguity, string>> = {
  'same-email': 'several records have one e-mail',
  'same-key': "several persons carry this row's id",
  'key-held': "the person that carries this row's id belongs to another row",
  'too-many': 'more than 1,000 persons have this e-mail, so Marketo does not tell which',
  comma: 'the address has a comma, so Marketo cannot be asked who has it',
  qualified: 'the lead was qualified into a contact that has a person of its own',
};

/** Why a pair is out of scope, and since when; a line for each cause. */
export const scopeTexts = (scope: OutOfScope | null): string[] => {
  if (scope === null) return [];
  const { row, person, hold } = scope;
  return [
    ...(row === undefined
      ? []
      : [outOf(row.since, row.unread === true ? 'its flag cannot be read yet' : 'its row says No')]),
    ...(person === undefined
      ? []
      : [
          outOf(
            person.since,
            person.unread === true ? 'its flag cannot be read yet' : 'its person is flagged',
          ),
        ]),
    ...(hold === undefined
      ? []
      : [outOf(hold.since, `on hold by ${hold.by}${hold.note === null ? '' : `: ${hold.note}`}`)]),
  ];
};

const outOf = (since: string, because: string): string => `out of scope since ${moment(since)}: ${because}`;

export const SCOPE_NAMES: Readonly<Record<ScopeCause, string>> = {
  row: 'by rows that say No',
  person: 'by flagged persons',
  hold: 'on hold',
};

export const decisionText = ({ what, persons, by, at }: GroupDecision): string => {
  const who = persons.length === 0 ? 'everybody of its e-mail' : `person ${persons.join(', ')}`;
  const decided = what === 'linked' ? `linked with ${who}` : `separated from ${who}`;
  return `decided by ${by}, ${moment(at)}: the row was ${decided}`;
};
