import type { RowUpdate } from '../dynamics/index.js';
import type { RemoteFailure } from '../rules/failures.js';
import { TRANSIENT } from '../rules/failures.js';
import type { Link } from '../rules/link.js';
import type { MappedField } from '../rules/mapping.js';
import { markSent, plannedWrites } from '../rules/outcome.js';
import { isInScope } from '../rules/scope.js';
import { KINDS, type FieldValue, type Kind } from '../rules/terms.js';
import { linksById } from '../store/links.js';
import { inBatches } from './batches.js';
import { currentMapping } from './catalog.js';
import { save, withClaims } from './claimed.js';
import { until } from './deadline.js';
import type { ChunkRef, PushResult } from './contract.js';
import { endLink } from './endings.js';
import { NOTHING_PUSHED, type Push } from './push.js';
import { observeRow, rowsOfLinks } from './reread.js';
import { decideLinks } from './resolve.js';
import { takeOutcomes, type Answered } from './row-outcomes.js';
import type { Attempt, Ports } from './settings.js';

/** Times a row that changes under our hands is read, merged and written again before it is left to the next cycle. */
const TRIES = 3;

/** Writes what was decided for Dynamics: only changed columns, each row under its own `If-Match`. */
export const pushToDynamics = async (
  ports: Ports,
  input: ChunkRef,
  attempt: Attempt,
): Promise<PushResult> => {
  const mapping = await currentMapping(ports);
  return inBatches(ports, input.chunk, attempt, NOTHING_PUSHED, async (links) => {
    const due = links.filter((link) => isDue(link) || isInDoubt(link));
    if (due.length === 0) return NOTHING_PUSHED;
    const push: Push = { ports, mapping, cycle: input.cycle, attempt };
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
  let { records, refused, deferred } = NOTHING_PUSHED;
  const failures: RemoteFailure[] = [];
  for (let turn = 1; due.length > 0; turn += 1) {
    const written = await writeRows(push, due);
    records += written.done;
    refused += written.refused;
    failures.push(...written.failures);
    if (turn === TRIES) {
      deferred += written.changed.length + written.again.length;
      break;
    }
    due = [...(await mergeAgain(push, written.changed)), ...written.again];
  }
  // Rows that certainly were not written are planned still: the retry of this step takes them.
  const failure = failures.find(({ type }) => !TRANSIENT.has(type)) ?? failures[0];
  if (failure !== undefined) throw failure;
  return { records, created: 0, refused, deferred };
};

interface Written {
  done: number;
  refused: number;
  /** Links whose row moved or whose answer was lost: to be read and merged again. */
  readonly changed: Link[];
  /** Links of which one field was refused: the others go without it. */
  readonly again: Link[];
  /** Why some rows certainly were not written. */
  readonly failures: RemoteFailure[];
}

const writeRows = async (push: Push, due: readonly Link[]): Promise<Written> => {
  const { ports, attempt, mapping } = push;
  const at = new Date();
  const deadline = new Date(at.getTime() + ports.timing.dynamicsDeadlineMs).toISOString();
  const sent = await save(
    ports,
    due.map((link) => markSent(link, 'dynamics', at.toISOString(), deadline)),
  );
  const operations = sent.map((link) => updateOf(link, mapping.fields[link.kind]));
  const written: Written = { done: 0, refused: 0, changed: [], again: [], failures: [] };
  await ports.dynamics.write(operations, {
    signal: until(attempt.signal, deadline),
    onOutcomes: async (indexes, outcomes) => {
      const answered = indexes.flatMap((index, position): Answered[] => {
        const link = sent[index];
        const outcome = outcomes[position];
        return link === undefined || outcome === undefined ? [] : [{ link, outcome }];
      });
      const taken = await takeOutcomes(push, answered);
      written.done += taken.done;
      written.refused += taken.refused;
      written.changed.push(...taken.changed);
      written.again.push(...taken.again.filter(isDue));
      written.failures.push(...taken.failures);
      attempt.progress(attempt.reached);
    },
  });
  return written;
};

const updateOf = (link: Link, fields: readonly MappedField[]): RowUpdate => {
  const values: Record<string, FieldValue> = {};
  for (const write of link.writes) {
    if (write.side !== 'dynamics' || write.state !== 'sent') continue;
    const field = fields.find(({ name }) => name === write.field);
    if (field !== undefined) values[field.column] = write.to;
  }
  return {
    type: 'update',
    kind: link.kind,
    id: link.dynamicsId ?? '',
    etag: link.etag ?? '*',
    values,
    returnEtag: true,
  };
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
  const rows = await rowsOfLinks(ports, kind, links, attempt.signal);
  const observed = links.map((link) => {
    const row = rows.get(link.dynamicsId ?? '');
    return row === undefined ? endLink(link) : observeRow(ports, link, row);
  });
  const saved = await save(ports, observed);
  await decideLinks(
    ports,
    mapping,
    saved.filter(({ status, successor }) => status === 'linked' && successor === null),
    cycle,
  );
  const ids = saved.map(({ id }) => id);
  return (await linksById(ports.db, ids)).filter(isDue);
};
