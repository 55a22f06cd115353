import type { Link } from '../rules/link.js';
import { withoutPlans } from '../rules/outcome.js';
import { plan, type Planned } from '../rules/plan.js';
import { isInScope } from '../rules/scope.js';
import { stampOnTrial } from '../rules/trials.js';
import { markUnread } from '../rules/unread.js';
import { saveLinks } from '../store/links.js';
import { inBatches } from './batches.js';
import { currentMapping } from './catalog.js';
import type { ChunkRef, DiffResult } from './contract.js';
import { settleEnd } from './endings.js';
import { keyOf } from './keys.js';
import { forgetOld, type Attempt, type Ports } from './settings.js';

/** Finds what differs in a chunk's links, agrees on what is equal, and lets go of those that have nothing left to do. */
export const diff = async (ports: Ports, input: ChunkRef, attempt: Attempt): Promise<DiffResult> => {
  const mapping = await currentMapping(ports);
  const none = { links: 0, converged: 0, marketoEdits: 0, dynamicsEdits: 0, unmatched: 0 };
  return inBatches(ports, input.chunk, attempt, none, async (all) => {
    const links = all.filter(isInScope);
    const aside = all.filter((link) => !isInScope(link)).map(leaveAlone);
    const context = { cycle: input.cycle, at: new Date().toISOString() };
    const planned = links
      .filter(({ status }) => status === 'linked')
      .map((link) =>
        plan(forgetOld(ports, stampOnTrial(link, keyOf)), { ...context, fields: mapping.fields[link.kind] }),
      )
      .map((each) => ({ ...each, link: markUnread(each.link, each.unread) }));
    const quiet = planned.filter(isQuiet).map(({ link }) => link);
    const unread = planned.filter((each) => each.unread.length > 0 && !isQuiet(each)).map(({ link }) => link);
    const idle = links.filter(isIdle).map((link) => ({ ...noted(link), dirty: false }));
    await saveLinks(ports.db, [...quiet, ...unread, ...idle, ...aside], ports.timing.overlapMs);
    const decisions = planned.flatMap((each) => each.decisions);
    return {
      links: all.length,
      converged: quiet.length + idle.length + aside.length,
      marketoEdits: decisions.filter(({ winner, loser }) => winner === 'marketo' || loser !== undefined)
        .length,
      dynamicsEdits: decisions.filter(({ winner, loser }) => winner === 'dynamics' || loser !== undefined)
        .length,
      unmatched: links.filter(({ status }) => status === 'unmatched' || status === 'ambiguous').length,
    };
  });
};

/** Nothing to write, to tell, to refuse or to read: what is equal is agreed, and the link is clean. */
const isQuiet = ({ link, decisions, refusals, swinging }: Planned): boolean =>
  !link.dirty && [decisions, refusals, swinging].every(({ length }) => length === 0);

/** Out of scope: what was seen stays, nothing is planned, and what waits for a person waits on. */
const leaveAlone = (link: Link): Link => ({
  ...withoutPlans(noted(link)),
  ...withoutPlannedPerson(link),
  dirty: false,
});

/** What a planned creation had been refused goes with its plan: the next one begins anew. */
const withoutPlannedPerson = ({ creation }: Link): Partial<Link> =>
  creation !== null && creation.sentAt === null ? { creation: null, parked: {} } : {};

/** The guard let the cycle go on: a record that is missed is gone. */
const noted = (link: Link): Link =>
  link.status === 'ended' || link.status === 'tombstone' ? settleEnd(link) : link;

/** A link that ended and owes nothing any more, or one that others hold back. */
const isIdle = ({ status, stamp, marketoId }: Link): boolean =>
  (status === 'ended' && stamp === null) ||
  (status === 'ambiguous' && marketoId !== null) ||
  status === 'tombstone' ||
  status === 'excluded' ||
  status === 'merged-away';
