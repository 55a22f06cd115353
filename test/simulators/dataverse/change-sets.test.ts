import { describe, expect, it } from 'vitest';
import { id, part, startSim, type Sim } from './client.js';

const contacts = [1, 2, 3].map((n) => ({ contactid: id(n), lastname: `N${n}` }));

/** A change set as one part of a batch; each member gets the Content-ID of its place. */
const changeSet = (members: readonly string[]): string => {
  const texts = members.map((text, index) =>
    text.replace('Content-Transfer-Encoding', `Content-ID: ${index + 1}\r\nContent-Transfer-Encoding`),
  );
  const body = texts.map((text) => `--changeset_a\r\n${text}\r\n`).join('');
  return `Content-Type: multipart/mixed; boundary=changeset_a\r\n\r\n${body}--changeset_a--\r\n`;
};

const titles = async (sim: Sim): Promise<unknown[]> =>
  (await sim.api('GET', 'contacts?$select=jobtitle&$orderby=contactid')).rows.map((row) => row['jobtitle']);

const update = (n: number, body: unknown): string =>
  part('PATCH', `contacts(${id(n)})`, body, { 'If-Match': '*' });

describe('Change sets', () => {
  it('take effect together and answer one by one, inside a part of their own', async () => {
    const sim = await startSim({ contacts });
    const answer = await sim.batch([changeSet([update(1, { jobtitle: 'A' }), update(2, { jobtitle: 'B' })])]);
    expect(answer.status).toBe(200);
    expect(answer.text).toMatch(/boundary=changesetresponse_[\s\S]+Content-ID: 1[\s\S]+Content-ID: 2/);
    expect(answer.text.match(/HTTP\/1\.1 204/g)).toHaveLength(2);
    expect(await titles(sim)).toEqual(['A', 'B', null]);
  });

  it('are taken back when one member is refused: rows, deletions, deltas and the journal', async () => {
    const sim = await startSim({ contacts });
    const track = { Prefer: 'odata.track-changes' };
    const load = await sim.api('GET', 'contacts?$select=lastname', undefined, track);
    const etag = (await sim.api('GET', `contacts(${id(1)})`)).headers.get('etag');
    const set = changeSet([
      update(1, { jobtitle: 'A' }),
      part('DELETE', `contacts(${id(2)})`),
      part('POST', 'contacts', { contactid: id(9), lastname: 'New' }),
      update(3, { new_score: -1 }),
    ]);
    const answer = await sim.batch([set, update(3, { jobtitle: 'C' })], {
      Prefer: 'odata.continue-on-error',
    });
    expect(answer.parts.map(({ status, code }) => [status, code])).toEqual([
      [400, '0x8004432f'],
      [204, undefined],
    ]);
    expect(await titles(sim)).toEqual([null, null, 'C']);
    expect((await sim.api('GET', `contacts(${id(1)})`)).headers.get('etag')).toBe(etag);
    const delta = await sim.api('GET', String(load.json['@odata.deltaLink']));
    expect(delta.rows.map((row) => row['contactid'])).toEqual([id(3)]);
    const { writes } = (await sim.admin('GET', '/journal/writes')).json as { writes: { status: number }[] };
    expect(writes.map(({ status }) => status)).toEqual([424, 424, 424, 400, 204]);
    expect((await sim.admin('GET', '/stats')).json).toMatchObject({ contacts: 3, writes: 1 });
  });

  it('stop the batch without continue-on-error', async () => {
    const sim = await startSim({ contacts });
    const answer = await sim.batch([changeSet([update(1, { nothere: 1 })]), update(2, { jobtitle: 'B' })]);
    expect(answer).toMatchObject({ status: 400, parts: [{ status: 400 }] });
    expect(await titles(sim)).toEqual([null, null, null]);
  });

  it('refer to what an earlier member made, in addresses and in bodies', async () => {
    const sim = await startSim({ contacts });
    const inSet = part('PATCH', '$1', { telephone1: '1' }).replace('/api/data/v9.2/$1', '$1');
    const set = changeSet([
      part('POST', 'accounts', { name: 'New' }),
      part('POST', 'contacts', { lastname: 'C', 'parentcustomerid_account@odata.bind': '$1' }),
      inSet,
      part('POST', '$1/contact_customer_accounts/$ref', { '@odata.id': `${sim.origin}/contacts(${id(1)})` }),
    ]);
    const answer = await sim.batch([set]);
    expect(answer.text.match(/HTTP\/1\.1 204/g)).toHaveLength(4);
    const filter = "parentcustomerid_account/name eq 'new' and parentcustomerid_account/telephone1 eq '1'";
    const rows = (await sim.api('GET', `contacts?$select=lastname&$filter=${filter}&$orderby=lastname`)).rows;
    expect(rows.map((row) => row['lastname'])).toEqual(['C', 'N1']);
  });

  it.each([
    [
      'a reference that is not defined',
      [part('PATCH', '$7', { name: 'x' })],
      /'\$7' does not exist in the batch/,
    ],
    ['a GET', [part('GET', 'contacts')], /cannot contain a GET/],
  ])('refuse %s', async (_what, members, message) => {
    const sim = await startSim({ contacts });
    const answer = await sim.batch([changeSet(members)]);
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(message);
  });

  it('need a Content-ID in every member', async () => {
    const sim = await startSim({ contacts });
    const bare = changeSet([update(1, {})]).replace('Content-ID: 1\r\n', '');
    expect(await sim.batch([bare])).toMatchObject({ status: 400, code: '0x80060888' });
  });
});
