import type { Link } from '../rules/link.js';
import type { Mapping } from '../rules/mapping.js';
import { explain } from '../rules/outcome.js';
import { plan, type Decision, type Planned } from '../rules/plan.js';
import { isInScope } from '../rules/scope.js';
import type { Side } from '../rules/terms.js';
import { stampOnTrial } from '../rules/trials.js';
import { markUnread } from '../rules/unread.js';
import { writeLedger, type LedgerLine } from '../store/ledger.js';
import { saveLinks } from '../store/links.js';
import { closeRejections } from '../store/rejections.js';
import { inBatches } from './batches.js';
import { currentMapping } from './catalog.js';
import type { ChunkRef, ResolveResult } from './contract.js';
import { matchRows } from './match-rows.js';
import { keyOf } from './keys.js';
import { findOrphans } from './orphans.js';
import { keepRefusals, refuse, type Refused } from './refusals.js';
import { forgetOld, type Attempt, type Ports } from './settings.js';

export const NOTHING_RESOLVED: ResolveResult = {
  toMarketo: 0,
  toDynamics: 0,
  created: 0,
  linked: 0,
  collisions: 0,
  marketoWon: 0,
  dynamicsWon: 0,
  refused: 0,
  quarantined: 0,
};

/** Decides a chunk's links: who wins, what is written where, which row gets which person. */
export const resolve = async (ports: Ports, input: ChunkRef, attempt: Attempt): Promise<ResolveResult> => {
  const mapping = await currentMapping(ports);
  return inBatches(ports, input.chunk, attempt, NOTHING_RESOLVED, async (links) => {
    await findOrphans(ports, mapping, links, attempt);
    const waiting = links.filter(({ status }) => status === 'unmatched' || status === 'ambiguous');
    const matched = await matchRows(ports, mapping, waiting, attempt);
    const linked = [...links.filter(({ status }) => status === 'linked'), ...matched.linked];
    const decided = await decideLinks(ports, mapping, linked, input.cycle);
    return {
      ...decided,
      linked: matched.linked.length,
      created: matched.created,
      quarantined: matched.quarantined + decided.quarantined,
    };
  });
};

/** Plans the writes of those of these links that are in scope, and keeps the plan, its ledger lines and what metadata already refuses. */
export const decideLinks = async (
  ports: Ports,
  mapping: Mapping,
  links: readonly Link[],
  cycle: number,
): Promise<ResolveResult> => {
  const at = new Date().toISOString();
  const planned = links
    .filter(isInScope)
    .map((link) =>
      plan(forgetOld(ports, stampOnTrial(link, keyOf)), { fields: mapping.fields[link.kind], cycle, at }),
    );
  const refused: Refused[] = [];
  const ready = planned.map((each) => {
    const taken = refuseLocally(each, cycle);
    refused.push(...taken.refused);
    return explained(taken.link, each.decisions, cycle, at);
  });
  const saved = await ports.db.transaction().execute(async (tx) => {
    const kept = await saveLinks(tx, ready, ports.timing.overlapMs);
    const done = planned.filter(({ link }) => kept.has(link.id));
    await writeLedger(
      tx,
      done.flatMap((each) => ledgerLines(each, cycle)),
    );
    await keepRefusals(
      tx,
      refused.filter(({ link }) => kept.has(link.id)),
    );
    await closeRejections(
      tx,
      done.flatMap(({ released }) => released),
    );
    return kept;
  });
  return countUp(
    planned.filter(({ link }) => saved.has(link.id)),
    [...saved.values()],
    refused.length,
  );
};

/** A value that the target's own metadata refuses is parked like any other refusal, without a call. */
const refuseLocally = (planned: Planned, cycle: number): { link: Link; refused: Refused[] } => {
  const refused: Refused[] = [];
  let { link } = planned;
  for (const { side, field, code, message, value } of planned.refusals) {
    const refusal = { side, fields: [field], named: true, code, message, value, local: true as const };
    const taken = refuse(link, refusal, cycle);
    refused.push(taken);
    link = taken.link;
  }
  const dirty = link.stamp !== null || link.writes.some(({ state }) => state === 'planned');
  return { link: markUnread({ ...link, dirty }, planned.unread), refused };
};

const explained = (link: Link, decisions: readonly Decision[], cycle: number, at: string): Link =>
  decisions.reduce(
    (current, { field, rule, winner }) => explain(current, field, { rule, winner, cycle, at }),
    link,
  );

/** One line per link, cycle and direction, with the changed fields only. */
const ledgerLines = ({ link, decisions }: Planned, cycle: number): LedgerLine[] =>
  (['marketo', 'dynamics'] as const).flatMap((side) => {
    const towards = decisions.filter((decision) => writesTo(link, decision, side));
    return towards.length === 0 ? [] : [{ linkId: link.id, cycle, side, decisions: towards }];
  });

const writesTo = (link: Link, { field, winner }: Decision, side: Side): boolean => {
  const planned = link.writes.filter((write) => write.state === 'planned' && write.field === field);
  return planned.length === 0 ? winner !== side : planned.some((write) => write.side === side);
};

const countUp = (planned: readonly Planned[], saved: readonly Link[], refused: number): ResolveResult => {
  const decisions = planned.flatMap((each) => each.decisions);
  const writesOf = (side: Side): number =>
    saved.flatMap(({ writes }) => writes).filter((write) => write.side === side && write.state === 'planned')
      .length;
  return {
    ...NOTHING_RESOLVED,
    toMarketo: writesOf('marketo'),
    toDynamics: writesOf('dynamics'),
    collisions: decisions.filter(({ loser }) => loser !== undefined).length,
    marketoWon: decisions.filter(({ winner }) => winner === 'marketo').length,
    dynamicsWon: decisions.filter(({ winner }) => winner === 'dynamics').length,
    refused,
    quarantined: planned.reduce((sum, { swinging }) => sum + swinging.length, 0),
  };
};
