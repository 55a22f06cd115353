import type { Dynamics, RowOutcome, RowWrite } from '../../dynamics/index.js';
import { RemoteFailure } from '../../rules/failures.js';
import { batchReply, heardParts } from './batch-wire.js';
import { API, type FakeDataverse, type Heard, id, type Reply } from './fake-dataverse.js';
import { allRoles, ok, type Part, privileges, USER } from './rights.js';
import { update } from './rows.js';

const create = (number: number): RowWrite => ({
  type: 'create',
  kind: 'contact',
  id: id(number),
  values: { lastname: 'Ruiz' },
});
const drain = async (pages: AsyncIterable<unknown>): Promise<string> => {
  const steps = pages[Symbol.asyncIterator]();
  while ((await steps.next()).done !== true);
  return 'read';
};
const link = (fake: FakeDataverse): string => `${fake.url}${API}leads?$select=firstname&$deltatoken=1`;

/** Every call of the connector that asks the remote something, with what it ends in when all is well. */
export const CALLS: Readonly<
  Record<string, (dynamics: Dynamics, fake: FakeDataverse, signal?: AbortSignal) => Promise<string>>
> = {
  whoAmI: async (dynamics, _fake, signal) => (await dynamics.whoAmI(signal), 'read'),
  tableTraits: async (dynamics, _fake, signal) => (await dynamics.tableTraits('lead', signal), 'read'),
  columns: async (dynamics, _fake, signal) => (await dynamics.columns('lead', USER, {}, signal), 'read'),
  access: async (dynamics, _fake, signal) => (await dynamics.access(USER, ['lead'], signal), 'read'),
  'changes (first read)': (dynamics, _fake, signal) =>
    drain(dynamics.changes('lead', { select: ['firstname'] }, signal)),
  'changes (link)': (dynamics, fake, signal) => drain(dynamics.changes('lead', { link: link(fake) }, signal)),
  readRows: async (dynamics, _fake, signal) => (
    await dynamics.readRows('contact', [id(1)], ['lastname'], signal),
    'read'
  ),
  readRow: async (dynamics, _fake, signal) =>
    (await dynamics.readRow('contact', id(1), ['lastname'], signal)) === undefined ? 'no row' : 'read',
  findByEmail: async (dynamics, _fake, signal) => (
    await dynamics.findByEmail('contact', ['a@example.com'], ['lastname'], signal),
    'read'
  ),
  modifiedSince: (dynamics, _fake, signal) =>
    drain(dynamics.modifiedSince('contact', '2026-01-05T00:00:00Z', ['lastname'], signal)),
  'write (update)': async (dynamics, _fake, signal) =>
    together(await dynamics.write([update(1), update(2)], { signal })),
  'write (create)': async (dynamics, _fake, signal) =>
    together(await dynamics.write([create(1), create(2)], { signal })),
  'writeOne (update)': async (dynamics, _fake, signal) => short(await dynamics.writeOne(update(1), signal)),
  'writeOne (create)': async (dynamics, _fake, signal) => short(await dynamics.writeOne(create(1), signal)),
};

/** The outcome of a row in a few words. */
export function short(outcome: RowOutcome): string {
  if (outcome.status === 'refused') return `row refused (${outcome.scope})`;
  if (outcome.status !== 'transient') return `row ${outcome.status}`;
  return `row ${outcome.failure.type}${outcome.failure.effect === 'unknown' ? ', perhaps done' : ''}`;
}
const together = (outcomes: readonly RowOutcome[]): string => [...new Set(outcomes.map(short))].join(' / ');

/** What a call ends in: what it gives, or the failure that it throws. Anything else is a defect, and thrown on. */
export async function endOf(call: Promise<string>): Promise<string> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof RemoteFailure)) throw error;
    return `${error.type}${error.details.effect === 'unknown' ? ', perhaps done' : ''}`;
  }
}

const row = (request: Pick<Heard, 'url'>): object =>
  request.url.includes('/leads')
    ? { leadid: id(1), '@odata.etag': 'W/"1"' }
    : { contactid: id(1), '@odata.etag': 'W/"1"' };

/** A part of a batch where all is well. */
export function healthyPart({ method, url }: { readonly method: string; readonly url: string }): Part {
  if (method === 'PATCH') return { status: 204 };
  if (url.endsWith('RetrieveUserPrivileges()')) return allRoles;
  if (url.endsWith('RetrievePrincipalAttributePrivileges()')) return privileges();
  return ok({ value: [] });
}

/** Dataverse when all is well. */
export const healthy =
  (fake: FakeDataverse) =>
  (request: Heard): Reply => {
    const { method, url } = request;
    if (url.endsWith('$batch')) return batchReply(heardParts(request).map(healthyPart));
    if (method === 'PATCH') return { status: 204 };
    if (url.endsWith('WhoAmI')) return ok({ UserId: USER, OrganizationId: id(2) });
    if (url.includes('ChangeTrackingEnabled')) {
      return ok({ ChangeTrackingEnabled: true, IsOptimisticConcurrencyEnabled: true });
    }
    if (/\([0-9a-f-]{36}\)/.test(url)) return ok(row(request));
    return ok({ value: [row(request)], ...(url.includes('/leads') && { '@odata.deltaLink': link(fake) }) });
  };
