import type { Link } from '../rules/link.js';
import { save } from './claimed.js';
import type { CreatePersonResult } from './contract.js';
import { settleCreated } from './create-row.js';
import { answer, busy, type Request } from './request.js';

/**
 * Ends the reservation of a person that was left out of scope since: it would keep the person from every other row. A call
 * that may have made the row is waited for; where the row is there, the pair is complete.
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
    if (row !== undefined) return settleCreated(request, reserved, [], null);
    if (!isOver) throw busy(`the row ${dynamicsId ?? ''}`);
  }
  const ended: Link = { ...reserved, status: 'ended', creation: null, dirty: stamp !== null };
  if ((await save(ports, [ended])).length === 0)
    throw busy(`the link of person ${String(request.person.id)}`);
  return answer('out-of-scope', undefined);
};
