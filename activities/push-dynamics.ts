import type { RowOutcome, RowUpdate } from '../dynamics/index.js';
import { RemoteFailure } from '../rules/failures.js';
import type { Link } from '../rules/link.js';
import type { MappedField, Mapping } from '../rules/mapping.js';
import { markSent, markUnsent, plannedWrites, pruneWrites, settleSent } from '../rules/outcome.js';
import { KINDS, type FieldValue, type Kind } from '../rules/terms.js';
import { linksById, saveLinks } from '../store/links.js';
import { inBatches } from './batches.js';
import { currentMapping } from './catalog.js';
import { save, within, withClaim } from './claimed.js';
import type { ChunkRef, PushResult } from './contract.js';
import { endLink } from './endings.js';
import { keepRefusals, refuse, type Refused } from './refusals.js';
import { observeRow, rowsOfLinks } from './reread.js';
import { decideLinks } from './resolve.js';
import { keepOf, type Attempt, type Ports } from './settings.js';

export const NOTHING_PUSHED: PushResult = { records: 0, created: 0, refused: 0, deferred: 0 };

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
    const due = links.filter(isDue);
    if (due.length === 0) return NOTHING_PUSHED;
    const { result, leftOut } = await withClaim(ports, attempt, due, (held) =>
      pushClaimed({ ports, mapping, cycle: input.cycle, attempt }, held),
    );
    return { ...result, deferred: result.deferred + leftOut };
  });
};

const isDue = (link: Link): boolean => link.status === 'linked' && plannedWrites(link, 'dynamics').length > 0;

interface Push {
  readonly ports: Ports;
  readonly mapping: Mapping;
  readonly cycle: number;
  readonly attempt: Attempt;
}

const pushClaimed = async (push: Push, held: readonly Link[]): Promise<PushResult> => {
  let due = held.filter(isDue);
  let { records, refused, deferred } = NOTHING_PUSHED;
  for (let turn = 1; due.length > 0 && turn <= TRIES; turn += 1) {
    const written = await writeRows(push, due);
    records += written.done;
    refused += written.refused;
    due = turn < TRIES ? [...(await mergeAgain(push, written.changed)), ...written.again] : [];
    if (turn === TRIES) deferred += written.changed.length + written.again.length;
  }
  return { records, created: 0, refused, deferred };
};

interface Written {
  readonly done: number;
  readonly refused: number;
  /** Links whose row moved or whose answer was lost: to be read and merged again. */
  readonly changed: Link[];
  /** Links of which one field was refused: the others go without it. */
  readonly again: Link[];
}

const writeRows = async (push: Push, due: readonly Link[]): Promise<Written> => {
  const { ports, attempt, mapping } = push;
  const now = Date.now();
  const deadline = new Date(now + ports.timing.dynamicsDeadlineMs).toISOString();
  const sent = await save(
    ports,
    due.map((link) => markSent(link, 'dynamics', new Date(now).toISOString(), deadline)),
  );
  const operations = sent.map((link) => updateOf(link, mapping.fields[link.kind]));
  const total = { done: 0, refused: 0, changed: [] as Link[], again: [] as Link[] };
  const failures: RemoteFailure[] = [];
  await ports.dynamics.write(operations, {
    signal: within(attempt.signal, ports.timing.dynamicsDeadlineMs),
    onOutcomes: async (indexes, outcomes) => {
      const pairs = indexes.flatMap((index, at) => {
        const link = sent[index];
        const outcome = outcomes[at];
        return link === undefined || outcome === undefined ? [] : [{ link, outcome }];
      });
      const taken = await takeOutcomes(push, pairs);
      total.done += taken.done;
      total.refused += taken.refused;
      total.changed.push(...taken.changed);
      total.again.push(...taken.again);
      failures.push(...taken.failures);
      attempt.progress(attempt.reached);
    },
  });
  // Rows that nobody answered for: what is certain is kept, the rest is for the retry.
  const [failure] = failures;
  if (failure !== undefined && total.changed.length === 0) throw failure;
  return total;
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

interface Answered {
  readonly link: Link;
  readonly outcome: RowOutcome;
}

const takeOutcomes = async (push: Push, answered: readonly Answered[]) => {
  const { ports, mapping, cycle } = push;
  const refused: Refused[] = [];
  const failures: RemoteFailure[] = [];
  const changed: number[] = [];
  let done = 0;
  const links = answered.map(({ link, outcome }) => {
    const fields = mapping.fields[link.kind];
    switch (outcome.status) {
      case 'done':
        done += 1;
        return atRest(
          pruneWrites(settleSent(link, 'dynamics', fields, outcome.etag), Date.now(), keepOf(ports.timing)),
        );
      case 'changed':
      case 'exists':
        changed.push(link.id);
        return link;
      case 'gone':
        return endLink(link);
      case 'refused': {
        const taken = refuseRow(link, outcome, fields, cycle);
        refused.push(taken);
        return atRest(taken.link);
      }
      case 'transient':
        failures.push(new RemoteFailure(outcome.failure));
        if (outcome.failure.effect === 'unknown') changed.push(link.id);
        return outcome.failure.effect === 'unknown' ? link : markUnsent(link, 'dynamics');
    }
  });
  const saved = await ports.db.transaction().execute(async (tx) => {
    const kept = await saveLinks(tx, links, ports.timing.overlapMs);
    await keepRefusals(
      tx,
      refused.filter(({ link }) => kept.has(link.id)),
    );
    return kept;
  });
  const again = refused.flatMap(({ link }) => saved.get(link.id) ?? []).filter(isDue);
  return {
    done,
    refused: refused.length,
    failures,
    changed: changed.flatMap((id) => saved.get(id) ?? []),
    again,
  };
};

type RefusedOutcome = Extract<RowOutcome, { status: 'refused' }>;

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

/** Clean once nothing is planned any more, for either side. */
export const atRest = (link: Link): Link => ({
  ...link,
  dirty: link.stamp !== null || link.writes.some(({ state }) => state === 'planned'),
});

/** Reads rows that moved under our hands and merges them anew; what is then still to write goes out again. */
const mergeAgain = async (push: Push, changed: readonly Link[]): Promise<Link[]> => {
  const { ports, mapping, cycle, attempt } = push;
  const due: Link[] = [];
  for (const kind of KINDS) {
    const links = changed.filter((link) => link.kind === kind);
    if (links.length > 0) due.push(...(await mergeRows(ports, mapping, kind, links, cycle, attempt)));
  }
  return due;
};

const mergeRows = async (
  ports: Ports,
  mapping: Mapping,
  kind: Kind,
  links: readonly Link[],
  cycle: number,
  attempt: Attempt,
): Promise<Link[]> => {
  const rows = await rowsOfLinks(ports, kind, links, attempt.signal);
  const observed = links.map((link) => {
    const row = rows.get(link.dynamicsId ?? '');
    return row === undefined ? endLink(link) : { ...observeRow(ports, link, row), rereadDynamics: false };
  });
  const saved = await save(ports, observed);
  await decideLinks(
    ports,
    mapping,
    saved.filter(({ status }) => status === 'linked'),
    cycle,
  );
  return (
    await linksById(
      ports.db,
      saved.map(({ id }) => id),
    )
  ).filter(isDue);
};
