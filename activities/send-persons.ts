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
import { refuse, type Refused } from './refusals.js';

/** One call to Marketo, as the links that it carries know it. */
export interface PersonCall {
  readonly at: IsoInstant;
  /** Tells the writes of this call from those of an earlier one that is still in doubt. */
  readonly deadline: IsoInstant;
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
  /** In the transaction that saves the links. */
  readonly whileSaving?: (tx: Database, saved: readonly Link[]) => Promise<void>;
  readonly afterwards?: (push: Push, saved: readonly Link[]) => Promise<void>;
}

export interface Taken {
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

export const sendUntilDone = async (push: Push, links: readonly Link[], form: Form): Promise<Sent> => {
  const total: Sent = { done: 0, refused: 0, deferred: 0 };
  let due = [...links];
  for (let turn = 0; due.length > 0; turn += 1) {
    if (turn === MOST_TURNS) return { ...total, deferred: total.deferred + due.length };
    const again: Link[] = [];
    for (const links of inCalls(due, MOST_RECORDS, recordOf(form))) {
      again.push(...(await send(push, links, form, total)));
    }
    due = again;
  }
  return total;
};

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
  const call = newCall(ports.timing.marketoDeadlineMs);
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
  const call = newCall(0);
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
  const { ports } = push;
  const taken = await form.take(push, sent, results, call);
  const refused = taken.flatMap((each) => each.refused ?? []);
  const saved = await saveOutcomes(ports, taken, form.whileSaving);
  total.done += taken.filter(({ done }) => done).length;
  total.refused += refused.length;
  const links = [...saved.values()];
  await form.afterwards?.(push, links);
  if (refused.length === 0) return [];
  const ids = refused.map(({ link }) => link.id);
  return (await linksById(ports.db, ids)).filter(form.stillDue);
};

/** What Marketo skipped, as a refusal of the field that it names or of all that was sent. */
export const refusePerson = (
  link: Link,
  result: Extract<SyncResult, { status: 'skipped' }>,
  fields: readonly string[],
  { cycle }: Push,
): Refused => {
  const named = result.field !== undefined && fields.includes(result.field) ? result.field : undefined;
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
