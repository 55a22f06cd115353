import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { closePairs, takeOverHolds } from '../../activities/holds.js';
import { keyOf, owingKey } from '../../activities/keys.js';
import { tellNewborn } from '../../activities/refusals.js';
import type { GroupDecision } from '../../rules/ambiguity.js';
import { DECISIONS, groupsOf, type Group } from '../../rules/ambiguous-groups.js';
import type { Link } from '../../rules/link.js';
import { isInScope } from '../../rules/scope.js';
import { ambiguousLinksOf } from '../../store/ambiguous.js';
import { claimEmails, releaseEmails } from '../../store/claims.js';
import type { Database } from '../../store/database.js';
import { linksByPerson, linksOfRecord, saveLinks } from '../../store/links.js';
import { CommandFailure } from '../failure.js';
import { nameOf, type RecordRef } from '../record.js';
import { rowCandidates } from './groups.js';

/** Who decides, and when; kept with the decision. */
export type Decider = Pick<GroupDecision, 'by' | 'at'>;

export interface Pairing {
  readonly marketoId: number;
  readonly dynamicsId: string;
}

/** What was decided. */
export interface Decided {
  readonly what: GroupDecision['what'];
  readonly rows: readonly string[];
  readonly persons: readonly number[];
}

/**
 * Decides that a row belongs to a person. The pair is born dirty, like any other; the rest of the group is matched anew.
 *
 * @throws {CommandFailure} where the group is not what it was, or somebody is at work on it.
 */
export const decideLink = (
  db: Database,
  record: RecordRef,
  pair: Pairing,
  decider: Decider,
): Promise<Decided> =>
  underClaim(db, record, async (tx, groups) => {
    const { marketoId, dynamicsId } = pair;
    const group = groups.find(({ links }) => links.some((link) => link.dynamicsId === dynamicsId));
    const link = group?.links.find((each) => each.dynamicsId === dynamicsId);
    if (group === undefined || link === undefined) throw await notAmbiguous(tx, { dynamicsId });
    requireLinkable(group, marketoId);
    await requireFree(tx, marketoId);
    const decision = { what: 'linked' as const, persons: [marketoId], emailKey: group.emailKey, ...decider };
    const [there = link] = await takeOverHolds(tx, [linked(link, marketoId, decision)]);
    await saveAll(tx, [there]);
    await tellNewborn(tx, [there]);
    return { what: 'linked', rows: [dynamicsId], persons: [marketoId] };
  });

const linked = (link: Link, marketoId: number, decision: GroupDecision): Link => ({
  ...link,
  ...{ status: 'linked', marketoId, stamp: keyOf(link), decision },
  ...{ candidates: null, creation: null },
  ...{ dirty: true, rereadMarketo: true, rereadDynamics: true },
});

const requireLinkable = ({ why, persons }: Group, marketoId: number): void => {
  const who = DECISIONS[why].link;
  if (who === 'anybody' || (who === 'candidates' && persons.includes(marketoId))) return;
  if (who === 'candidates') {
    const candidates = persons.map(String).join(', ');
    throw new CommandFailure(`Person ${marketoId} is no candidate of this group.`, {
      hints: [`Candidates are ${candidates}.`, 'A person that was made since joins with the next cycle.'],
    });
  }
  throw new CommandFailure(
    why === 'key-held'
      ? "The person that carries this row's id belongs to another row: it cannot be linked."
      : 'The contact belongs to another person: the lead cannot bring a second one.',
    { hints: [SEPARATE_HINTS[why === 'key-held' ? 'key-held' : 'qualified']] },
  );
};

const SEPARATE_HINTS = {
  'key-held': 'With --separate the row gets a person of its own, and the other one the id of its own row.',
  qualified: 'Merge the two persons in Marketo; or let them be two with --separate.',
} as const;

const requireFree = async (tx: Database, marketoId: number): Promise<void> => {
  const [holder] = await linksByPerson(tx, [marketoId]);
  if (holder === undefined) return;
  throw new CommandFailure(
    `Person ${marketoId} belongs to ${holder.kind} ${holder.dynamicsId ?? ''} by now (${holder.status}).`,
    { hints: ['The group has changed: look at it again.'] },
  );
};

/**
 * Decides that no row of these groups belongs to any of their persons as they are known now: each row gets a person of its
 * own. A person that joins later opens the question again for rows that have none by then.
 *
 * @throws {CommandFailure} as `decideLink`.
 */
export const decideSeparate = (db: Database, record: RecordRef, decider: Decider): Promise<Decided> =>
  underClaim(db, record, async (tx, groups) => {
    const links: Link[] = [];
    for (const group of groups) links.push(...(await separated(tx, group, decider)));
    // At once: whoever is saved wakes the others of its group, which would then not be as they were read.
    await saveAll(tx, [...new Map(links.map((link) => [link.id, link])).values()]);
    return {
      what: 'separated',
      rows: groups.flatMap(({ links }) => links.flatMap(({ dynamicsId }) => dynamicsId ?? [])),
      persons: [...new Set(groups.flatMap(({ persons }) => persons))],
    };
  });

