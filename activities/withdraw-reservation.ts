import type { Link } from '../rules/link.js';
import { withFlag } from '../rules/scope.js';
import { saveLinks } from '../store/links.js';
import type { CreatePersonResult } from './contract.js';
import { settleCreated } from './create-row.js';
import { personFlag } from './flags.js';
import { takeOverHolds } from './holds.js';
import { answer, busy, type Request } from './request.js';

/**
 * Ends the reservation of a person that was left out of scope since: it would keep the person from every other row. A call
 * that may have made the row is waited for; where the row is there, the pair is complete, and out of scope.
 *
 * @throws RemoteFailure `Busy` while the call may be under way
 */
export const withdraw = async (request: Request, reserved: Link): Promise<CreatePersonResult> => {
  const { ports, attempt } = request;
  const { kind, dynamicsId, creation, stamp } = reserved;
  if (creation?.sentAt != null) {
    // Asked before the read: a call in its last moment may make the row while it is read.
    const isOver = Date.now() >= Date.parse(creation.deadline ?? creation.sentAt);
    const row = await ports.dynamics.readRow(kind, dynamicsId ?? '', [], attempt.signal);
    if (row !== undefined) return settleCreated(request, await leftOut(request, reserved), [], null);
    if (!isOver) throw busy(`the row ${dynamicsId ?? ''}`);
  }
  await leftOut(request, { ...reserved, status: 'ended', creation: null, dirty: stamp !== null });
  return answer('out-of-scope', undefined);
};

/** Saves the link with what leaves its person out, so that neither its key nor what it is owed is written before it is back. */
const leftOut = async ({ ports, mapping, person }: Request, link: Link): Promise<Link> => {
  const flagged = withFlag(link, personFlag(mapping.scope.person, person.values), true);
  const saved = await ports.db
    .transaction()
    .execute(async (tx) => saveLinks(tx, await takeOverHolds(tx, [flagged]), ports.timing.overlapMs));
  const kept = saved.get(link.id);
  if (kept === undefined) throw busy(`the link of person ${String(person.id)}`);
  return kept;
};
