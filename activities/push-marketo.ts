import { MOST_RECORDS, type SyncResult } from '../marketo/index.js';
import { RemoteFailure } from '../rules/failures.js';
import type { Link } from '../rules/link.js';
import type { MappedField, Mapping } from '../rules/mapping.js';
import { markAnswered, markSent, markUnsent, plannedWrites, pruneWrites } from '../rules/outcome.js';
import type { FieldValue } from '../rules/terms.js';
import { linksById, saveLinks } from '../store/links.js';
import { inBatches } from './batches.js';
import { currentMapping } from './catalog.js';
import { save, within, withClaim } from './claimed.js';
import type { ChunkRef, PushResult } from './contract.js';
import { bury } from './endings.js';
import { keyOf } from './match-rows.js';
import { bornWith } from './new-person.js';
import { atRest, NOTHING_PUSHED } from './push-dynamics.js';
import { keepRefusals, refuse, tellNewborn, type Refused } from './refusals.js';
import { decideLinks } from './resolve.js';
import { keepOf, type Attempt, type Ports } from './settings.js';

/** Codes of Marketo for one record (Adobe REST docs, "Error codes"). */
const PERSON_NOT_FOUND = '1004';

/** Writes what was decided for Marketo: changed fields of persons, and persons for rows that have none. */
export const pushToMarketo = async (ports: Ports, input: ChunkRef, attempt: Attempt): Promise<PushResult> => {
  const mapping = await currentMapping(ports);
  return inBatches(ports, input.chunk, attempt, NOTHING_PUSHED, async (links) => {
    const due = links.filter((link) => isUpdate(link) || isCreation(link));
    if (due.length === 0) return NOTHING_PUSHED;
    const push = { ports, mapping, cycle: input.cycle, attempt };
    const { result, leftOut } = await withClaim(ports, attempt, due, async (held) => {
      const updated = await sendUntilDone(push, held.filter(isUpdate), updates);
      const created = await sendUntilDone(push, held.filter(isCreation), creations);
      return {
        records: updated.done + created.done,
        created: created.done,
        refused: updated.refused + created.refused,
        deferred: updated.deferred + created.deferred,
      };
    });
    return { ...result, deferred: result.deferred + leftOut };
  });
};

const isUpdate = (link: Link): boolean =>
  link.marketoId !== null &&
  ((link.status === 'linked' && plannedWrites(link, 'marketo').length > 0) ||
    ((link.status === 'linked' || link.status === 'ended') && link.stamp !== null));

const isCreation = ({ status, creation, marketoId }: Link): boolean =>
  status === 'unmatched' && marketoId === null && creation !== null && creation.sentAt === null;

interface Push {
  readonly ports: Ports;
  readonly mapping: Mapping;
  readonly cycle: number;
  readonly attempt: Attempt;
}

type PersonValues = Readonly<Record<string, FieldValue>>;

/** One way of writing persons: updates by id, or creations by our key. */
interface Form {
  readonly action: 'updateOnly' | 'createOrUpdate';
  readonly lookupField: 'id' | 'dynamicsId';
  readonly begin: (link: Link, at: string, deadline: string) => Link;
  /** The call certainly had no effect. */
  readonly undo: (link: Link) => Link;
  readonly record: (link: Link) => PersonValues;
  readonly take: (link: Link, result: SyncResult, push: Push) => Taken;
  readonly stillDue: (link: Link) => boolean;
}

interface Taken {
  readonly link: Link;
  readonly refused?: Refused;
  readonly done: boolean;
}

interface Sent {
  done: number;
  refused: number;
  deferred: number;
}

/** As often as a record can lose one refused field and go again without it. */
const MOST_TURNS = 8;

const sendUntilDone = async (push: Push, links: readonly Link[], form: Form): Promise<Sent> => {
  const total: Sent = { done: 0, refused: 0, deferred: 0 };
  let due = [...links];
  for (let turn = 0; due.length > 0; turn += 1) {
    if (turn === MOST_TURNS) return { ...total, deferred: total.deferred + due.length };
    const again: Link[] = [];
    for (let at = 0; at < due.length; at += MOST_RECORDS) {
      again.push(...(await send(push, due.slice(at, at + MOST_RECORDS), form, total)));
    }
    due = again;
  }
  return total;
};

/** Sends one call; returns links that go again because a field of theirs was refused. */
const send = async (push: Push, links: readonly Link[], form: Form, total: Sent): Promise<Link[]> => {
  const { ports, attempt } = push;
  const now = Date.now();
  const deadline = new Date(now + ports.timing.marketoDeadlineMs).toISOString();
  const sent = await save(
    ports,
    links.map((link) => form.begin(link, new Date(now).toISOString(), deadline)),
  );
  if (sent.length === 0) return [];
  const records = sent.map(form.record);
  const { action, lookupField } = form;
  try {
    const signal = within(attempt.signal, ports.timing.marketoDeadlineMs);
    const results = await ports.marketo.syncPersons({ action, lookupField, records }, signal);
    return await take(push, sent, results, form, total);
  } catch (error) {
    if (!(error instanceof RemoteFailure)) throw error;
    if (error.details.effect === 'none') await save(ports, sent.map(form.undo));
    if (error.type !== 'RefusedCall') throw error;
    return await bisect(push, sent, error, form, total);
  } finally {
    attempt.progress(attempt.reached);
  }
};

