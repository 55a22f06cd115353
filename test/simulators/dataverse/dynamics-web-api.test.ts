import { DynamicsWebApi } from 'dynamics-web-api';
import { describe, expect, it } from 'vitest';
import { id, signIn, startSim, type Sim } from './client.js';
import type { DataverseSimulatorOptions } from '../../../simulators/dataverse/index.js';

type Row = Record<string, unknown>;

const contacts = [1, 2, 3, 4, 5].map((n) => ({
  contactid: id(n),
  firstname: `F${n}`,
  lastname: `L${n}`,
  emailaddress1: `p${n}@example.com`,
  statecode: n === 5 ? 1 : 0,
}));
const accounts = [
  { accountid: id(100), name: 'Contoso' },
  { accountid: id(101), name: 'Fabrikam' },
];

/** The public client, as it is published, signed in at a simulator. */
const start = async (options: DataverseSimulatorOptions = {}): Promise<{ sim: Sim; web: DynamicsWebApi }> => {
  const sim = await startSim({ contacts, accounts, ...options });
  const token = String((await signIn(sim)).json['access_token']);
  const web = new DynamicsWebApi({
    serverUrl: sim.origin,
    dataApi: { version: '9.2' },
    onTokenRefresh: () => Promise.resolve(token),
  });
  return { sim, web };
};

/** What the client throws for a refusal; the envelope of a batch part keeps its `error` object. */
const refusal = async (work: Promise<unknown>): Promise<{ status: unknown; code: unknown }> => {
  try {
    await work;
  } catch (error) {
    const [one] = [error].flat() as (Row & { error?: Row })[];
    return { status: one?.['status'], code: one?.['code'] ?? one?.error?.['code'] };
  }
  throw new Error('The call was not refused.');
};

