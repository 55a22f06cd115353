import type { SyncResult } from '../marketo/index.js';
import type { Link, Write } from '../rules/link.js';
import { markSent, plannedWrites, pruneWrites } from '../rules/outcome.js';
import { isInScope } from '../rules/scope.js';
import { bury } from './endings.js';
import { atRest, type Push } from './push.js';
import { refusePerson, type Form, type PersonCall, type Taken } from './send-persons.js';
import { keepOf } from './settings.js';

/** Code of Marketo for one record: the person does not exist (Adobe REST docs, "Error codes"). */
const PERSON_NOT_FOUND = '1004';

const carries = (write: Write, { deadline }: PersonCall): boolean =>
  write.side === 'marketo' && write.state === 'sent' && write.deadline === deadline;

/** Changes the writes that this call carried; others of the link may be in doubt from an earlier call. */
const moved = (link: Link, call: PersonCall, to: Partial<Write>): Link => ({
  ...link,
  writes: link.writes.map((write) => (carries(write, call) ? { ...write, ...to } : write)),
});

const valuesOf = (link: Link, call: PersonCall) =>
  Object.fromEntries(link.writes.filter((write) => carries(write, call)).map(({ field, to }) => [field, to]));

/** Changed fields of persons, by id, with the key fields that a person lacks. */
export const updates: Form = {
  action: 'updateOnly',
  lookupField: 'id',
  begin: (link, { at, deadline }) => markSent(link, 'marketo', at, deadline),
  undo: (link, call) => moved(link, call, { state: 'planned', deadline: null }),
  record: (link, call) => ({ id: link.marketoId, ...valuesOf(link, call), ...link.stamp }),
  stillDue: (link) => isInScope(link) && (plannedWrites(link, 'marketo').length > 0 || link.stamp !== null),
  take: (push, sent, results, call) =>
    Promise.resolve(
      sent.flatMap((link, index) => {
        const result = results[index];
        return result === undefined ? [] : takeUpdate(push, link, result, call);
      }),
    ),
};

const takeUpdate = (push: Push, link: Link, result: SyncResult, call: PersonCall): Taken => {
  if (result.status !== 'skipped') {
    // `updated` does not prove the value: a blocked field answers so too. Its log entry or a read does.
    const answered = moved({ ...link, stamp: null }, call, {
      state: 'answered',
      at: new Date().toISOString(),
    });
    return { link: atRest(pruneWrites(answered, Date.now(), keepOf(push.ports.timing))), done: true };
  }
  if (result.code === PERSON_NOT_FOUND) return { link: bury(link), done: false };
  const refused = refusePerson(link, result, Object.keys(valuesOf(link, call)), push);
  // A person that cannot take our key has a refusal of its own, once; it is not tried again with every cycle.
  const named = refused.rejection.field !== null;
  const rest = named ? refused.link : { ...refused.link, stamp: null };
  const unsent = moved(rest, call, { state: 'planned', deadline: null });
  return { link: atRest(unsent), refused: { ...refused, link: rest }, done: false };
};