/** A call that is refused as a whole is halved until the record that Marketo cannot take stands alone. */
const bisect = async (
  push: Push,
  sent: readonly Link[],
  error: RemoteFailure,
  form: Form,
  total: Sent,
): Promise<Link[]> => {
  const links = (
    await linksById(
      push.ports.db,
      sent.map(({ id }) => id),
    )
  ).filter(form.stillDue);
  const [only] = links;
  if (only === undefined) return [];
  if (links.length > 1) {
    const middle = Math.ceil(links.length / 2);
    const first = await send(push, links.slice(0, middle), form, total);
    return [...first, ...(await send(push, links.slice(middle), form, total))];
  }
  const result = {
    status: 'skipped' as const,
    code: error.details.code ?? 'refused',
    message: error.details.message,
  };
  const begun = await save(push.ports, [
    form.begin(only, new Date().toISOString(), new Date().toISOString()),
  ]);
  return take(push, begun, [result], form, total);
};

const take = async (
  push: Push,
  sent: readonly Link[],
  results: readonly SyncResult[],
  form: Form,
  total: Sent,
): Promise<Link[]> => {
  const { ports, mapping, cycle } = push;
  const taken = sent.flatMap((link, index) => {
    const result = results[index];
    return result === undefined ? [] : form.take(link, result, push);
  });
  const refused = taken.flatMap((each) => each.refused ?? []);
  const saved = await ports.db.transaction().execute(async (tx) => {
    const kept = await saveLinks(
      tx,
      taken.map(({ link }) => link),
      ports.timing.overlapMs,
    );
    await keepRefusals(
      tx,
      refused.filter(({ link }) => kept.has(link.id)),
    );
    return kept;
  });
  total.done += taken.filter(({ done }) => done).length;
  total.refused += refused.length;
  const links = [...saved.values()];
  const born = form === creations ? links.filter(({ status }) => status === 'linked') : [];
  // What a new person could not take, or holds otherwise, is decided at once.
  await tellNewborn(ports.db, born);
  await decideLinks(ports, mapping, born, cycle);
  return refused.length === 0 ? [] : links.filter(form.stillDue);
};

const updates: Form = {
  action: 'updateOnly',
  lookupField: 'id',
  begin: (link, at, deadline) => markSent(link, 'marketo', at, deadline),
  undo: (link) => markUnsent(link, 'marketo'),
  record: (link) => ({ id: link.marketoId, ...sentValues(link), ...link.stamp }),
  stillDue: isUpdate,
  take: (link, result, push) => {
    if (result.status !== 'skipped') {
      const answered = markAnswered({ ...link, stamp: null }, 'marketo', new Date().toISOString());
      return { link: atRest(pruneWrites(answered, Date.now(), keepOf(push.ports.timing))), done: true };
    }
    if (result.code === PERSON_NOT_FOUND) return { link: bury(link), done: false };
    const refused = refusePerson(link, result, Object.keys(sentValues(link)), push);
    // A person that cannot take our key has a refusal of its own, once; it is not tried again with every cycle.
    const named = refused.rejection.field !== null;
    const rest = named ? refused.link : { ...refused.link, stamp: null };
    return { link: atRest(markUnsent(rest, 'marketo')), refused: { ...refused, link: rest }, done: false };
  },
};

const sentValues = (link: Link): PersonValues =>
  Object.fromEntries(
    link.writes
      .filter(({ side, state }) => side === 'marketo' && state === 'sent')
      .map(({ field, to }) => [field, to]),
  );

const creations: Form = {
  action: 'createOrUpdate',
  lookupField: 'dynamicsId',
  begin: (link, at, deadline) => ({ ...link, creation: { ...creationOf(link), sentAt: at, deadline } }),
  undo: (link) => ({ ...link, creation: { ...creationOf(link), sentAt: null, deadline: null } }),
  record: (link) => ({ ...creationOf(link).values, ...keyOf(link) }),
  stillDue: isCreation,
  take: (link, result, push) => {
    const fields = push.mapping.fields[link.kind];
    if (result.status !== 'skipped') return { link: born(link, result, fields), done: true };
    const refused = refusePerson(link, result, Object.keys(creationOf(link).values), push);
    const named = refused.rejection.field;
    if (named === null)
      return { link: { ...refused.link, creation: null, dirty: false }, refused, done: false };
    const values = Object.fromEntries(
      Object.entries(creationOf(link).values).filter(([field]) => field !== named),
    );
    return {
      link: { ...refused.link, creation: { values, sentAt: null, deadline: null } },
      refused,
      done: false,
    };
  },
};

const creationOf = ({ creation }: Link): NonNullable<Link['creation']> =>
  creation ?? { values: {}, sentAt: null, deadline: null };

/**
 * The person is there: settled by the id in the answer. `updated` says that somebody made a person with our key
 * meanwhile; then it is read before anything is decided.
 */
const born = (
  link: Link,
  result: Exclude<SyncResult, { status: 'skipped' }>,
  fields: readonly MappedField[],
): Link => ({
  ...(result.status === 'created' ? bornWith(link, creationOf(link).values, fields) : link),
  status: 'linked',
  marketoId: result.id,
  creation: null,
  dirty: true,
  rereadMarketo: true,
  rereadDynamics: true,
});

const refusePerson = (
  link: Link,
  result: Extract<SyncResult, { status: 'skipped' }>,
  fields: readonly string[],
  { cycle }: Push,
): Refused => {
  const named = result.field !== undefined && fields.includes(result.field) ? result.field : undefined;
  return refuse(
    link,
    {
      side: 'marketo',
      fields: named === undefined ? fields : [named],
      named: named !== undefined,
      code: result.code,
      message: result.message,
      value: null,
    },
    cycle,
  );
};
