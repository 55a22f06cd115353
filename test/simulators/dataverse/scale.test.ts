import { expect, it } from 'vitest';
import { id, startSim } from './client.js';

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

it('stays quick with 100,000 rows: a delta looks at what changed alone', async () => {
  const contacts = Array.from({ length: 100_000 }, (_, n) => ({ contactid: id(n), lastname: `Person ${n}` }));
  const sim = await startSim({ contacts, limits: 'off' });
  const prefer = { Prefer: 'odata.track-changes,odata.maxpagesize=5000' };
  let page = await sim.api('GET', 'contacts?$select=lastname', undefined, prefer);
  for (
    let next = page.json['@odata.nextLink'];
    typeof next === 'string';
    next = page.json['@odata.nextLink']
  ) {
    page = await sim.api('GET', next, undefined, prefer);
  }
  let link = String(page.json['@odata.deltaLink']);
  const timed = async (path: string): Promise<{ rows: unknown[]; took: number }> => {
    const began = performance.now();
    const answer = await sim.api('GET', path);
    link = typeof answer.json['@odata.deltaLink'] === 'string' ? answer.json['@odata.deltaLink'] : link;
    return { rows: answer.rows.map((row) => row['contactid']), took: performance.now() - began };
  };
  const deltas: number[] = [];
  const walks: number[] = [];
  for (let n = 0; n < 15; n += 1) {
    await sim.api('PATCH', `contacts(${id(n * 7)})`, { jobtitle: 'x' }, { 'If-Match': '*' });
    const delta = await timed(link);
    expect(delta.rows).toEqual([id(n * 7)]);
    deltas.push(delta.took);
    walks.push((await timed("contacts?$select=lastname&$filter=lastname eq 'nobody'")).took);
  }
  expect(median(deltas)).toBeLessThan(median(walks) / 3);
});
