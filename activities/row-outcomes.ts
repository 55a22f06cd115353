import type { RowOutcome } from '../dynamics/index.js';
import { RemoteFailure } from '../rules/failures.js';
import type { Link } from '../rules/link.js';
import type { MappedField } from '../rules/mapping.js';
import { markUnsent, pruneWrites, settleSent } from '../rules/outcome.js';
import { endLink } from './endings.js';
import { atRest, saveOutcomes, type Push } from './push.js';
import { refuse, type Refused } from './refusals.js';
import { forbidden, setFieldsAside, type FieldRefusal } from './refused-fields.js';
import { keepOf } from './settings.js';

/** What became of the write of one link's row. */
export interface Answered {
  readonly link: Link;
  readonly outcome: RowOutcome;
}

export interface TakenOutcomes {
  readonly done: number;
  readonly refused: number;
  readonly changed: readonly Link[];
  readonly again: readonly Link[];
  readonly failures: readonly RemoteFailure[];
}

/** Keeps what became of each row, in one transaction; a link that somebody else changed meanwhile is left as it is. */
export const takeOutcomes = async (push: Push, answered: readonly Answered[]): Promise<TakenOutcomes> => {
  const taken: Taken[] = [];
  for (const { link, outcome } of answered) {
    taken.push(takeOutcome(push, link, await proven(push, link, outcome)));
  }
  const refused = taken.flatMap((each) => each.refused ?? []);
  const saved = await saveOutcomes(push.ports, taken);
  const savedOf = (some: readonly Taken[]): Link[] => some.flatMap(({ link }) => saved.get(link.id) ?? []);
  const refusals = taken.flatMap((each) => each.ofField ?? []);
  const aside = await setFieldsAside(
    push,
    refusals.flatMap((each) => {
      const link = saved.get(each.link.id);
      return link === undefined ? [] : [{ ...each, link }];
    }),
  );
  return {
    done: taken.filter(({ done }) => done).length,
    refused: refused.length,
    changed: savedOf(taken.filter(({ changed }) => changed)),
    again: [...savedOf(taken.filter((each) => each.refused !== undefined)), ...aside],
    failures: taken.flatMap(({ failure }) => failure ?? []),
  };
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
  readonly refused?: Refused;
  /** Refused because of what the sync user may do, or what the table has: nothing about this record. */
  readonly ofField?: FieldRefusal;
  readonly failure?: RemoteFailure;
}

const takeOutcome = (push: Push, link: Link, outcome: RowOutcome): Taken => {
  const fields = push.mapping.fields[link.kind];
  switch (outcome.status) {
    case 'done': {
      const settled = settleSent(link, 'dynamics', fields, outcome.etag);
      return { link: atRest(pruneWrites(settled, Date.now(), keepOf(push.ports.timing))), done: true };
    }
    case 'changed':
    case 'exists':
      return { link: { ...link, rereadDynamics: true }, changed: true };
    case 'gone':
      return { link: endLink(link) };
    case 'refused':
      return takeRefusal(push, link, outcome, fields);
    case 'transient': {
      const failure = new RemoteFailure(outcome.failure);
      if (outcome.failure.effect === 'none') return { link: markUnsent(link, 'dynamics'), failure };
      // Should the read that follows fail too, the next fetch makes up for it.
      return { link: { ...link, rereadDynamics: true }, changed: true };
    }
  }
};

type RefusedOutcome = Extract<RowOutcome, { status: 'refused' }>;

const takeRefusal = (
  push: Push,
  link: Link,
  outcome: RefusedOutcome,
  fields: readonly MappedField[],
): Taken => {
  const unsent = markUnsent(link, 'dynamics');
  switch (outcome.scope) {
    case 'table-rights':
      return { link: unsent, failure: forbidden(link.kind, outcome.code) };
    case 'column-rights':
    case 'schema':
      return { link: unsent, ofField: { link: unsent, scope: outcome.scope, column: outcome.column } };
    case 'record': {
      const refused = refuseRow(link, outcome, fields, push.cycle);
      return { link: atRest(refused.link), refused };
    }
  }
};

/** A refusal that names a column concerns that field; the others are planned again and go without it. */
const refuseRow = (
  link: Link,
  outcome: RefusedOutcome,
  fields: readonly MappedField[],
  cycle: number,
): Refused => {
  const sent = link.writes.filter(({ side, state }) => side === 'dynamics' && state === 'sent');
  const named = fields.find(({ column }) => column === outcome.column)?.name;
  const culprit = sent.find(({ field }) => field === named);
  const concerned = culprit === undefined ? sent : [culprit];
  const refusal = {
    side: 'dynamics' as const,
    fields: concerned.map(({ field }) => field),
    named: culprit !== undefined,
    code: outcome.code,
    message: outcome.message,
    value: culprit?.to ?? null,
  };
  const refused = refuse(link, refusal, cycle);
  return { ...refused, link: markUnsent(refused.link, 'dynamics') };
};
