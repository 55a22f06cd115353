import Marketo from 'node-marketo-rest';
import { expect, it } from 'vitest';
import { marketoScene, type Row } from './marketo-scene.js';
import { stepsOf } from './python.js';

const persons = [
  { email: 'winner@x.io', title: 'CTO' },
  { email: 'loser@x.io', title: 'VP', city: 'Bern' },
  { email: 'third@x.io' },
];

it('node-marketo-rest merges persons, and hears of one who is missing', async () => {
  const scene = await marketoScene({ persons });
  const { environment } = scene.simulator;
  await scene.admin('POST', '/lists', { name: 'Newsletter' });
  await scene.admin('POST', '/lists/1501/members', { input: [1002] });
  const { lead, list } = new Marketo({
    endpoint: environment['MARKETO_ENDPOINT'] ?? '',
    identity: environment['MARKETO_IDENTITY'] ?? '',
    clientId: environment['MARKETO_CLIENT_ID'] ?? '',
    clientSecret: environment['MARKETO_CLIENT_SECRET'] ?? '',
  });
  expect((await lead.partitions()).result).toMatchObject([{ id: 1, name: 'Default' }]);
  expect((await lead.mergeLead(1001, [1002, 1003], {})).success).toBe(true);
  expect(await scene.person(1001)).toMatchObject({ email: 'winner@x.io', title: 'CTO', city: 'Bern' });
  await expect(scene.person(1002)).rejects.toThrow('404');
  expect((await list.isMember(1501, [1001])).result).toEqual([{ id: 1001, status: 'memberof' }]);
  expect(await scene.activities('?typeId=32')).toMatchObject([{ leadId: 1001 }]);
  await expect(lead.mergeLead(1001, [1002], {})).rejects.toMatchObject({ errors: [{ code: '1004' }] });
});

it('marketorestpython merges persons and moves them between partitions', async () => {
  const scene = await marketoScene({ persons });
  await scene.admin('POST', '/partitions', { name: 'EU' });
  const environment = { ...scene.simulator.environment, MARKETO_ORIGIN: scene.simulator.origin };
  const steps = await stepsOf('marketorestpython_flow.py', environment, ['merge']);
  const { names, moved, merged, missing } = (steps.get('merge') ?? {}) as Row;
  expect(names).toEqual(['Default', 'EU']);
  expect(moved).toMatchObject([{ id: 1003, status: 'updated' }, { status: 'skipped' }]);
  expect(merged).toBe(true);
  expect(missing).toMatchObject({ text: expect.stringContaining("'code': '1004'") as string });
  expect(await scene.person(1001)).toMatchObject({ title: 'CTO', city: 'Bern' });
  expect(await scene.person(1003)).toMatchObject({ leadPartitionId: 2 });
});
