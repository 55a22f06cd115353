import { inCalls, MOST_RECORDS, type SyncResult } from '../marketo/index.js';
import { RemoteFailure } from '../rules/failures.js';
import { halve } from '../rules/halve.js';
import type { Link } from '../rules/link.js';
import type { FieldValue, IsoInstant } from '../rules/terms.js';
import type { Database } from '../store/database.js';
import { linksById } from '../store/links.js';
import { save } from './claimed.js';
import { until } from './deadline.js';
import { saveOutcomes, type Push } from './push.js';
import type { Concluded } from './field-searches.js';
import { countNew, refuse, type Refused } from './refusals.js';

/** One call to Marketo, as the links that it carries know it. */
export interface PersonCall {
  readonly at: IsoInstant;
  /** Tells the writes of this call from those of an earlier one that is still in doubt. */
  readonly deadline: IsoInstant;
  /** By link: what it carries, where that is not all that is due (see `dueNames`). */
  readonly carried?: ReadonlyMap<number, readonly string[]>;
}

/** One way of writing persons: updates by id, or creations by our key. */
export interface Form {
  readonly action: 'updateOnly' | 'createOrUpdate';
  readonly lookupField: 'id' | 'dynamicsId';
  readonly begin: (link: Link, call: PersonCall) => Link;
  /** The call certainly had no effect. */
  readonly undo: (link: Link, call: PersonCall) => Link;
  readonly record: (link: Link, call: PersonCall) => Readonly<Record<string, FieldValue>>;
  /** Links and results are aligned. */
  readonly take: (
    push: Push,
    sent: readonly Link[],
    results: readonly SyncResult[],
    call: PersonCall,
  ) => Promise<Taken[]>;
  readonly stillDue: (link: Link) => boolean;
  /** How often a call that carried this got no answer, and had no effect. */
  readonly doubts: (link: Link) => number;
  /** Names what is due of a link, where fields that a refusal does not name are searched for. */
  readonly dueNames?: (link: Link) => readonly string[];
  /** Takes in what a search has found. */
  readonly conclude?: (push: Push, link: Link, found: Concluded) => Taken;
  /** In the transaction that saves the links. */
  readonly whileSaving?: (tx: Database, saved: readonly Link[]) => Promise<void>;
  readonly afterwards?: (push: Push, saved: readonly Link[]) => Promise<void>;
}

export interface Taken {
  readonly link: Link;
  readonly refused?: readonly Refused[];
  readonly done: boolean;
  /** Something else of it is to be sent at once. */
  readonly again?: boolean;
  /** Left to the next cycle as it is. */
  readonly deferred?: boolean;
}

interface Sent {
  done: number;
  refused: number;
  deferred: number;
}

/**
 * As often as a record can lose one refused field and go again without it, or part of it in the search for a field that
 * a refusal does not name. All records of a call search in the same calls, so that this bounds the calls of a batch too.
 */
const MOST_TURNS = 16;

export const sendUntilDone = async (push: Push, links: readonly Link[], form: Form): Promise<Sent> => {
  const total: Sent = { done: 0, refused: 0, deferred: 0 };
  let due = [...links];
  for (let turn = 0; due.length > 0; turn += 1) {
    if (turn === MOST_TURNS) return { ...total, deferred: total.deferred + due.length };
    const { ready, waiting } = await readyPersons(push, due, form, total);
    const again = [...waiting];
    for (const call of callsOf(ready, form)) again.push(...(await send(push, call, form, total)));
    due = again;
  }
  return total;
};

/** Records of a search that waits for others go another turn; what is refused without a call is kept. */
const readyPersons = async (
  push: Push,
  due: readonly Link[],
  form: Form,
  total: Sent,
): Promise<{ readonly ready: readonly Link[]; readonly waiting: readonly Link[] }> => {
  const { dueNames, conclude } = form;
  if (dueNames === undefined || conclude === undefined) return { ready: due, waiting: [] };
  const found = push.searches.admit(due.map(({ id }) => id));
  const concluded = due.flatMap((link) => {
    const what = found.get(link.id);
    return what === undefined ? [] : [conclude(push, link, what)];
  });
  const again = await keep(push, concluded, form, total);
  const open = due.filter(({ id }) => !found.has(id));
  const waits = (link: Link): boolean => push.searches.next(link.id, dueNames(link)).length === 0;
  return { ready: open.filter((link) => !waits(link)), waiting: [...open.filter(waits), ...again] };
};

/**
 * Most records to one call, by how often a call that carried the record got no answer and had no effect. A record that
 * makes Marketo fail inside each time (611) would hold up its neighbours otherwise: so it stands alone in the third cycle.
 */
const MOST_IN_DOUBT = [MOST_RECORDS, 20, 1] as const;

/** Those that were never in doubt go first. */
const callsOf = (links: readonly Link[], form: Form): Link[][] =>
  MOST_IN_DOUBT.flatMap((most, doubts) =>
    inCalls(
      links.filter((link) => Math.min(form.doubts(link), MOST_IN_DOUBT.length - 1) === doubts),
      most,
      recordOf(form),
    ),
  );

