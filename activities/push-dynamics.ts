import { randomUUID } from 'node:crypto';
import type { RemoteFailure } from '../rules/failures.js';
import { TRANSIENT } from '../rules/failures.js';
import type { Link } from '../rules/link.js';
import { markSent, plannedWrites } from '../rules/outcome.js';
import { isInScope } from '../rules/scope.js';
import { KINDS, type Kind } from '../rules/terms.js';
import { linksById } from '../store/links.js';
import { inBatches } from './batches.js';
import { currentMapping } from './catalog.js';
import { save, withClaims } from './claimed.js';
import { until } from './deadline.js';
import type { ChunkRef, PushResult } from './contract.js';
import { endLink } from './endings.js';
import { FieldSearches } from './field-searches.js';
import { beginPush, NOTHING_PUSHED, type Push } from './push.js';
import { withTheirRows } from './reread.js';
import { decideLinks } from './resolve.js';
import { admitSearches, takeOutcomes, type Answered } from './row-outcomes.js';
import { updateOf } from './row-update.js';
import type { Attempt, Ports } from './settings.js';

/** Times a row that changes under our hands is read, merged and written again before it is left to the next cycle. */
const TRIES = 3;

/**
 * Writes of one row in a push: more than a search takes for the field that a refusal does not name, in a row of a hundred
 * fields, with a few fields that are refused by name.
 */
const MOST_TURNS = 30;

/** Writes what was decided for Dynamics: only changed columns, each row under its own `If-Match`. */
export const pushToDynamics = async (
  ports: Ports,
  input: ChunkRef,
  attempt: Attempt,
): Promise<PushResult> => {
  const mapping = await currentMapping(ports);
  const searches = new FieldSearches();
  return inBatches(ports, input.chunk, attempt, NOTHING_PUSHED, async (links) => {
    const due = links.filter((link) => isDue(link) || isInDoubt(link));
    if (due.length === 0) return NOTHING_PUSHED;
    const push = beginPush({ ports, mapping, cycle: input.cycle, attempt, searches });
    const { total, leftOut } = await withClaims(ports, attempt, due, NOTHING_PUSHED, (held) =>
      pushClaimed(push, held),
    );
    return { ...total, deferred: total.deferred + leftOut };
  });
};

/** A row whose place was taken, or that was left out, while the push ran is not written any more. */
const isDue = (link: Link): boolean =>
  link.status === 'linked' &&
  link.successor === null &&
  isInScope(link) &&
  plannedWrites(link, 'dynamics').length > 0;

/** An earlier call got no answer: the row tells what became of it. */
const isInDoubt = ({ status, writes }: Link): boolean =>
  status === 'linked' && writes.some(({ side, state }) => side === 'dynamics' && state === 'sent');

const pushClaimed = async (push: Push, held: readonly Link[]): Promise<PushResult> => {
  const doubtful = await mergeAgain(push, held.filter(isInDoubt));
  let due = [...held.filter((link) => isDue(link) && !isInDoubt(link)), ...doubtful];
  let { refused, deferred } = NOTHING_PUSHED;
  const done = new Set<number>();
  const failures: RemoteFailure[] = [];
  const moves = new Map<number, number>();
  for (let turn = 1; due.length > 0; turn += 1) {
    const written = await writeRows(push, due);
    refused += written.refused;
    deferred += written.unresolved;
    failures.push(...written.failures);
    for (const id of written.done) {
      done.add(id);
      moves.delete(id);
    }
    for (const { id } of written.changed) moves.set(id, (moves.get(id) ?? 0) + 1);
    const changed = written.changed.filter(({ id }) => (moves.get(id) ?? 0) < TRIES);
    deferred += written.changed.length - changed.length;
    if (turn === MOST_TURNS) {
      deferred += changed.length + written.again.length;
      break;
    }
    due = [...(await mergeAgain(push, changed)), ...written.again];
  }
  // Rows that certainly were not written are planned still: the retry of this step takes them.
  const failure = failures.find(({ type }) => !TRANSIENT.has(type)) ?? failures[0];
  if (failure !== undefined) throw failure;
  return { records: done.size, created: 0, refused, deferred };
};

