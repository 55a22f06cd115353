import { describe, expect, it } from 'vitest';
import { startSim } from './client.js';

const cast = (table: string, type: string, rest: string): string =>
  `EntityDefinitions(LogicalName='${table}')/Attributes/Microsoft.Dynamics.CRM.${type}AttributeMetadata?${rest}`;

describe('Metadata', () => {
  it('describes a table', async () => {
    const sim = await startSim();
    const { json } = await sim.api(
      'GET',
      "EntityDefinitions(LogicalName='contact')?$select=LogicalName,EntitySetName,PrimaryIdAttribute,ObjectTypeCode,ChangeTrackingEnabled,IsOptimisticConcurrencyEnabled",
    );
    expect(json).toMatchObject({
      LogicalName: 'contact',
      EntitySetName: 'contacts',
      PrimaryIdAttribute: 'contactid',
      ObjectTypeCode: 2,
      ChangeTrackingEnabled: true,
      IsOptimisticConcurrencyEnabled: true,
    });
    expect((await sim.api('GET', "EntityDefinitions(LogicalName='nothere')")).status).toBe(404);
  });

  it('lists columns with what may be done with them', async () => {
    const sim = await startSim();
    const select =
      'LogicalName,SchemaName,AttributeType,AttributeTypeName,IsValidForRead,IsValidForCreate,IsValidForUpdate,IsSecured,IsPrimaryId,RequiredLevel,AttributeOf,MetadataId';
    const { rows } = await sim.api(
      'GET',
      `EntityDefinitions(LogicalName='lead')/Attributes?$select=${select}`,
    );
    const named = (name: string): unknown => rows.find((row) => row['LogicalName'] === name);
    expect(named('emailaddress1')).toMatchObject({
      '@odata.type': '#Microsoft.Dynamics.CRM.StringAttributeMetadata',
      SchemaName: 'EMailAddress1',
      AttributeType: 'String',
      AttributeTypeName: { Value: 'StringType' },
      IsValidForUpdate: true,
      IsSecured: false,
    });
    expect(named('fullname')).toMatchObject({ IsValidForCreate: false, IsValidForUpdate: false });
    expect(named('leadid')).toMatchObject({ IsPrimaryId: true, AttributeType: 'Uniqueidentifier' });
    expect(named('new_creditrating')).toMatchObject({ IsSecured: true });
    expect(named('owneridname')).toMatchObject({ AttributeOf: 'ownerid' });
    expect(named('statecode')).toMatchObject({ IsValidForCreate: false, IsValidForUpdate: true });
  });

  it('has one metadata id for each column of each table, the same in every run', async () => {
    const [one, two] = [await startSim(), await startSim()];
    const list = "EntityDefinitions(LogicalName='lead')/Attributes?$select=LogicalName";
    const leadIds = (await one.api('GET', list)).rows.map((row) => row['MetadataId']);
    const contactIds = (await one.api('GET', list.replace('lead', 'contact'))).rows.map(
      (row) => row['MetadataId'],
    );
    expect(new Set([...leadIds, ...contactIds]).size).toBe(leadIds.length + contactIds.length);
    expect((await two.api('GET', list)).rows.map((row) => row['MetadataId'])).toEqual(leadIds);
  });

  it.each([
    [
      'String',
      'LogicalName,MaxLength,FormatName',
      'mobilephone',
      { MaxLength: 20, FormatName: { Value: 'Phone' } },
    ],
    ['Memo', 'LogicalName,MaxLength', 'description', { MaxLength: 2000 }],
    ['Integer', 'LogicalName,MinValue,MaxValue', 'new_score', { MinValue: 0, MaxValue: 1000 }],
    ['Decimal', 'LogicalName,Precision', 'exchangerate', { Precision: 12 }],
    ['Double', 'LogicalName,MinValue', 'address1_latitude', { MinValue: -90 }],
    ['Money', 'LogicalName,MaxValue,Precision', 'revenue', { MaxValue: 1e14, Precision: 2 }],
    [
      'DateTime',
      'LogicalName,Format,DateTimeBehavior',
      'estimatedclosedate',
      { DateTimeBehavior: { Value: 'DateOnly' } },
    ],
    ['Lookup', 'LogicalName,Targets', 'customerid', { Targets: ['account', 'contact'] }],
  ])('tells the rules of %s columns', async (type, select, name, expected) => {
    const sim = await startSim();
    const { rows } = await sim.api('GET', cast('lead', type, `$select=${select}`));
    expect(rows.find((row) => row['LogicalName'] === name)).toMatchObject(expected);
  });

  it.each([
    ['Picklist', 'leadqualitycode', ['Hot', 'Warm', 'Cold']],
    [
      'MultiSelectPicklist',
      'new_interests',
      ['Data Platform', 'Analytics', 'Automation', 'Security', 'Training'],
    ],
    ['State', 'statecode', ['Open', 'Qualified', 'Disqualified']],
  ])('lists the options of %s columns', async (type, name, labels) => {
    const sim = await startSim();
    const answer = await sim.api(
      'GET',
      cast('lead', type, '$select=LogicalName&$expand=OptionSet,GlobalOptionSet'),
    );
    const found = answer.rows.find((row) => row['LogicalName'] === name);
    expect(found).toMatchObject({
      OptionSet: { Options: labels.map((Label) => ({ Label: { UserLocalizedLabel: { Label } } })) },
    });
  });

  it('tells the state of each status and the two labels of a boolean', async () => {
    const sim = await startSim();
    const status = await sim.api('GET', cast('lead', 'Status', '$select=LogicalName&$expand=OptionSet'));
    expect(JSON.stringify(status.rows)).toContain('"Value":3,"State":1');
    const flags = await sim.api('GET', cast('lead', 'Boolean', '$select=LogicalName&$expand=OptionSet'));
    expect(flags.rows.find((row) => row['LogicalName'] === 'donotbulkemail')).toMatchObject({
      OptionSet: {
        FalseOption: { Value: 0, Label: { UserLocalizedLabel: { Label: 'Allow' } } },
        TrueOption: { Value: 1, Label: { UserLocalizedLabel: { Label: 'Do Not Allow' } } },
      },
    });
  });

  it('knows typed properties only in casts, and option sets only where there are options', async () => {
    const sim = await startSim();
    const plain = await sim.api('GET', "EntityDefinitions(LogicalName='lead')/Attributes?$select=MaxLength");
    expect(plain).toMatchObject({ status: 400, code: '0x80060888' });
    expect((await sim.api('GET', cast('lead', 'String', '$expand=OptionSet'))).status).toBe(400);
    expect((await sim.api('GET', cast('lead', 'Enum', ''))).status).toBe(404);
  });

  it('filters columns by type and finds one by name', async () => {
    const sim = await startSim();
    const filter = encodeURIComponent("AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Money'");
    const money = await sim.api(
      'GET',
      `EntityDefinitions(LogicalName='lead')/Attributes?$select=LogicalName&$filter=${filter}`,
    );
    expect(money.rows.map((row) => row['LogicalName'])).toEqual(['revenue']);
    const one = await sim.api(
      'GET',
      "EntityDefinitions(LogicalName='lead')/Attributes(LogicalName='subject')",
    );
    expect(one.json).toMatchObject({ MaxLength: 300, RequiredLevel: { Value: 'ApplicationRequired' } });
  });

  it('shows columns as an administrator changes them, and forgets removed ones everywhere', async () => {
    const sim = await startSim({ leads: [{ lastname: 'L', new_score: 5 }] });
    await sim.admin('PATCH', '/columns/leads/new_score', { removed: true });
    const list = await sim.api('GET', "EntityDefinitions(LogicalName='lead')/Attributes?$select=LogicalName");
    expect(list.rows.map((row) => row['LogicalName'])).not.toContain('new_score');
    expect((await sim.api('GET', 'leads?$select=new_score')).code).toBe('0x80060888');
    expect((await sim.api('POST', 'leads', { new_score: 1 })).code).toBe('0x80060888');
    await sim.admin('PATCH', '/columns/leads/new_score', { removed: false });
    expect((await sim.api('GET', 'leads?$select=new_score')).rows).toMatchObject([{ new_score: 5 }]);
  });
});
