import { draftOf, omit } from './draft.js';
import type { BySide, Cause, Link, Parked, Write } from './link.js';
import type { MappedField } from './mapping.js';
import { dropImpossible, replaceWrite, settle } from './settle.js';
import type { FieldValue, IsoInstant, Side } from './terms.js';

/** The writes that the next call to `side` carries for this link. */
export const plannedWrites = (link: Link, side: Side): readonly Write[] =>
  link.writes.filter((write) => write.side === side && write.state === 'planned');

/** A call that is about to be made. */
export interface SentCall {
  readonly at: IsoInstant;
  /** Until then it may be under way. */
  readonly deadline: IsoInstant;
  /** What it writes into the stamp column of its row. */
  readonly rowStamp?: string;
}

/**
 * Marks the planned writes, or those of some fields, as under way: saved before the call, so that a crash leaves them in
 * doubt, never unknown.
 */
export const markSent = (link: Link, side: Side, call: SentCall, fields?: readonly string[]): Link =>
  replaced(link, (write) =>
    write.side === side && write.state === 'planned' && fields?.includes(write.field) !== false
      ? { ...withoutStamp(write), ...call, state: 'sent', sentAt: call.at }
      : write,
  );

/** An earlier call bore it, and was refused. */
const withoutStamp = (write: Write): Write => {
  const bare: Record<string, unknown> & Write = { ...write };
  omit(bare, 'rowStamp');
  return bare;
};

/** Marketo answered `updated`: believed for now, settled by its log or a read. */
export const markAnswered = (link: Link, side: Side, at: IsoInstant): Link => {
  const carried = lastCall(link, side);
  return replaced(link, (write) => (carried.includes(write) ? { ...write, state: 'answered', at } : write));
};

/** The call certainly had no effect (refused before it ran): the writes are as if never sent. */
export const markUnsent = (link: Link, side: Side): Link => {
  const carried = lastCall(link, side);
  return replaced(link, (write) =>
    carried.includes(write) ? { ...write, state: 'planned', deadline: null } : write,
  );
};

const replaced = (link: Link, by: (write: Write) => Write): Link => ({
  ...link,
  writes: link.writes.map(by),
});

/** What the newest call to `side` carries. Writes of an earlier call, still in doubt, share nothing of its fate. */
const lastCall = (link: Link, side: Side): readonly Write[] => {
  const sent = link.writes.filter((write) => write.side === side && write.state === 'sent');
  const newest = Math.max(...sent.map(({ at }) => Date.parse(at)));
  return sent.filter(({ at }) => Date.parse(at) === newest);
};

/**
 * The target proved that the writes took effect (Dynamics' 204). An earlier call in doubt carried the same `If-Match`:
 * it had no effect before, or this one would have failed, and can have none any more, so its writes are planned again.
 */
export const settleSent = (link: Link, side: Side, fields: readonly MappedField[], etag?: string): Link => {
  const draft = draftOf(link);
  const carried = lastCall(link, side);
  draft.writes = draft.writes.map((write) =>
    write.side === side && write.state === 'sent' && !carried.includes(write)
      ? { ...write, state: 'planned', deadline: null }
      : write,
  );
  for (const write of carried) {
    const field = fields.find(({ name }) => name === write.field);
    if (field === undefined) replaceWrite(draft, write, { ...write, state: 'settled' });
    else settle(draft, field.codec, write, write.to);
  }
  if (etag !== undefined) {
    draft.etag = etag;
    dropImpossible(draft, fields);
  }
  return draft;
};

/**
 * Gives writes up. `trace` keeps their values recognisable as ours, in case the call had an effect after all; without it
 * they are forgotten, because the target refused them for certain.
 */
export const giveUp = (link: Link, writes: readonly Write[], trace: boolean): Link => {
  const draft = draftOf(link);
  for (const write of writes) {
    if (trace) replaceWrite(draft, write, { ...write, state: 'superseded' });
    else draft.writes = draft.writes.filter((each) => each !== write);
  }
  return draft;
};

/** Sets a field aside for exactly the values that it has now. */
export const park = (
  link: Link,
  field: string,
  values: BySide<FieldValue>,
  reason: Parked['reason'],
  rejectionId: string | null,
  refused: Pick<Parked, 'side' | 'code' | 'local'> = {},
): Link => ({
  ...link,
  parked: { ...link.parked, [field]: { reason, rejectionId, ...values, ...refused } },
});

/** Remembers why a field has its value; how often it swung is kept. */
export const explain = (link: Link, field: string, cause: Omit<Cause, 'swing'>): Link => {
  const swing = link.causes[field]?.swing;
  return { ...link, causes: { ...link.causes, [field]: swing === undefined ? cause : { ...cause, swing } } };
};

/** Nothing is to be sent for this link. */
export const withoutPlans = (link: Link): Link => ({
  ...link,
  writes: link.writes.filter(({ state }) => state !== 'planned'),
});

/** Forgets writes that can neither settle nor leave a trace any more. */
export const pruneWrites = (link: Link, nowMs: number, keepMs: number): Link => ({
  ...link,
  writes: link.writes.filter((write) => {
    if (write.state !== 'settled' && write.state !== 'superseded') return true;
    return nowMs < Math.max(Date.parse(write.at), Date.parse(write.deadline ?? write.at)) + keepMs;
  }),
});
