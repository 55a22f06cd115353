import { describe, expect, it } from 'vitest';
import { id, startSim, type Answer, type Sim } from './client.js';

const leads = Array.from({ length: 7 }, (_, n) => ({ leadid: id(n + 1), lastname: `L${n + 1}` }));
const tracked = { Prefer: 'odata.track-changes,odata.maxpagesize=3' };
const ids = (answer: Answer): unknown[] => answer.rows.map((row) => row['leadid'] ?? row['id']);
const link = (answer: Answer, name: 'nextLink' | 'deltaLink'): string =>
  String(answer.json[`@odata.${name}`]);

/** Reads a first load or a delta to its end: all rows and the delta link. */
const readAll = async (sim: Sim, path: string): Promise<{ pages: Answer[]; deltaLink: string }> => {
  const pages = [await sim.api('GET', path, undefined, tracked)];
  for (let page = pages[0]; page?.json['@odata.nextLink'] !== undefined; page = pages.at(-1)) {
    pages.push(await sim.api('GET', link(page, 'nextLink'), undefined, tracked));
  }
  const last = pages.at(-1);
  if (last === undefined) throw new Error('no page');
  return { pages, deltaLink: link(last, 'deltaLink') };
};

const load = (sim: Sim): Promise<{ pages: Answer[]; deltaLink: string }> =>
  readAll(sim, 'leads?$select=lastname');

