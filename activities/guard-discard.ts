import { changesOf, giveUpFields, isNamedBy } from '../rules/guard.js';
import type { Link } from '../rules/link.js';
import { isInScope } from '../rules/scope.js';
import { across } from '../rules/terms.js';
import { holdDecision, type GuardStop } from '../store/guard-stops.js';
import { writeLedger, type LedgerLine } from '../store/ledger.js';
import { linksById, saveLinks } from '../store/links.js';
import { forPairs, planOf, type Guarding } from './guarding.js';
import { busy } from './request.js';
import { takeUpAgain } from './take-up.js';

/**
 * Gives up what a stop is about: named fields are parked for the values that both sides hold, and persons whose rows went
 * missing are not flagged. Done by the cycle and not by the command, so that one worker does it, with the remotes at
 * hand; what is given up is planned no more, so that doing it again after a crash goes on where it was.
 */
export const discard = async (guarding: Guarding, stop: GuardStop): Promise<void> => {
  await takeUpAgain(guarding, stop);
  await forPairs(guarding, async (links) => {
    // A pair that somebody else changed meanwhile is judged once more: nothing that is named may slip through.
    for (let left = links; left.length > 0;) left = await discardSome(guarding, stop, left);
  });
};

/** Returns the pairs that are to be judged again. */
const discardSome = async (
  guarding: Guarding,
  stop: GuardStop,
  links: readonly Link[],
): Promise<readonly Link[]> => {
  const { db, timing } = guarding.ports;
  const given = links.flatMap((link) => giveUp(guarding, stop, link));
  if (given.length === 0) return [];
  const missed = await db.transaction().execute(async (tx) => {
    if (!(await holdDecision(tx, stop))) throw busy('the stop of the guard');
    const saved = await saveLinks(
      tx,
      given.map(({ link }) => link),
      timing.overlapMs,
    );
    const done = given.filter(({ link }) => saved.has(link.id));
    await writeLedger(
      tx,
      done.flatMap(({ lines }) => lines),
    );
    return given.flatMap(({ link: { id } }) => (saved.has(id) ? [] : id));
  });
  return (await linksById(db, missed)).filter(
    (link) => link.status === 'linked' && link.dirty && isInScope(link),
  );
};

interface GivenUp {
  readonly link: Link;
  readonly lines: readonly LedgerLine[];
}

const giveUp = (guarding: Guarding, stop: GuardStop, link: Link): GivenUp[] => {
  const planned = planOf(guarding, link);
  const changes = changesOf(planned, guarding.mapping.fields[link.kind]);
  const named = changes.filter((change) => isNamedBy(stop.reasons, change));
  if (named.length === 0) return [];
  const lines = (['marketo', 'dynamics'] as const).flatMap((side) => {
    const fields = named.filter(({ from }) => across(from) === side).map(({ field }) => field);
    const decisions = planned.decisions.filter(({ field }) => fields.includes(field));
    const given = decisions.map((decision) => ({ ...decision, discarded: stop.id }));
    return given.length === 0 ? [] : [{ linkId: link.id, cycle: guarding.cycle, side, decisions: given }];
  });
  return [
    {
      link: giveUpFields(
        link,
        named.map(({ field }) => field),
      ),
      lines,
    },
  ];
};
