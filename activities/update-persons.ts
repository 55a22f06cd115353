import { mayPassLater, PERSON_NOT_FOUND, type SyncResult } from '../marketo/index.js';
import { WHOLE_RECORD, type Link, type Write } from '../rules/link.js';
import { markSent, plannedWrites, pruneWrites } from '../rules/outcome.js';
import { isInScope } from '../rules/scope.js';
import { isRefusedAgain, passTrial } from '../rules/trials.js';
import { bury, settleEnd } from './endings.js';
import type { Concluded } from './field-searches.js';
import { parkFound } from './found-fields.js';
import { atRest, type Push } from './push.js';
import type { Refused } from './refusals.js';
import {
  namedBy,
  refusePerson,
  type Form,
  type PersonCall,
  type Skipped,
  type Taken,
} from './send-persons.js';
import { keepOf } from './settings.js';

const carries = (write: Write, { deadline }: PersonCall): boolean =>
  write.side === 'marketo' && write.state === 'sent' && write.deadline === deadline;

/** Changes the writes that this call carried; others of the link may be in doubt from an earlier call. */
const moved = (link: Link, call: PersonCall, to: Partial<Write>): Link => ({
  ...link,
  writes: link.writes.map((write) => (carries(write, call) ? { ...write, ...to } : write)),
});

const valuesOf = (link: Link, call: PersonCall) =>
  Object.fromEntries(link.writes.filter((write) => carries(write, call)).map(({ field, to }) => [field, to]));

/** The key fields count as one, by the name of the record as a whole. */
const dueNames = (link: Link): readonly string[] => [
  ...plannedWrites(link, 'marketo').map(({ field }) => field),
  ...(link.stamp === null ? [] : [WHOLE_RECORD]),
];

const carriesStamp = (link: Link, { carried }: PersonCall): boolean =>
  link.stamp !== null && carried?.get(link.id)?.includes(WHOLE_RECORD) !== false;

/** Calls whose writes were not there when the person was read: most of them got no answer. */
const doubts = (link: Link): number =>
  new Set(
    link.writes
      .filter(({ side, state }) => side === 'marketo' && state === 'superseded')
      .map(({ sentAt, at }) => sentAt ?? at),
  ).size;

/** Changed fields of persons, by id, with the key fields that a person lacks. */
export const updates: Form = {
  action: 'updateOnly',
  lookupField: 'id',
  begin: (link, { at, deadline, carried }) =>
    markSent(link, 'marketo', { at, deadline }, carried?.get(link.id)),
  undo: (link, call) => moved(link, call, { state: 'planned', deadline: null }),
  record: (link, call) => ({
    id: link.marketoId,
    ...valuesOf(link, call),
    ...(carriesStamp(link, call) ? link.stamp : {}),
  }),
  stillDue: (link) => isInScope(link) && dueNames(link).length > 0,
  doubts,
  dueNames,
  conclude: (push, link, found) => conclude(push, link, found),
  take: (push, sent, results, call) =>
    Promise.resolve(
      sent.flatMap((link, index) => {
        const result = results[index];
        return result === undefined ? [] : takeUpdate(push, link, result, call);
      }),
    ),
};

const takeUpdate = (push: Push, link: Link, result: SyncResult, call: PersonCall): Taken => {
  if (result.status !== 'skipped') return takeAnswered(push, link, call);
  const unsent = moved(link, call, { state: 'planned', deadline: null });
  if (result.code === PERSON_NOT_FOUND) return { link: bury(link), done: false };
  if (mayPassLater(result.code)) return { link: { ...unsent, dirty: true }, done: false, deferred: true };
  const stamped = carriesStamp(link, call);
  const names = [...Object.keys(valuesOf(link, call)), ...(stamped ? [WHOLE_RECORD] : [])];
  const named = namedBy(result, names) !== undefined;
  const tried = names.some((name) =>
    isRefusedAgain(link.parked[name], { side: 'marketo', code: result.code }),
  );
  const searching = push.searches.isSearching(link.id);
  if (!named && !tried && (searching || names.length > 1)) return search(push, unsent, names, result);
  push.searches.drop(link.id);
  const refused = refusePerson(told(unsent), result, names, push);
  return { link: atRest(withoutStamp(refused)), refused: [refused], done: false, again: true };
};

const takeAnswered = (push: Push, link: Link, call: PersonCall): Taken => {
  // `updated` does not prove the value: a blocked field answers so too. Its log entry or a read does.
  const answered = moved(link, call, { state: 'answered', at: new Date().toISOString() });
  const stamped = carriesStamp(link, call) ? passTrial({ ...answered, stamp: null }, WHOLE_RECORD) : answered;
  const kept = atRest(pruneWrites(told(stamped), Date.now(), keepOf(push.ports.timing)));
  const searching = push.searches.isSearching(link.id);
  const found = push.searches.answer(link.id, { passed: true });
  if (found !== undefined) return { ...conclude(push, kept, found), done: true };
  return { link: kept, done: true, again: searching };
};

/** A pair whose person was told of the loss of its row, or cannot be, has come to its end. */
const told = (link: Link): Link => (link.status === 'ended' ? settleEnd(link) : link);

/** A person that cannot take our key has a refusal of its own, once; it is not tried again with every cycle. */
const withoutStamp = ({ link, fields }: Refused): Link =>
  fields.includes(WHOLE_RECORD) ? { ...link, stamp: null } : link;

const search = (push: Push, link: Link, names: readonly string[], { code, message }: Skipped): Taken => {
  const answer = { passed: false as const, code, message };
  if (!push.searches.isSearching(link.id)) {
    push.searches.begin(link.id, names, answer);
    return { link, done: false, again: true };
  }
  const found = push.searches.answer(link.id, answer);
  return found === undefined ? { link, done: false, again: true } : conclude(push, link, found);
};

const conclude = (push: Push, link: Link, found: Concluded): Taken => {
  const parked = parkFound(link, 'marketo', found, push.cycle);
  const deferred = found.unresolvedAnswer === undefined && found.unresolved.length > 0;
  const rest = dueNames(parked.link).length > 0;
  return {
    link: atRest(parked.link),
    refused: parked.refused,
    done: false,
    deferred,
    again: rest && !deferred,
  };
};
