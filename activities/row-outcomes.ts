import type { Refusal, RowOutcome } from '../dynamics/index.js';
import { RemoteFailure } from '../rules/failures.js';
import type { Link } from '../rules/link.js';
import type { MappedField } from '../rules/mapping.js';
import { markUnsent, plannedWrites, pruneWrites, settleSent } from '../rules/outcome.js';
import { isRefusedAgain } from '../rules/trials.js';
import { endLink } from './endings.js';
import { atRest, saveOutcomes, type Push } from './push.js';
import type { Concluded, RefusedAnswer } from './field-searches.js';
import { parkFound } from './found-fields.js';
import { isGivingUp } from './giving-up.js';
import { countNew, refuse, type Refused } from './refusals.js';
import { forbidden, setFieldsAside, type FieldRefusal } from './refused-fields.js';
import { keepOf } from './settings.js';
import { updateOf } from './row-update.js';
import { EMAIL_COLUMN } from './rows.js';
import { DUPLICATE, isDuplicate, withTwin } from './twin.js';

/** What became of the write of one link's row. */
export interface Answered {
  readonly link: Link;
  readonly outcome: RowOutcome;
}

export interface TakenOutcomes {
  /** Ids of links whose write went through. */
  readonly done: readonly number[];
  /** Ids of all links that an outcome was taken for. */
  readonly ended: readonly number[];
  readonly refused: number;
  /** Rows of which some fields are to be searched again in the next cycle. */
  readonly unresolved: number;
  readonly changed: readonly Link[];
  readonly again: readonly Link[];
  readonly failures: readonly RemoteFailure[];
}

/** Keeps what became of each row, in one transaction; a link that somebody else changed meanwhile is left as it is. */
export const takeOutcomes = async (push: Push, answered: readonly Answered[]): Promise<TakenOutcomes> => {
  const taken: Taken[] = [];
  for (const { link, outcome } of answered) {
    const sure = await proven(push, link, outcome);
    taken.push(takeOutcome(push, link, await explained(push, link, sure)));
  }
  return saveTaken(push, taken);
};

const saveTaken = async (push: Push, taken: readonly Taken[]): Promise<TakenOutcomes> => {
  const refused = taken.flatMap((each) => each.refused ?? []);
  const saved = await saveOutcomes(push.ports, taken);
  const savedOf = (some: readonly Taken[]): Link[] => some.flatMap(({ link }) => saved.get(link.id) ?? []);
  const refusals = taken.flatMap((each) => each.ofField ?? []);
  const aside = await takeFieldRefusals(
    push,
    refusals.flatMap((each) => {
      const link = saved.get(each.link.id);
      return link === undefined ? [] : [{ ...each, link }];
    }),
  );
  return {
    done: taken.filter(({ done }) => done).map(({ link }) => link.id),
    ended: taken.map(({ link }) => link.id),
    refused: countNew(refused) + aside.refused,
    unresolved: taken.filter(({ unresolved }) => unresolved).length + aside.unresolved,
    changed: savedOf(taken.filter(({ changed }) => changed)),
    again: [...savedOf(taken.filter(({ again }) => again)), ...aside.again],
    failures: taken.flatMap(({ failure }) => failure ?? []),
  };
};

/** What rights and schema do not explain is a refusal of the record like any other: parked, told, and tried again. */
const takeFieldRefusals = async (
  push: Push,
  refusals: readonly FieldRefusal[],
): Promise<Pick<TakenOutcomes, 'refused' | 'unresolved' | 'again'>> => {
  const { again, unexplained } = await setFieldsAside(push, refusals);
  if (unexplained.length === 0) return { refused: 0, unresolved: 0, again };
  const {
    refused,
    unresolved,
    again: searched,
  } = await saveTaken(
    push,
    unexplained.map((refusal) => takeRecordRefusal(push, refusal)),
  );
  return { refused, unresolved, again: [...again, ...searched] };
};

const explained = async (push: Push, link: Link, outcome: RowOutcome): Promise<RowOutcome> => {
  const { ports, mapping, attempt } = push;
  const fields = mapping.fields[link.kind];
  const email = fields.find(({ column }) => column === EMAIL_COLUMN);
  const sent = link.writes.find(
    ({ side, state, field }) => side === 'dynamics' && state === 'sent' && field === email?.name,
  );
  const row = { kind: link.kind, id: link.dynamicsId ?? '', email: sent?.to };
  const told = await withTwin(ports.dynamics, row, outcome, attempt.signal);
  if (sent === undefined || !isDuplicate(told) || !(await isGivingUp(push, told.twin, sent.to))) return told;
  const operation = { ...updateOf(link, mapping), duplicatesAllowed: true } as const;
  return ports.dynamics.writeOne(operation, attempt.signal);
};

/**
 * An answer that names no row may be about one that a plug-in missed: a link ends only once a read misses its own. Where
 * that read fails, the row is in doubt and read again with the others.
 */
const proven = async ({ ports, attempt }: Push, link: Link, outcome: RowOutcome): Promise<RowOutcome> => {
  if (outcome.status !== 'gone' || outcome.otherwise === undefined) return outcome;
  try {
    const row = await ports.dynamics.readRow(link.kind, link.dynamicsId ?? '', [], attempt.signal);
    return row === undefined ? { status: 'gone' } : outcome.otherwise;
  } catch (error) {
    if (!(error instanceof RemoteFailure)) throw error;
    return { status: 'changed' };
  }
};

