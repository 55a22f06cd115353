import type { MappedField } from '../../../rules/mapping.js';
import { plan } from '../../../rules/plan.js';
import { across, type FieldValue, type Side } from '../../../rules/terms.js';
import { cycle, rest } from './cycle.js';
import { OVERLAP, type World } from './world.js';

const SIDES = ['marketo', 'dynamics'] as const;

/** Runs cycles until everything that was to happen has happened and a cycle finds nothing to do. */
export const runUntilQuiet = (w: World): void => {
  for (let tries = 0; tries < 60; tries += 1) {
    const before = w.calls;
    const over = cycle(w);
    if (over && w.calls === before && isQuiet(w)) return;
    if (w.pending.length === 0) rest(w, OVERLAP / 2);
  }
  throw new Error(`never quiet: ${JSON.stringify(w.link)}`);
};

const isQuiet = (w: World): boolean =>
  w.pending.length === 0 &&
  w.late.length === 0 &&
  w.handled.size === w.person.log.length &&
  w.delta === w.row.etag &&
  !w.link.dirty &&
  w.link.writes.every(({ state }) => state === 'settled' || state === 'superseded');

export const equal = (w: World, { name, codec }: MappedField): boolean =>
  codec.canonical('marketo', w.person.values[name]) === codec.canonical('dynamics', w.row.values[name]);

export const holdBoth = (w: World, { name, codec }: MappedField, value: FieldValue | undefined): boolean =>
  codec.canonical('marketo', w.person.values[name]) === codec.canonical('marketo', value) &&
  codec.canonical('dynamics', w.row.values[name]) === codec.canonical('dynamics', value);

/** Fields that differ without being parked. */
export const differences = (w: World): string[] =>
  w.fields
    .filter((field) => !equal(w, field) && w.link.parked[field.name] === undefined)
    .map(({ name }) => name);

/** What one more look at a quiet pair would do. */
export const unrest = (w: World): unknown => {
  const { decisions, refusals, waiting, unread, link } = plan(w.link, { fields: w.fields, cycle: 0, at: '' });
  const writes = link.writes.filter(({ state }) => state === 'planned');
  const open = { ...link.seen.marketo, ...link.seen.dynamics, ...link.overtaken };
  const unparked = Object.keys(open).filter((name) => link.parked[name] === undefined);
  return { decisions, refusals, waiting, unread, writes, unparked };
};

export const NOTHING = {
  decisions: [],
  refusals: [],
  waiting: [],
  unread: [],
  writes: [],
  unparked: [],
};

/**
 * The newest edits of a side that are neither there nor accounted for: by a recorded decision, or by a later edit of the
 * other side, made when both already held this one.
 */
export const lostEdits = (w: World): string[] =>
  w.fields.flatMap((field) =>
    SIDES.filter((side) => isLost(w, field, side)).map((side) => `${side} ${field.name}`),
  );

const isLost = (w: World, { name, codec }: MappedField, side: Side): boolean => {
  const typed = w.typed[side][name] ?? [];
  const newest = typed.at(-1) ?? null;
  if (typed.length < 2 || w.link.parked[name] !== undefined) return false;
  const form = codec.canonical(side, newest);
  if (w.editedLast[name] !== side && w.met[name]?.has(form) === true) return false;
  const survives = SIDES.every((each) => {
    const held = each === 'marketo' ? w.person.values[name] : w.row.values[name];
    return codec.canonical(each, held) === form;
  });
  return (
    !survives &&
    !w.decisions.some((decision) => {
      if (decision.field !== name || decision.winner === side) return false;
      if (decision.loser !== undefined) return codec.canonical(side, decision.loser.value) === form;
      const overruled = decision.rule === 'direction' || decision.rule.startsWith('first-');
      return overruled && decision.typed[side].at(-1) === newest;
    })
  );
};

/** Decisions whose winner, or loser, is a value that nobody but us had put there. */
export const ownTracesTakenForEdits = (w: World): string[] =>
  w.decisions
    .filter(({ rule }) => rule === 'one-sided' || rule === 'authority')
    .filter(({ field, winner, value, loser, typed }) => {
      const codec = w.fields.find(({ name }) => name === field)?.codec;
      const wasTyped = (side: Side, some: FieldValue) =>
        typed[side].some((each) => codec?.canonical(side, each) === codec?.canonical(side, some));
      return !wasTyped(winner, value) || (loser !== undefined && !wasTyped(across(winner), loser.value));
    })
    .map(({ field, rule, winner, value }) => `${field}: ${rule} by ${winner}, ${String(value)}`);