interface Written {
  /** Ids of links of which something was written. */
  readonly done: number[];
  refused: number;
  unresolved: number;
  /** Links whose row moved or whose answer was lost: to be read and merged again. */
  readonly changed: Link[];
  /** Links of which something was refused, or is searched for: something else of them goes at once. */
  readonly again: Link[];
  /** Why some rows certainly were not written. */
  readonly failures: RemoteFailure[];
}

const writeRows = async (push: Push, due: readonly Link[]): Promise<Written> => {
  const { ports, attempt, mapping } = push;
  const { written, ready } = await readyRows(push, due);
  const at = new Date();
  const deadline = new Date(at.getTime() + ports.timing.dynamicsDeadlineMs).toISOString();
  const sent = await save(
    ports,
    ready.map(({ link, fields }) => {
      // What was refused and not explained may be the stamp's column: the second time it goes without.
      const isStamped = mapping.stampColumns[link.kind] !== null && !push.repeated.has(link.id);
      const call = { at: at.toISOString(), deadline, ...(isStamped && { rowStamp: randomUUID() }) };
      return markSent(link, 'dynamics', call, fields);
    }),
  );
  const operations = sent.map((link) => updateOf(link, mapping));
  await ports.dynamics.write(operations, {
    signal: until(attempt.signal, deadline),
    onOutcomes: async (indexes, outcomes) => {
      const answered = indexes.flatMap((index, position): Answered[] => {
        const link = sent[index];
        const outcome = outcomes[position];
        return link === undefined || outcome === undefined ? [] : [{ link, outcome }];
      });
      const taken = await takeOutcomes(push, answered);
      written.done.push(...taken.done);
      written.refused += taken.refused;
      written.unresolved += taken.unresolved;
      written.changed.push(...taken.changed);
      written.again.push(...taken.again.filter(isDue));
      written.failures.push(...taken.failures);
      attempt.progress(attempt.reached);
    },
  });
  return written;
};

interface Ready {
  readonly link: Link;
  readonly fields: readonly string[];
}

/** What the next write of each row carries; rows that wait for what other rows' searches find go another turn. */
const readyRows = async (
  push: Push,
  due: readonly Link[],
): Promise<{ readonly written: Written; readonly ready: readonly Ready[] }> => {
  const { ended, refused, unresolved, again } = await admitSearches(push, due);
  const written: Written = { done: [], refused, unresolved, changed: [], again: [...again], failures: [] };
  const ready: Ready[] = [];
  for (const link of due.filter(({ id }) => !ended.includes(id))) {
    const planned = plannedWrites(link, 'dynamics').map(({ field }) => field);
    const fields = push.searches.next(link.id, planned);
    if (fields.length > 0) ready.push({ link, fields });
    else written.again.push(link);
  }
  return { written, ready };
};

/** Reads rows that moved under our hands and merges them anew; what is then still to write goes out again. */
const mergeAgain = async (push: Push, changed: readonly Link[]): Promise<Link[]> => {
  const due: Link[] = [];
  for (const kind of KINDS) {
    const links = changed.filter((link) => link.kind === kind);
    if (links.length > 0) due.push(...(await mergeRows(push, kind, links)));
  }
  return due;
};

const mergeRows = async (
  { ports, mapping, cycle, attempt }: Push,
  kind: Kind,
  links: readonly Link[],
): Promise<Link[]> => {
  const saved = await save(ports, await withTheirRows(ports, kind, links, endLink, attempt.signal));
  await decideLinks(
    ports,
    mapping,
    saved.filter(({ status, successor }) => status === 'linked' && successor === null),
    cycle,
  );
  const ids = saved.map(({ id }) => id);
  return (await linksById(ports.db, ids)).filter(isDue);
};