interface Taken {
  readonly link: Link;
  readonly done?: true;
  /** The row is to be read and merged again. */
  readonly changed?: true;
  readonly refused?: readonly Refused[];
  /** Something else of it is to be written at once. */
  readonly again?: true;
  readonly unresolved?: true;
  /** Refused because of what the sync user may do, or what the table has: nothing about this record. */
  readonly ofField?: FieldRefusal;
  readonly failure?: RemoteFailure;
}

const takeOutcome = (push: Push, link: Link, outcome: RowOutcome): Taken => {
  const fields = push.mapping.fields[link.kind];
  switch (outcome.status) {
    case 'done': {
      const settled = settleSent(link, 'dynamics', fields, outcome.etag);
      const kept = atRest(pruneWrites(settled, Date.now(), keepOf(push.ports.timing)));
      const searching = push.searches.isSearching(link.id);
      const found = push.searches.answer(link.id, { passed: true });
      if (found !== undefined) return { ...conclude(push, kept, found), done: true };
      return { link: kept, done: true, ...(searching && { again: true }) };
    }
    case 'changed':
    case 'exists':
      return { link: { ...link, rereadDynamics: true }, changed: true };
    case 'gone':
      return { link: endLink(link) };
    case 'refused':
      return takeRefusal(push, link, outcome);
    case 'transient': {
      const failure = new RemoteFailure(outcome.failure);
      if (outcome.failure.effect === 'none') return { link: markUnsent(link, 'dynamics'), failure };
      // Should the read that follows fail too, the next fetch makes up for it.
      return { link: { ...link, rereadDynamics: true }, changed: true };
    }
  }
};

const takeRefusal = (push: Push, link: Link, outcome: Refusal): Taken => {
  const carried = link.writes.filter(({ side, state }) => side === 'dynamics' && state === 'sent');
  const refusal = { link: markUnsent(link, 'dynamics'), carried, outcome };
  switch (outcome.scope) {
    case 'table-rights':
      return { link: refusal.link, failure: forbidden(link.kind, outcome.code) };
    case 'column-rights':
    case 'schema':
      return { link: refusal.link, ofField: refusal };
    case 'record':
      return takeRecordRefusal(push, refusal);
  }
};

/**
 * A refusal that names a column concerns that field, and so does one of a field on trial as before; the others go without
 * it. One that names none of several is searched for, unless it is about the row whatever is written.
 */
const takeRecordRefusal = (push: Push, { link, carried, outcome }: FieldRefusal): Taken => {
  const { code, message, scope, whole } = outcome;
  const fields = push.mapping.fields[link.kind];
  const searching = push.searches.isSearching(link.id);
  const named = fields.find(({ column }) => column === outcome.column)?.name;
  // An answer about a column is about the only one that was written.
  const isAlone = scope !== 'record' && !searching && carried.length === 1;
  const culprit = carried.find(({ field }) => field === named || isAlone);
  const names = carried.map(({ field }) => field);
  const tried = names.some((field) => isRefusedAgain(link.parked[field], { side: 'dynamics', code }));
  if (culprit === undefined && !tried && (searching || (names.length > 1 && whole !== true))) {
    return search(push, link, names, { passed: false, code, message }, fields);
  }
  push.searches.drop(link.id);
  const refusal = {
    side: 'dynamics' as const,
    fields: culprit === undefined ? names : [culprit.field],
    named: culprit !== undefined,
    ...{ code, message, value: culprit?.to ?? null },
  };
  const refused = refuse(link, refusal, push.cycle);
  return { link: atRest(refused.link), refused: [refused], again: true };
};

const search = (
  push: Push,
  link: Link,
  names: readonly string[],
  answer: RefusedAnswer,
  fields: readonly MappedField[],
): Taken => {
  const { searches } = push;
  if (!searches.isSearching(link.id)) {
    const addresses = fields.filter(({ column }) => answer.code === DUPLICATE && column === EMAIL_COLUMN);
    searches.begin(
      link.id,
      names,
      answer,
      addresses.map(({ name }) => name),
    );
    return { link, again: true };
  }
  const found = searches.answer(link.id, answer);
  return found === undefined ? { link, again: true } : conclude(push, link, found);
};

const conclude = (push: Push, link: Link, found: Concluded): Taken => {
  const parked = parkFound(link, 'dynamics', found, push.cycle);
  const left = found.unresolvedAnswer === undefined && found.unresolved.length > 0;
  return {
    link: atRest(parked.link),
    refused: parked.refused,
    // Fields that were edited while the search ran are still to be written.
    ...(left ? { unresolved: true } : plannedWrites(parked.link, 'dynamics').length > 0 && { again: true }),
  };
};

/** Lets rows that wait for other searches begin; what is refused without another call is saved. */
export const admitSearches = async (push: Push, links: readonly Link[]): Promise<TakenOutcomes> => {
  const refused = push.searches.admit(links.map(({ id }) => id));
  const taken = links.flatMap((link): Taken[] => {
    const found = refused.get(link.id);
    return found === undefined ? [] : [conclude(push, link, found)];
  });
  return saveTaken(push, taken);
};
