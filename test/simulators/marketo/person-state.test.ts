import { expect, onTestFinished, test } from 'vitest';
import {
  startMarketoSimulator,
  type MarketoSimulator,
  type MarketoState,
} from '../../../simulators/marketo/index.js';
import { answered, type Row } from './client.js';

async function running(state?: MarketoState): Promise<MarketoSimulator> {
  const persons = ['a@x.io', 'b@x.io', 'c@x.io'].map((email) => ({ email }));
  const simulator = await startMarketoSimulator(state ? { state } : { persons });
  onTestFinished(() => simulator.close());
  return simulator;
}

async function caller({ origin, environment }: MarketoSimulator) {
  const send = async (path: string, headers: Record<string, string>, body?: unknown) => {
    const init =
      body === undefined
        ? { headers }
        : {
            method: 'POST',
            headers: { ...headers, 'content-type': 'application/json' },
            body: JSON.stringify(body),
          };
    return answered(await fetch(`${origin}${path}`, init));
  };
  const query = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: environment['MARKETO_CLIENT_ID'] ?? '',
    client_secret: environment['MARKETO_CLIENT_SECRET'] ?? '',
  });
  const token = await send(`/identity/oauth/token?${query.toString()}`, {});
  const headers = { authorization: `Bearer ${String(token.envelope['access_token'])}` };
  return {
    rest: (path: string, body?: unknown) => send(`/rest/v1${path}`, headers, body),
    admin: (path: string, body?: unknown) => send(`/admin${path}`, {}, body),
  };
}

const COOKIE = 'token:_mch-example.com-1';

/** What a caller sees of everything around persons. */
async function seen({ rest, admin }: Awaited<ReturnType<typeof caller>>): Promise<Row> {
  return {
    person: (await admin('/persons/1001')).envelope,
    place: (await rest('/lead/1001.json?fields=place,company,leadPartitionId')).result,
    partitions: (await rest('/leads/partitions.json')).result,
    companies: (await rest('/companies.json?filterType=id&filterValues=1,2')).result,
    salesPersons: (await rest('/salespersons.json?filterType=id&filterValues=1')).result,
    cookie: (await rest(`/leads.json?filterType=cookies&filterValues=${COOKIE}`)).result,
    log: (await admin('/activities')).envelope,
    services: (await admin('/services')).envelope,
    settings: (await admin('/settings')).envelope,
  };
}

test('a change without a trace makes another revision, so that a kept state holds it', async () => {
  const simulator = await running();
  const path = `${simulator.origin}/admin/beneath/persons/1001`;
  const headers = { 'content-type': 'application/json' };
  const before = simulator.revision();
  await fetch(path, { method: 'PATCH', headers, body: JSON.stringify({ city: 'Oslo' }) });
  const edited = simulator.revision();
  await fetch(path, { method: 'DELETE' });
  expect(new Set([before, edited, simulator.revision()]).size).toBe(3);
});

test('a later run goes on with everything around persons, and every change makes another revision', async () => {
  const first = await running();
  const { rest, admin } = await caller(first);
  const revisions = [first.revision()];
  const steps: readonly (() => Promise<unknown>)[] = [
    () => admin('/partitions', { name: 'EU' }),
    () => rest('/leads/partitions.json', { input: [{ id: 1001, partitionName: 'EU' }] }),
    () =>
      admin('/fields', {
        name: 'place',
        displayName: 'Place',
        dataType: 'formula',
        formula: '{city} {email}',
      }),
    () => rest('/companies.json', { input: [{ externalCompanyId: 'acc', company: 'Acme' }] }),
    () => rest('/companies.json', { input: [{ externalCompanyId: 'acc', company: 'Acme SE' }] }),
    () => rest('/companies.json', { input: [{ externalCompanyId: 'gone' }] }),
    () => rest('/companies/delete.json', { input: [{ externalCompanyId: 'gone' }] }),
    () => rest('/salespersons.json', { input: [{ externalSalesPersonId: 'u1', email: 'u@x.io' }] }),
    () =>
      rest('/leads.json', {
        input: [{ email: 'a@x.io', externalCompanyId: 'acc', externalSalesPersonId: 'u1' }],
      }),
    () => rest(`/leads/1002/associate.json?cookie=${COOKIE}`, {}),
    () => rest('/leads/1001/merge.json?leadIds=1002', {}),
    () => admin('/services', { clientId: 'other', clientSecret: 'x', permissions: ['Read-Only Lead'] }),
  ];
  for (const step of steps) {
    await step();
    revisions.push(first.revision());
  }
  expect(new Set(revisions).size).toBe(steps.length + 1);
  const before = await seen(await caller(first));
  expect(before).toMatchObject({
    place: [{ id: 1001, place: 'a@x.io', company: 'Acme SE', leadPartitionId: 2 }],
    cookie: [{ id: 1001 }],
  });
  const second = await running(JSON.parse(JSON.stringify(first.state())) as MarketoState);
  const again = await caller(second);
  expect(await seen(again)).toEqual(before);
  expect((await again.rest('/companies.json', { input: [{ externalCompanyId: 'new' }] })).result).toEqual([
    { seq: 0, id: 3, status: 'created' },
  ]);
  expect((await again.rest('/leads.json', { input: [{ email: 'new@x.io' }] })).result).toEqual([
    { id: 1004, status: 'created' },
  ]);
});

test('a state that an earlier version kept is read: without what that version did not know', async () => {
  const state = (await running()).state();
  const known = ['settings', 'fields', 'types', 'nextTypeId', 'nextPersonId', 'persons', 'activities'];
  const old = Object.fromEntries(Object.entries(state).filter(([name]) => known.includes(name)));
  const persons = state.persons.map(({ values, ...person }) => ({
    ...person,
    values: { email: values['email'] },
  }));
  const { scanBlock } = state.settings;
  const later = await running({ ...old, persons, settings: { scanBlock } } as unknown as MarketoState);
  const { rest } = await caller(later);
  const found = await rest('/leads.json?filterType=leadPartitionId&filterValues=1&fields=email');
  expect(found.result.map((row) => row['email'])).toEqual(['a@x.io', 'b@x.io', 'c@x.io']);
  expect((await rest('/leads/partitions.json')).result).toHaveLength(1);
});