/** What would be sent for a link, to know its size before any call is noted. */
const recordOf = (form: Form): ((link: Link) => object) => {
  const call = newCall(0);
  return (link) => form.record(form.begin(link, call), call);
};

/**
 * The calls into which one that was refused as a whole may be parted. Two records that Marketo cannot take are found in
 * 300 by 34 calls; where more is refused, it is hardly the records.
 */
const MOST_PARTS = 40;

interface Parts {
  made: number;
  passed: boolean;
}

/** Sends one call; returns links that go again because a field of theirs was refused. */
const send = async (
  push: Push,
  links: readonly Link[],
  form: Form,
  total: Sent,
  parts: Parts = { made: 0, passed: false },
): Promise<Link[]> => {
  const { ports, attempt } = push;
  const call = { ...newCall(ports.timing.marketoDeadlineMs), carried: carriedBy(push, links, form) };
  const sent = await save(
    ports,
    links.map((link) => form.begin(link, call)),
  );
  if (sent.length === 0) return [];
  const records = sent.map((link) => form.record(link, call));
  const { action, lookupField } = form;
  try {
    const signal = until(attempt.signal, call.deadline);
    const results = await ports.marketo.syncPersons({ action, lookupField, records }, signal);
    parts.passed = true;
    return await take(push, sent, results, { form, call, total });
  } catch (error) {
    if (!(error instanceof RemoteFailure)) throw error;
    const undone = sent.map((link) => form.undo(link, call));
    const saved = error.details.effect === 'none' ? await save(ports, undone) : [];
    if (error.type !== 'RefusedCall') throw error;
    return await bisect(push, saved, error, { form, total, parts });
  } finally {
    attempt.progress(attempt.reached);
  }
};

const carriedBy = (
  { searches }: Push,
  links: readonly Link[],
  { dueNames }: Form,
): ReadonlyMap<number, readonly string[]> =>
  new Map(
    dueNames === undefined ? [] : links.map((link) => [link.id, searches.next(link.id, dueNames(link))]),
  );

const newCall = (deadlineMs: number): PersonCall => {
  const at = Date.now();
  return { at: new Date(at).toISOString(), deadline: new Date(at + deadlineMs).toISOString() };
};

/** A call that is refused as a whole is halved until the record that Marketo cannot take stands alone. */
const bisect = async (
  push: Push,
  links: readonly Link[],
  error: RemoteFailure,
  { form, total, parts }: { readonly form: Form; readonly total: Sent; readonly parts: Parts },
): Promise<Link[]> => {
  const [only] = links;
  if (only === undefined) return [];
  if (links.length > 1) {
    const again: Link[] = [];
    for (const half of halve(links)) {
      parts.made += 1;
      if (parts.made > MOST_PARTS) total.deferred += giveUp(half, error, parts);
      else again.push(...(await send(push, half, form, total, parts)));
    }
    return again;
  }
  const result = {
    status: 'skipped' as const,
    code: error.details.code ?? 'refused',
    message: error.details.message,
  };
  const call = { ...newCall(0), carried: carriedBy(push, links, form) };
  const begun = await save(push.ports, [form.begin(only, call)]);
  return take(push, begun, [result], { form, call, total });
};

/** What is left waits for the next cycle, unless Marketo took nothing at all: then something else is wrong. */
const giveUp = (links: readonly Link[], error: RemoteFailure, { passed }: Parts): number => {
  if (!passed) throw error;
  return links.length;
};

interface Answer {
  readonly form: Form;
  readonly call: PersonCall;
  readonly total: Sent;
}

const take = async (
  push: Push,
  sent: readonly Link[],
  results: readonly SyncResult[],
  { form, call, total }: Answer,
): Promise<Link[]> => {
  return keep(push, await form.take(push, sent, results, call), form, total);
};

/** Saves what became of links; returns those of which something else is to be sent at once. */
const keep = async (push: Push, taken: readonly Taken[], form: Form, total: Sent): Promise<Link[]> => {
  const { ports } = push;
  const refused = taken.flatMap((each) => each.refused ?? []);
  const saved = await saveOutcomes(ports, taken, form.whileSaving);
  total.done += taken.filter(({ done }) => done).length;
  total.refused += countNew(refused);
  total.deferred += taken.filter(({ deferred }) => deferred).length;
  const links = [...saved.values()];
  await form.afterwards?.(push, links);
  const ids = taken.filter(({ again }) => again).map(({ link }) => link.id);
  return (await linksById(ports.db, ids)).filter(form.stillDue);
};

export type Skipped = Extract<SyncResult, { status: 'skipped' }>;

/** The field that Marketo names as the reason, if it is one of these. */
export const namedBy = ({ field }: Skipped, fields: readonly string[]): string | undefined =>
  field !== undefined && fields.includes(field) ? field : undefined;

/** What Marketo skipped, as a refusal of the field that it names or of all that was sent. */
export const refusePerson = (
  link: Link,
  result: Skipped,
  fields: readonly string[],
  { cycle }: Push,
): Refused => {
  const named = namedBy(result, fields);
  const refusal = {
    side: 'marketo' as const,
    fields: named === undefined ? fields : [named],
    named: named !== undefined,
    code: result.code,
    message: result.message,
    value: null,
  };
  return refuse(link, refusal, cycle);
};