describe('Change tracking', () => {
  it('loads all rows once and gives the delta link on the last page alone', async () => {
    const sim = await startSim({ leads });
    const { pages, deltaLink } = await load(sim);
    expect(pages.flatMap(ids)).toEqual(leads.map(({ leadid }) => leadid));
    expect(pages.map((page) => page.json['@odata.deltaLink'] === undefined)).toEqual([true, true, false]);
    expect(pages[0]?.headers.get('preference-applied')).toBe('odata.track-changes,odata.maxpagesize=3');
    expect(deltaLink).toMatch(
      /leads\?\$select=lastname&\$deltatoken=\d+%21\d\d%2f\d\d%2f\d{4}%20\d\d%3a\d\d%3a\d\d$/,
    );
  });

  it('brings nothing but a new link when nothing changed', async () => {
    const sim = await startSim({ leads });
    const answer = await sim.api('GET', (await load(sim)).deltaLink);
    expect(answer.rows).toEqual([]);
    expect(answer.json['@odata.context']).toMatch(/#leads\(lastname\)\/\$delta$/);
    expect(link(answer, 'deltaLink')).toContain('$deltatoken=');
  });

  it('brings each changed row once in version order, then deletions without their key column', async () => {
    const sim = await startSim({ leads });
    const { deltaLink } = await load(sim);
    await sim.admin('PATCH', `/rows/leads/${id(5)}`, { lastname: 'first' });
    await sim.admin('DELETE', `/rows/leads/${id(1)}`);
    await sim.admin('POST', '/rows/leads', { input: [{ leadid: id(90), lastname: 'new' }] });
    await sim.admin('PATCH', `/rows/leads/${id(3)}`, { lastname: 'second' });
    await sim.admin('PATCH', `/rows/leads/${id(5)}`, { lastname: 'again' });
    const answer = await sim.api('GET', deltaLink);
    expect(ids(answer)).toEqual([id(90), id(3), id(5), id(1)]);
    expect(answer.rows[2]).toMatchObject({ lastname: 'again' });
    expect(answer.rows[3]).toEqual({
      '@odata.context': `${sim.origin}/api/data/v9.2/$metadata#leads/$deletedEntity`,
      id: id(1),
      reason: 'deleted',
    });
  });

  it('brings back our own writes, and changes of columns that are not selected', async () => {
    const sim = await startSim({ leads });
    const { deltaLink } = await load(sim);
    await sim.api('PATCH', `leads(${id(2)})`, { jobtitle: 'CTO' }, { 'If-Match': '*' });
    expect(ids(await sim.api('GET', deltaLink))).toEqual([id(2)]);
  });

  it('tells of a row that came and went between two reads as deleted', async () => {
    const sim = await startSim({ leads });
    const { deltaLink } = await load(sim);
    await sim.admin('POST', '/rows/leads', { input: [{ leadid: id(77), lastname: 'brief' }] });
    await sim.admin('DELETE', `/rows/leads/${id(77)}`);
    expect((await sim.api('GET', deltaLink)).rows).toMatchObject([{ id: id(77), reason: 'deleted' }]);
  });

  it('pages a delta, counts it, and loses nothing that changes meanwhile', async () => {
    const sim = await startSim({ leads });
    const { deltaLink } = await load(sim);
    for (const n of [1, 2, 3, 4]) await sim.admin('PATCH', `/rows/leads/${id(n)}`, { lastname: 'x' });
    await sim.admin('DELETE', `/rows/leads/${id(7)}`);
    const token = deltaLink.slice(deltaLink.indexOf('$deltatoken'));
    expect((await sim.api('GET', `leads/$count?${token}`)).text).toBe('5');
    const first = await sim.api('GET', deltaLink, undefined, { Prefer: 'odata.maxpagesize=3' });
    expect(first.json['@odata.deltaLink']).toBeUndefined();
    await sim.admin('PATCH', `/rows/leads/${id(4)}`, { lastname: 'moved' });
    const second = await sim.api('GET', link(first, 'nextLink'), undefined, {
      Prefer: 'odata.maxpagesize=3',
    });
    const third = await sim.api('GET', link(second, 'deltaLink'));
    expect([first, second, third].map(ids)).toEqual([[id(1), id(2), id(3)], [id(7)], [id(4)]]);
  });

  it('reports what changed during the first load in the first delta', async () => {
    const sim = await startSim({ leads });
    const first = await sim.api('GET', 'leads?$select=lastname', undefined, tracked);
    await sim.admin('PATCH', `/rows/leads/${id(1)}`, { lastname: 'meanwhile' });
    const { deltaLink } = await readAll(sim, link(first, 'nextLink'));
    expect(ids(await sim.api('GET', deltaLink))).toEqual([id(1)]);
  });

  it('loses it when the token stands for the last page', async () => {
    const sim = await startSim({ leads });
    await sim.admin('PATCH', '/settings', { initialToken: 'lastPage' });
    const first = await sim.api('GET', 'leads?$select=lastname', undefined, tracked);
    await sim.admin('PATCH', `/rows/leads/${id(1)}`, { lastname: 'meanwhile' });
    const { deltaLink } = await readAll(sim, link(first, 'nextLink'));
    expect((await sim.api('GET', deltaLink)).rows).toEqual([]);
  });

  it.each(['$filter=statecode eq 0', '$orderby=lastname asc', '$top=5', '$expand=ownerid'])(
    'refuses %s',
    async (option) => {
      const sim = await startSim({ leads });
      const answer = await sim.api('GET', `leads?${option}`, undefined, tracked);
      const name = /\$(\w+)/.exec(option)?.[1] ?? '';
      expect(answer.status).toBe(400);
      expect(answer.message).toBe(
        `The "${name}" query parameter isn't supported when Change Tracking is enabled.`,
      );
    },
  );

  it('refuses tokens older than the retention', async () => {
    let now = Date.parse('2026-03-01T12:00:00Z');
    const sim = await startSim({ leads, now: () => now });
    await sim.admin('PATCH', '/settings', { tokenSeconds: 30 * 86_400 });
    const { deltaLink } = await load(sim);
    now += 6.9 * 86_400_000;
    expect((await sim.api('GET', deltaLink)).status).toBe(200);
    now += 0.2 * 86_400_000;
    expect(await sim.api('GET', deltaLink)).toMatchObject({ status: 400, code: '0x80044352' });
  });

  it('refuses all tokens so far once an administrator expires them, and gives working new ones', async () => {
    const sim = await startSim({ leads });
    const { deltaLink } = await load(sim);
    await sim.admin('POST', '/delta/expire');
    expect(await sim.api('GET', deltaLink)).toMatchObject({ status: 400, code: '0x80044352' });
    expect((await sim.api('GET', (await load(sim)).deltaLink)).status).toBe(200);
  });

  it('can let a change of the schema expire tokens', async () => {
    const sim = await startSim({ leads });
    await sim.admin('PATCH', '/settings', { schemaChangeExpiresDelta: true });
    const { deltaLink } = await load(sim);
    await sim.admin('PATCH', '/columns/lead/new_score', { removed: true });
    expect((await sim.api('GET', deltaLink)).code).toBe('0x80044352');
  });

  it('refuses a token that it never gave', async () => {
    const sim = await startSim();
    expect((await sim.api('GET', 'leads?$deltatoken=abc')).status).toBe(400);
    expect((await sim.api('GET', 'leads?$skiptoken=abc')).status).toBe(400);
  });

  it('needs read over the whole organization', async () => {
    const sim = await startSim({ leads });
    await sim.admin('PATCH', '/privileges', { lead: { read: 'Local' } });
    const answer = await sim.api('GET', 'leads', undefined, tracked);
    expect(answer.status).toBe(403);
    expect(answer.message).toMatch(/^SecLib::CheckPrivilege failed\. User: .*Required Depth: Global/);
    expect((await sim.api('GET', 'leads?$select=lastname')).status).toBe(200);
  });

  it('can give the same token again while nothing changed', async () => {
    let now = Date.parse('2026-03-01T12:00:00Z');
    const sim = await startSim({ leads, now: () => now });
    const { deltaLink } = await load(sim);
    now += 60_000;
    expect((await readAll(sim, deltaLink)).deltaLink).not.toBe(deltaLink);
    await sim.admin('PATCH', '/settings', { unchangedDeltaToken: 'same' });
    expect((await readAll(sim, deltaLink)).deltaLink).toBe(deltaLink);
    await sim.admin('PATCH', `/rows/leads/${id(1)}`, { jobtitle: 'x' });
    expect((await readAll(sim, deltaLink)).deltaLink).not.toBe(deltaLink);
  });

  it('may be off for a table, which metadata tells too', async () => {
    const sim = await startSim({ leads });
    const { deltaLink } = await load(sim);
    await sim.admin('PATCH', '/settings', { untrackedTables: ['lead'] });
    for (const path of ['leads?$select=lastname', deltaLink]) {
      const answer = await sim.api('GET', path, undefined, tracked);
      expect(answer).toMatchObject({ status: 400, code: '0x80072491' });
      expect(answer.message).toBe("Entity lead isn't enabled for change tracking.");
    }
    const select = '?$select=ChangeTrackingEnabled';
    const lead = await sim.api('GET', `EntityDefinitions(LogicalName='lead')${select}`);
    const contact = await sim.api('GET', `EntityDefinitions(LogicalName='contact')${select}`);
    expect([lead, contact].map(({ json }) => json['ChangeTrackingEnabled'])).toEqual([false, true]);
  });

  it('can refuse an expired token with 410', async () => {
    const sim = await startSim({ leads });
    const { deltaLink } = await load(sim);
    await sim.admin('PATCH', '/settings', { expiredDeltaStatus: 410 });
    await sim.admin('POST', '/delta/expire');
    expect(await sim.api('GET', deltaLink)).toMatchObject({ status: 410, code: '0x80044352' });
  });
});