const separated = async (tx: Database, group: Group, decider: Decider): Promise<Link[]> => {
  const { why, links, persons, emailKey } = group;
  if (!DECISIONS[why].separate) {
    throw new CommandFailure(`Persons ${persons.join(' and ')} both carry the id of this row.`, {
      hints: [
        'Say with --link which of them it belongs to, or clear dynamicsId in Marketo on those it does not.',
      ],
    });
  }
  const decision = { what: 'separated' as const, persons, emailKey, ...decider };
  const parted = why === 'qualified' ? await closePairs(tx, links) : links.map(alone);
  const apart = parted.map((link) => ({ ...link, decision }));
  return why === 'key-held' ? [...(await withOwnKeys(tx, persons)), ...apart] : apart;
};

const alone = (link: Link): Link => ({ ...link, status: 'unmatched', candidates: null, dirty: true });

/** The person carries the id of another row than its own: it gets its own again before that row may have a person. */
const withOwnKeys = async (tx: Database, persons: readonly number[]): Promise<Link[]> => {
  const holders = await linksByPerson(tx, persons);
  for (const holder of holders) {
    if (holder.status === 'linked' && isInScope(holder)) continue;
    throw new CommandFailure(
      `Person ${holder.marketoId ?? ''} cannot be given the id of its own row: that pair is ${isInScope(holder) ? holder.status : 'out of scope'}.`,
      { hints: ['Clear dynamicsId on the person in Marketo: the row is matched again then.'] },
    );
  }
  return holders.map(owingKey);
};

/** For somebody who is matching the same e-mails. */
const PATIENCE_MS = 10_000;
const LOOK_AGAIN_MS = 100;
/** Longer than any decision takes: a claim whose holder died ends by itself. */
const CLAIM_MS = 30_000;

type Work = (tx: Database, groups: readonly Group[]) => Promise<Decided>;

/** Decides while nobody else matches these e-mails, in one transaction, on the groups as they are then. */
const underClaim = async (db: Database, record: RecordRef, work: Work): Promise<Decided> => {
  const holder = randomUUID();
  try {
    await claim(db, await emailsOf(db, record), holder);
    return await db.transaction().execute(async (tx) => {
      const groups = groupsOf(await ambiguousLinksOf(tx, record)).filter((group) => isOf(group, record));
      if (groups.length === 0) throw await notAmbiguous(tx, record);
      return work(tx, groups);
    });
  } finally {
    await releaseEmails(db, holder);
  }
};

/** One e-mail may bring several groups together; a decision is about those that the record is of. */
const isOf = ({ links, persons }: Group, record: RecordRef): boolean =>
  'marketoId' in record
    ? persons.includes(record.marketoId)
    : links.some(
        (link) => link.dynamicsId === record.dynamicsId || rowCandidates(link).includes(record.dynamicsId),
      );

const emailsOf = async (db: Database, record: RecordRef): Promise<string[]> => [
  ...new Set((await ambiguousLinksOf(db, record)).flatMap(({ emailKey }) => emailKey ?? [])),
];

const claim = async (db: Database, emails: readonly string[], holder: string): Promise<void> => {
  for (const patient = Date.now() + PATIENCE_MS; ;) {
    const held = await claimEmails(db, emails, holder, CLAIM_MS);
    if (held.size === emails.length) return;
    if (Date.now() >= patient) {
      throw new CommandFailure('A cycle or a request is at work on this e-mail.', {
        hints: ['Try again in a moment.'],
      });
    }
    await sleep(LOOK_AGAIN_MS);
  }
};

/** Why there is nothing to decide: it says what became of the record. */
const notAmbiguous = async (tx: Database, record: RecordRef): Promise<CommandFailure> => {
  const name = nameOf(record);
  const [link] = await linksOfRecord(tx, record);
  if (link === undefined) {
    return new CommandFailure(`No ambiguous group that the sync knows has ${name}.`, {
      hints: ['contact-sync resolve lists all groups.'],
    });
  }
  const person = link.marketoId === null ? '' : `, with person ${link.marketoId}`;
  const text = `The ${name} is not ambiguous: its ${link.kind} is ${link.status}${person}.`;
  return new CommandFailure(text.replace('The person', 'Person'), {
    hints: ['The group may have changed since it was listed: contact-sync why tells more.'],
  });
};

const saveAll = async (tx: Database, links: readonly Link[]): Promise<void> => {
  const saved = await saveLinks(tx, links, 0);
  if (saved.size === links.length) return;
  throw new CommandFailure('The group was changed by somebody else at this very moment.', {
    hints: ['Look at it again, and decide then.'],
  });
};
