import { describe, expect, it } from 'vitest';
import { dataverseScene } from './dataverse-scene.js';
import { runPython, type Step } from './python.js';

const guid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as unknown;

describe("Microsoft's PowerPlatform-Dataverse-Client", () => {
  it('works unchanged', async () => {
    const { environment, admin, row } = await dataverseScene();
    await admin('POST', '/keys', {
      table: 'contact',
      name: 'new_marketostamp_key',
      columns: ['new_marketostamp'],
    });
    const run = runPython('dataverse_python.py', environment);
    /** The next step, which must be this one. */
    const step = async (name: string): Promise<Step> => {
      const next = await run.next();
      expect(next.step, JSON.stringify(next)).toBe(name);
      return next;
    };
    /** What a step tells of a refusal. */
    const refusal = async (name: string): Promise<unknown> => (await step(name))['error'];
    try {
      const created = await step('created');
      expect(created).toMatchObject({
        id: guid,
        read: { fullname: 'Ana Ruiz', jobtitle: 'CTO' },
        updated: { jobtitle: null, department: 'R&D' },
      });
      expect(await row('contacts', String(created['id']))).toMatchObject({ department: 'R&D' });
      run.goOn();
      expect(await step('deleted')).toMatchObject({ after: null });

      const bulk = await step('bulk');
      const ids = bulk['ids'] as string[];
      expect(ids).toHaveLength(5);
      expect(bulk['job']).toEqual(guid);
      expect(await row('contacts', ids[1] ?? '')).toMatchObject({ department: 'Sales', jobtitle: 'B' });
      await expect(row('contacts', ids[4] ?? '')).rejects.toThrow('404');

      expect((await step('pages'))['pages']).toEqual([['Bulk 0', 'Bulk 1'], ['Bulk 2']]);
      expect(await step('built')).toMatchObject({
        rows: [{ lastname: 'Bulk 1' }, { lastname: 'Bulk 0' }],
        label: 'Active',
      });
      expect((await step('top'))['rows']).toEqual(['Bulk 0']);

      const lookups = await step('lookups');
      const company = { name: 'Contoso', accountid: lookups['account'] };
      expect(lookups).toMatchObject({
        bind: { 'parentcustomerid_account@odata.bind': `/accounts(${String(lookups['account'])})` },
        expanded: { parentcustomerid_account: company },
        queried: [{ parentcustomerid_account: company }],
      });
      expect((await step('upserts'))['rows']).toEqual([
        ['M-1', 'One again'],
        ['M-2', 'Two'],
      ]);

      expect(await step('batch')).toMatchObject({
        answers: [
          [204, null],
          [400, '0x80044331'],
          [200, null],
        ],
        ids: [guid],
      });
      const changes = await step('changeset');
      expect(changes['answers']).toEqual([
        [204, '1'],
        [204, '2'],
      ]);
      const [lead = ''] = changes['ids'] as string[];
      expect(await row('leads', lead)).toMatchObject({ jobtitle: 'by reference' });
      expect(await step('rollback')).toMatchObject({ answers: [[400, '0x80044331']], left: 0 });

      expect(await step('tables')).toMatchObject({
        info: { schema_name: 'Lead', logical_name: 'lead', entity_set_name: 'leads' },
        names: expect.arrayContaining(['account', 'contact', 'lead']) as unknown,
        money: ['revenue'],
        maxLength: 100,
        unknown: [null, null],
        parents: expect.arrayContaining(['account', 'campaign', 'contact', 'systemuser']) as unknown,
        keys: [['new_marketostamp_key', ['new_marketostamp'], 'Active']],
      });
      expect((await step('labels'))['values']).toEqual([1, 3]);

      expect(await refusal('tooLong')).toMatchObject({
        type: 'HttpError',
        status: 400,
        code: '0x80044331',
        transient: false,
        requestId: guid,
      });
      expect(await refusal('unknownColumn')).toMatchObject({ status: 400, code: '0x80060888' });
      expect(await refusal('missing')).toMatchObject({ status: 404, code: '0x80040217' });
      expect(await refusal('twice')).toMatchObject({ status: 412, code: '0x80040237' });
      expect(await refusal('noTable')).toMatchObject({ type: 'MetadataError' });
      expect(await refusal('secured')).toMatchObject({ status: 403, code: '0x8004f502' });
      await admin('PATCH', '/privileges', { lead: { create: false } });
      run.goOn();
      expect(await refusal('forbidden')).toMatchObject({ status: 403, code: '0x80040220' });
      await admin('POST', '/faults', { preset: 'throttledRequests', path: '/contacts', retryAfter: 1 });
      run.goOn();
      expect(await step('throttled')).toMatchObject({
        error: { status: 429, code: '0x80072322', transient: true, retryAfter: 1 },
        id: guid,
      });
      await admin('POST', '/tokens/expire');
      run.goOn();
      expect(await step('expired')).toMatchObject({ rows: 3 });
      await step('end');
      await run.ended();
    } finally {
      run.stop();
    }
  });

  it.each(['secret', 'certificate'])('signs in with azure-identity by a %s, over discovery', async (kind) => {
    const { environment, admin } = await dataverseScene();
    const run = runPython('azure_identity.py', { ...environment, CREDENTIAL: kind });
    try {
      expect(await run.next()).toMatchObject({ step: 'signedIn', fullname: 'Ana Ruiz' });
      await run.ended();
    } finally {
      run.stop();
    }
    const summary = await admin('GET', '/journal/summary');
    expect(Object.keys(summary).join()).toContain('/.well-known/openid-configuration');
  });
});