describe('dynamics-web-api, the public client, unchanged', () => {
  it('creates, reads, updates and deletes rows', async () => {
    const { web } = await start();
    const made = await web.create<Row, unknown>({
      collection: 'contacts',
      data: { lastname: 'Ruiz', 'parentcustomerid_account@odata.bind': `/accounts(${id(100)})` },
    });
    expect(made).toMatch(/^[0-9a-f-]{36}$/);
    const whole = await web.create<Row>({
      collection: 'leads',
      data: { lastname: 'Sato', subject: 'Ärger & 李' },
      returnRepresentation: true,
      select: ['fullname', 'subject'],
    });
    expect(whole).toMatchObject({ fullname: 'Sato', subject: 'Ärger & 李' });
    await web.update({ collection: 'contacts', key: String(made), data: { jobtitle: 'CTO' } });
    await web.updateSingleProperty({
      collection: 'contacts',
      key: String(made),
      fieldValuePair: { department: 'R&D' },
    });
    const read = await web.retrieve<Row>({
      collection: 'contacts',
      key: String(made),
      select: ['jobtitle', 'department', '_parentcustomerid_value'],
      expand: [{ property: 'parentcustomerid_account', select: ['name'] }],
      includeAnnotations: '*',
    });
    expect(read).toMatchObject({
      jobtitle: 'CTO',
      department: 'R&D',
      '_parentcustomerid_value@OData.Community.Display.V1.FormattedValue': 'Contoso',
      '_parentcustomerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty':
        'parentcustomerid_account',
      parentcustomerid_account: { name: 'Contoso', accountid: id(100) },
    });
    await web.deleteRecord({ collection: 'contacts', key: String(made), property: 'department' });
    const after = await web.retrieve<Row>({
      collection: 'contacts',
      key: String(made),
      select: ['department'],
    });
    expect(after).toMatchObject({ department: null });
    await web.deleteRecord({ collection: 'contacts', key: String(made) });
    expect(await refusal(web.retrieve({ collection: 'contacts', key: String(made) }))).toMatchObject({
      status: 404,
      code: '0x80040217',
    });
  });

  it('tells a create from an update when it upserts, and keeps to ifmatch and ifnonematch', async () => {
    const { web } = await start();
    const upsert = (n: number, extra: Row = {}): Promise<unknown> =>
      web.upsert({ collection: 'contacts', key: id(n), data: { jobtitle: 'CEO' }, ...extra });
    expect(await upsert(50, { ifnonematch: '*' })).toBe(id(50));
    // The client takes the 412 of If-None-Match and the 404 of If-Match for "nothing done".
    expect(await upsert(50, { ifnonematch: '*' })).toBeNull();
    expect(await upsert(51, { ifmatch: '*' })).toBeNull();
    expect(await upsert(50, { returnRepresentation: true })).toMatchObject({ jobtitle: 'CEO' });
    const { '@odata.etag': etag } = await web.retrieve<Row>({ collection: 'contacts', key: id(1) });
    const update = (): Promise<unknown> =>
      web.update({ collection: 'contacts', key: id(1), data: { jobtitle: 'x' }, ifmatch: String(etag) });
    expect(await update()).toBe(true);
    expect(await update()).toBe(false);
    expect(await web.deleteRecord({ collection: 'contacts', key: id(1), ifmatch: String(etag) })).toBe(false);
  });

  it('filters, sorts, counts and pages', async () => {
    const { web } = await start();
    const some = await web.retrieveMultiple<Row>({
      collection: 'contacts',
      select: ['lastname'],
      filter: "statecode eq 0 and not (lastname eq 'l1') and contains(emailaddress1,'@example')",
      orderBy: ['lastname desc'],
      count: true,
    });
    expect(some.value.map((row) => row['lastname'])).toEqual(['L4', 'L3', 'L2']);
    expect(some.oDataCount).toBe(3);
    expect((await web.retrieveMultiple({ collection: 'contacts', top: 2 })).value).toHaveLength(2);
    const first = await web.retrieveMultiple<Row>({ collection: 'contacts', maxPageSize: 2 });
    const second = await web.retrieveMultiple<Row>(
      { collection: 'contacts', maxPageSize: 2 },
      first.oDataNextLink,
    );
    expect([...first.value, ...second.value].map((row) => row['contactid'])).toEqual([1, 2, 3, 4].map(id));
    const all = await web.retrieveAll<Row>({ collection: 'contacts', maxPageSize: 2, select: ['lastname'] });
    expect(all.value).toHaveLength(5);
    expect(await web.count({ collection: 'contacts' })).toBe(5);
    expect(await web.count({ collection: 'contacts', filter: 'statecode eq 1' })).toBe(1);
    expect(await web.countAll({ collection: 'contacts', filter: "lastname ne 'L1'" })).toBe(4);
  });

  it('links rows from both ends and reads along the links', async () => {
    const { web } = await start();
    const account = { primaryCollection: 'accounts', primaryKey: id(100) };
    const collection = 'contact_customer_accounts';
    const relate = (n: number): Promise<unknown> =>
      web.associate({
        collection: 'accounts',
        primaryKey: account.primaryKey,
        relationshipName: collection,
        relatedCollection: 'contacts',
        relatedKey: id(n),
      });
    await relate(1);
    await relate(2);
    await web.associateSingleValued({
      collection: 'contacts',
      primaryKey: id(3),
      navigationProperty: 'parentcustomerid_account',
      relatedCollection: 'accounts',
      relatedKey: id(100),
    });
    const children = async (): Promise<unknown[]> => {
      const row = await web.retrieve<Row>({
        collection: 'accounts',
        key: id(100),
        select: ['name'],
        expand: [{ property: collection, select: ['lastname'], filter: "lastname ne 'L9'" }],
      });
      return (row[collection] as Row[]).map((child) => child['lastname']);
    };
    expect(await children()).toEqual(['L1', 'L2', 'L3']);
    const filter = "contact_customer_accounts/any(c:c/lastname eq 'L2')";
    const found = await web.retrieveMultiple<Row>({ collection: 'accounts', select: ['name'], filter });
    expect(found.value.map((row) => row['name'])).toEqual(['Contoso']);
    const disassociation = { collection: 'accounts', primaryKey: id(100), relationshipName: collection };
    await web.disassociate({ ...disassociation, relatedKey: id(1) });
    await web.disassociateSingleValued({
      collection: 'contacts',
      primaryKey: id(3),
      navigationProperty: 'parentcustomerid_account',
    });
    expect(await children()).toEqual(['L2']);
  });

  it('addresses rows by an alternate key', async () => {
    const { sim, web } = await start();
    const key = { table: 'contact', name: 'new_marketostamp_key', columns: ['new_marketostamp'] };
    await sim.admin('POST', '/keys', key);
    const byKey = "new_marketostamp='a/b''c'";
    await web.upsert({ collection: 'contacts', key: byKey, data: { lastname: 'Keyed' } });
    expect(await web.retrieve<Row>({ collection: 'contacts', key: byKey })).toMatchObject({
      lastname: 'Keyed',
      new_marketostamp: "a/b'c",
    });
    expect(
      await refusal(web.retrieve({ collection: 'contacts', key: "new_marketostamp='no'" })),
    ).toMatchObject({
      status: 404,
      code: '0x80060891',
    });
  });

  it('runs batches, with change sets and references inside', async () => {
    const { web } = await start();
    web.startBatch();
    void web.create({ collection: 'accounts', data: { name: 'New' }, contentId: '1', inChangeSet: true });
    void web.create({
      collection: 'contacts',
      data: { lastname: 'Child', 'parentcustomerid_account@odata.bind': '$1' },
      inChangeSet: true,
    });
    void web.update({ collection: 'contacts', key: id(1), data: { jobtitle: 'CTO' }, inChangeSet: true });
    void web.retrieveMultiple({ collection: 'contacts', filter: "lastname eq 'Child'" });
    void web.count({ collection: 'accounts' });
    const [account, child, updated, read, count] = (await web.executeBatch()) as unknown[];
    expect(account).toMatch(/^[0-9a-f-]{36}$/);
    expect(child).toMatch(/^[0-9a-f-]{36}$/);
    expect(updated).toBe(true);
    expect((read as { value: Row[] }).value).toMatchObject([{ _parentcustomerid_value: account }]);
    expect(count).toBe(3);
  });

  it('takes a failed change set back as a whole', async () => {
    const { web } = await start();
    web.startBatch();
    void web.create({ collection: 'accounts', data: { name: 'Gone' }, inChangeSet: true });
    void web.update({ collection: 'contacts', key: id(1), data: { new_score: -1 }, inChangeSet: true });
    expect(await refusal(web.executeBatch())).toMatchObject({ status: 400, code: '0x8004432f' });
    expect(await web.count({ collection: 'accounts' })).toBe(2);
  });

  it('calls functions and actions', async () => {
    const leads = [{ leadid: id(8), lastname: 'Lee', companyname: 'Adatum' }];
    const { web } = await start({ leads });
    const me = await web.callFunction<{ UserId: string }>('WhoAmI');
    expect(me.UserId).toMatch(/^[0-9a-f-]{36}$/);
    const qualified = await web.callAction<{ value: Row[] }>({
      collection: 'leads',
      key: id(8),
      actionName: 'Microsoft.Dynamics.CRM.QualifyLead',
      action: { CreateAccount: true, CreateContact: true, CreateOpportunity: false, Status: 3 },
    });
    expect(qualified.value.map((row) => row['@odata.type'])).toEqual([
      '#Microsoft.Dynamics.CRM.account',
      '#Microsoft.Dynamics.CRM.contact',
    ]);
    await web.callAction({
      actionName: 'Merge',
      action: {
        Target: { '@odata.type': 'Microsoft.Dynamics.CRM.contact', contactid: id(1) },
        Subordinate: { '@odata.type': 'Microsoft.Dynamics.CRM.contact', contactid: id(2) },
        PerformParentingChecks: false,
      },
    });
    expect(await web.retrieve<Row>({ collection: 'contacts', key: id(2) })).toMatchObject({
      merged: true,
      _masterid_value: id(1),
      statecode: 1,
    });
  });

  it('follows changes by delta links', async () => {
    const { sim, web } = await start();
    const request = { collection: 'contacts', select: ['lastname'], trackChanges: true };
    const load = await web.retrieveMultiple<Row>(request);
    expect(load.value).toHaveLength(5);
    await sim.admin('PATCH', `/rows/contacts/${id(1)}`, { lastname: 'Changed' });
    await sim.admin('DELETE', `/rows/contacts/${id(2)}`);
    const delta = await web.retrieveMultiple<Row>({ collection: 'contacts' }, load.oDataDeltaLink);
    expect(delta.value).toMatchObject([{ lastname: 'Changed' }, { id: id(2), reason: 'deleted' }]);
    expect(delta.oDataDeltaLink).toContain('$deltatoken=');
  });

  it('finds duplicates when it asks for them', async () => {
    const { web } = await start();
    const data = { lastname: 'Twin', emailaddress1: 'P1@example.com' };
    const asked = { collection: 'contacts', data, duplicateDetection: true };
    expect(await refusal(web.create(asked))).toMatchObject({ status: 412, code: '0x80040333' });
    expect(await web.create({ collection: 'contacts', data })).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('reads the definitions of tables and columns', async () => {
    const { web } = await start();
    const tables = await web.retrieveEntities<Row>({ select: ['LogicalName', 'EntitySetName'] });
    expect(tables.value.map((row) => row['EntitySetName'])).toEqual(
      expect.arrayContaining(['leads', 'contacts', 'accounts', 'opportunities']),
    );
    const columns = await web.retrieveAttributes<Row>({
      entityKey: "LogicalName='account'",
      castType: 'Microsoft.Dynamics.CRM.StringAttributeMetadata',
      select: ['LogicalName', 'MaxLength'],
      filter: "LogicalName eq 'name'",
    });
    expect(columns.value).toMatchObject([{ LogicalName: 'name', MaxLength: 160 }]);
  });

  it('acts as another user, and hears how long to wait when it is too fast', async () => {
    const { sim, web } = await start();
    const users = await sim.api('GET', "systemusers?$filter=fullname eq 'Maya Lindqvist'");
    const maya = String(users.rows[0]?.['systemuserid']);
    const asMaya = { collection: 'contacts', key: id(1), data: { jobtitle: 'x' }, impersonate: maya };
    expect(await refusal(web.update(asMaya))).toMatchObject({ status: 403, code: '0x8004a110' });
    await sim.admin('PATCH', '/settings', { withheldPrivileges: [] });
    await web.update(asMaya);
    expect(await web.retrieve<Row>({ collection: 'contacts', key: id(1) })).toMatchObject({
      _modifiedby_value: maya,
    });
    await sim.admin('PATCH', '/settings', { requestsPerWindow: 1 });
    const limited: unknown = await web
      .retrieve({ collection: 'contacts', key: id(1) })
      .catch((error: unknown) => error);
    expect(limited).toMatchObject({ status: 429, code: '0x80072322' });
    expect((limited as { headers: Row }).headers['retry-after']).toMatch(/^\d+$/);
  });
});
