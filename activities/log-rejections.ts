import {
  inCalls,
  mayPassLater,
  MOST_ACTIVITIES,
  PERSON_NOT_FOUND,
  toActivityInput,
  type ActivityResult,
  type NewActivity,
} from '../marketo/index.js';
import { RemoteFailure } from '../rules/failures.js';
import { halve } from '../rules/halve.js';
import { inParts } from '../rules/in-parts.js';
import {
  dueEntries,
  endEntries,
  takeEntries,
  type DueEntry,
  type EntryEnd,
} from '../store/activity-entries.js';
import { markActive } from '../store/cycles.js';
import type { Installation } from '../store/installations.js';
import { requireInstallation } from './catalog.js';
import { until } from './deadline.js';
import type { CycleRef, LogRejectionsResult } from './contract.js';
import type { Attempt, Ports, Timing } from './settings.js';

/** Writes what was refused to the persons' activity logs, each exactly once. */
export const logRejections = async (
  ports: Ports,
  input: CycleRef,
  attempt: Attempt,
): Promise<LogRejectionsResult> => {
  await markActive(ports.db, input.cycle, input.at);
  return { logged: await sendEntries(ports, attempt) };
};

/** @returns how many entries stand in the log now that did not before. */
export type SendEntries = (ports: Ports, attempt: Attempt) => Promise<number>;

/**
 * Sends the log entries that are due; those that are left meanwhile are sent by who left them, so that nobody waits for
 * others for as long as they keep coming. Marketo's log has no idempotency key: an entry whose call got no answer is looked
 * for in the log, once its time is over, before it is sent again.
 */
export const sendEntries: SendEntries = async (ports, attempt) => {
  const installation = await requireInstallation(ports);
  let logged = 0;
  for (;;) {
    const due = await dueEntries(ports.db, MOST_ACTIVITIES, ports.timing.doubtMs);
    const found = await findInLog(
      ports,
      installation,
      due.filter(({ state }) => state === 'sent'),
      attempt,
    );
    await endEntries(ports.db, found);
    logged += found.length;
    const absent = due.filter(({ id }) => !found.some((end) => end.id === id));
    for (const call of callsFor(absent, installation)) {
      logged += await send(ports, installation, call, attempt);
    }
    if (due.length < MOST_ACTIVITIES) return logged;
    attempt.progress();
  }
};

/** Calls for the entries of failed ones. */
const PARTS = 10;

/**
 * New entries first. Those of a call that failed go in smaller ones, and soon each in its own, so that one that makes
 * Marketo fail each time (611) does not keep others out of their logs.
 */
const callsFor = (entries: readonly DueEntry[], installation: Installation): DueEntry[][] => {
  const inDoubt = entries.filter(({ state }) => state === 'sent');
  const fresh = entries.filter(({ state }) => state !== 'sent');
  const wireOf = (entry: DueEntry) => toActivityInput(activityOf(entry, installation));
  return [
    ...inCalls(fresh, MOST_ACTIVITIES, wireOf),
    ...inCalls(inDoubt, Math.ceil(inDoubt.length / PARTS), wireOf),
  ];
};

const activityOf = (
  { marketoId, at, type, primaryValue, attributes }: DueEntry,
  { activityTypes }: Installation,
): NewActivity => ({ marketoId, at, typeId: activityTypes[type], primaryValue, attributes });

/** The calls into which one that was refused as a whole may be parted; see `send-persons.ts`. */
const MOST_PARTS = 40;

const send = async (
  ports: Ports,
  installation: Installation,
  due: readonly DueEntry[],
  attempt: Attempt,
  parts = { left: MOST_PARTS },
): Promise<number> => {
  const { db, marketo, timing } = ports;
  const deadline = new Date(Date.now() + timing.marketoDeadlineMs).toISOString();
  const taken = await takeEntries(db, due, deadline);
  const entries = due.filter(({ id }) => taken.has(id));
  if (entries.length === 0) return 0;
  const activities = entries.map((entry) => activityOf(entry, installation));
  try {
    const results = await marketo.addActivities(activities, until(attempt.signal, deadline));
    const ends = entries.flatMap((entry, index) => endOf(entry, results[index], timing));
    await endEntries(db, ends);
    return ends.filter(({ state }) => state === 'logged').length;
  } catch (error) {
    if (!(error instanceof RemoteFailure) || error.details.effect !== 'none') throw error;
    await endEntries(
      db,
      entries.map(({ id }) => ({ id, state: 'pending' })),
    );
    if (error.type !== 'RefusedCall' || parts.left < 2) throw error;
    return await bisect(ports, installation, entries, attempt, parts);
  }
};

/** A call that is refused as a whole is halved until the entry that Marketo cannot take stands alone. */
const bisect = async (
  ports: Ports,
  installation: Installation,
  entries: readonly DueEntry[],
  attempt: Attempt,
  parts: { left: number },
): Promise<number> => {
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) {
    await endEntries(ports.db, [{ id: only.id, state: 'abandoned' }]);
    return 0;
  }
  let logged = 0;
  for (const half of halve(
    entries.map((entry) => ({ ...entry, state: 'pending' as const, deadline: null })),
  )) {
    parts.left -= 1;
    logged += await send(ports, installation, half, attempt, parts);
  }
  return logged;
};

/**
 * A person that is gone has no log any more: the rejection stays in the store alone. Whatever else Marketo skips an entry
 * for may be mended there, such as an activity type that somebody deleted: it waits.
 */
const endOf = (
  { id }: DueEntry,
  result: ActivityResult | undefined,
  { doubtMs, probeMs }: Timing,
): EntryEnd[] => {
  if (result === undefined) return [];
  if (result.status === 'added') return [{ id, state: 'logged', guid: result.guid }];
  if (result.code === PERSON_NOT_FOUND) return [{ id, state: 'abandoned' }];
  const waitMs = mayPassLater(result.code) ? doubtMs : probeMs;
  return [{ id, state: 'pending', deadline: new Date(Date.now() + waitMs).toISOString() }];
};

/** Most persons that Marketo reads activities of in one call. */
const PERSONS_AT_ONCE = 30;

const findInLog = async (
  { marketo }: Ports,
  { activityTypes }: Installation,
  doubtful: readonly DueEntry[],
  { signal }: Attempt,
): Promise<EntryEnd[]> => {
  const ends: EntryEnd[] = [];
  const typeIds = [activityTypes.refused, activityTypes.syncPerson];
  for (const some of inParts(doubtful, PERSONS_AT_ONCE)) {
    const since = new Date(Math.min(...some.map((entry) => Date.parse(entry.at))) - 60_000).toISOString();
    const marketoIds = [...new Set(some.map(({ marketoId }) => marketoId))];
    let token = await marketo.pagingToken(since, signal);
    for (let more = true; more;) {
      const page = await marketo.activities({ token, typeIds, marketoIds }, signal);
      for (const { guid, attributes } of page.activities) {
        // Some answers name attributes by their display name alone.
        const entry = some.find(({ id }) => Object.values(attributes).includes(id));
        if (entry !== undefined) ends.push({ id: entry.id, state: 'logged', guid });
      }
      ({ nextToken: token, more } = page);
    }
  }
  return ends;
};
