import { AUTHORITY } from './authority.js';
import type { Canonical, Codec } from './codecs/index.js';
import type { Rule } from './link.js';
import type { Direction, FieldValue, Kind, Side } from './terms.js';

/** One field of one link, with everything that decides about it. */
export interface Question {
  readonly kind: Kind;
  readonly codec: Codec;
  readonly column: string;
  readonly direction: Direction;
  /** People want both ways, and a right to the other one is missing. */
  readonly narrowed: boolean;
  readonly consent: boolean;
  /** What both sides last agreed on; `undefined` where nothing is agreed yet. */
  readonly base: Readonly<Record<Side, FieldValue>> | undefined;
  readonly marketo: FieldValue;
  readonly dynamics: FieldValue;
  /** An edit of Marketo that stood before our write is a collision whatever the base says by now. */
  readonly collides?: boolean;
}

export type Verdict =
  | { readonly rule: 'equal' }
  /** Both sides keep what they hold, and nothing is agreed. */
  | { readonly rule: 'stands' }
  | { readonly rule: Rule; readonly winner: Side; readonly loser?: { side: Side; value: FieldValue } };

/**
 * The merge of one field, as a total function: equality, direction, first agreement, one-sided edit, collision.
 * `docs/rules.md` states the same in words.
 */
export const decide = (question: Question): Verdict => {
  const { codec, marketo, dynamics, base } = question;
  const m = codec.canonical('marketo', marketo);
  const d = codec.canonical('dynamics', dynamics);
  if (m === d) return { rule: 'equal' };
  if (question.direction !== 'both') {
    const winner = question.direction === 'toMarketo' ? 'dynamics' : 'marketo';
    return question.narrowed ? fromSource(question, winner) : { rule: 'direction', winner };
  }
  if (question.collides === true) return collision(question);
  if (base === undefined) return firstAgreement(question, m, d);
  const marketoEdited = m !== codec.canonical('marketo', base.marketo);
  const dynamicsEdited = d !== codec.canonical('dynamics', base.dynamics);
  if (marketoEdited && dynamicsEdited) return collision(question);
  return { rule: 'one-sided', winner: marketoEdited ? 'marketo' : 'dynamics' };
};

/**
 * A two-way field of which one way is barred by a right: what would go that way stands, and waits for the right. Nothing is
 * taken back for want of it.
 */
const fromSource = (question: Question, source: Side): Verdict => {
  const free = decide({ ...question, direction: 'both', narrowed: false });
  return 'winner' in free && free.winner !== source ? { rule: 'stands' } : free;
};

const collision = ({ kind, marketo, dynamics }: Question): Verdict =>
  AUTHORITY[kind] === 'marketo'
    ? { rule: 'authority', winner: 'marketo', loser: { side: 'dynamics', value: dynamics } }
    : { rule: 'authority', winner: 'dynamics', loser: { side: 'marketo', value: marketo } };

const firstAgreement = (question: Question, m: Canonical, d: Canonical): Verdict => {
  const { kind, consent, column } = question;
  if (consent && typeof m === 'boolean' && typeof d === 'boolean') {
    return { rule: 'first-consent', winner: m === mostRestrictive(column) ? 'marketo' : 'dynamics' };
  }
  if (isBlank(question.marketo)) return { rule: 'first-blank', winner: 'dynamics' };
  if (isBlank(question.dynamics)) return { rule: 'first-blank', winner: 'marketo' };
  return { rule: 'first-authority', winner: AUTHORITY[kind] };
};

/** A boolean that was never set reads false in Marketo, so `false` is a value here and only null is blank. */
const isBlank = (value: FieldValue): boolean => value === null || value === '';

/** Every opt-out says "no" by true; only `followemail` says it by false. */
const mostRestrictive = (column: string): boolean => column !== 'followemail';
