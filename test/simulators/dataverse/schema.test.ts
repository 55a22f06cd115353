import { describe, expect, it } from 'vitest';
import { people } from '../../../simulators/dataverse/rights/people.js';
import { id, startSim, type Sim } from './client.js';

const attributes = "EntityDefinitions(LogicalName='lead')/Attributes";
const cast = (type: string): string => `${attributes}/Microsoft.Dynamics.CRM.${type}AttributeMetadata`;
const strong = { Consistency: 'Strong' };
const everyNote = { Prefer: 'odata.include-annotations="*"' };
const versionNote = '@Microsoft.Dynamics.CRM.globalmetadataversion';

const version = async (sim: Sim): Promise<number> =>
  Number((await sim.api('GET', 'leads?$select=lastname', undefined, everyNote)).json[versionNote]);

const maxLength = async (sim: Sim, headers: Record<string, string> = {}): Promise<unknown> =>
  (await sim.api('GET', `${attributes}(LogicalName='jobtitle')`, undefined, headers)).json['MaxLength'];

const labelsOf = (option: unknown): unknown => {
  const { Label: label } = option as { Label: Record<string, unknown> };
  const localized = label['LocalizedLabels'] as Record<string, unknown>[];
  const user = label['UserLocalizedLabel'] as Record<string, unknown>;
  return { all: localized.map((one) => [one['LanguageCode'], one['Label']]), user: user['Label'] };
};

const ratings = async (sim: Sim): Promise<unknown[]> => {
  const { rows } = await sim.api('GET', `${cast('Picklist')}?$select=LogicalName&$expand=OptionSet`);
  const found = rows.find((row) => row['LogicalName'] === 'leadqualitycode')?.['OptionSet'];
  return ((found as Record<string, unknown>)['Options'] as unknown[]).map(labelsOf);
};

describe('A new column', () => {
  it('is there at once in metadata, reads and writes, with its rules', async () => {
    const sim = await startSim();
    const made = await sim.admin('POST', '/columns/leads', {
      schemaName: 'new_Region',
      type: 'String',
      maxLength: 5,
    });
    expect(made.json['column']).toMatchObject({ logicalName: 'new_region', displayName: 'Region' });
    expect((await sim.api('POST', 'leads', { new_region: 'North Sea' })).code).toBe('0x80044331');
    await sim.api('POST', 'leads', { leadid: id(1), new_region: 'North' });
    expect((await sim.api('GET', `leads(${id(1)})?$select=new_region`)).json['new_region']).toBe('North');
    const typed = await sim.api('GET', `${cast('String')}?$select=LogicalName,MaxLength`);
    expect(typed.rows.find((row) => row['LogicalName'] === 'new_region')).toMatchObject({ MaxLength: 5 });
    const again = await startSim({ state: sim.state() });
    expect((await again.api('GET', 'leads?$select=new_region')).rows).toMatchObject([
      { new_region: 'North' },
    ]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['without a prefix', { schemaName: 'Region', type: 'String' }],
    ['of an unknown type', { schemaName: 'new_Region', type: 'Blob' }],
    ['that is there', { schemaName: 'new_Score', type: 'Integer' }],
    ['with a choice of nothing', { schemaName: 'new_Region', type: 'Picklist' }],
  ])('%s is refused', async (_what, order) => {
    const sim = await startSim();
    expect((await sim.admin('POST', '/columns/leads', order)).status).toBe(400);
  });

  it('can be a choice, with labels', async () => {
    const sim = await startSim();
    const options = [
      { value: 100, label: 'Hot' },
      { value: 200, label: 'Lukewarm' },
    ];
    await sim.admin('POST', '/columns/leads', { schemaName: 'new_Mood', type: 'Picklist', options });
    expect((await sim.api('POST', 'leads', { new_mood: 300 })).code).toBe('0x8004431a');
    expect((await sim.api('POST', 'leads', { new_mood: 200 })).status).toBe(204);
  });
});

describe('The version of the metadata', () => {
  it('goes up with the schema, and not with rights', async () => {
    const sim = await startSim();
    const before = await version(sim);
    await sim.admin('PATCH', '/columns/leads/new_creditrating', { canRead: true });
    expect(await version(sim)).toBe(before);
    await sim.admin('PATCH', '/columns/leads/jobtitle', { maxLength: 50 });
    await sim.admin('PATCH', '/columns/leads/new_score', { removed: true });
    await sim.admin('POST', '/columns/leads', { schemaName: 'new_Region', type: 'String' });
    expect(await version(sim)).toBe(before + 3);
    const { text } = await sim.api('GET', '$metadata');
    expect(text).toContain(`globalmetadataversion" String="${before + 3}"`);
    const list = await sim.api('GET', attributes, undefined, everyNote);
    expect(list.json[versionNote]).toBe(String(before + 3));
  });

  it.each([
    ['POST', '/columns/leads', { schemaName: 'new_Region', type: 'Integer' }],
    ['PATCH', '/columns/leads/new_score', { type: 'Double' }],
    ['PATCH', '/columns/leads/new_score', { removed: true }],
  ])('%s %s can make delta tokens of the table expire', async (method, path, body) => {
    const sim = await startSim();
    const link = async (set: string): Promise<string> => {
      const headers = { Prefer: 'odata.track-changes' };
      const answer = await sim.api('GET', `${set}?$select=lastname`, undefined, headers);
      return String(answer.json['@odata.deltaLink']);
    };
    const [leads, contacts] = [await link('leads'), await link('contacts')];
    await sim.admin('PATCH', '/settings', { schemaChangeExpiresDelta: true });
    await sim.admin(method, path, body);
    expect((await sim.api('GET', leads)).code).toBe('0x80044352');
    expect((await sim.api('GET', contacts)).status).toBe(200);
  });
});

describe('Caches of the metadata', () => {
  it('are stale for the set time unless consistency is asked for', async () => {
    let now = Date.parse('2026-03-01T12:00:00Z');
    const sim = await startSim({ now: () => now });
    await sim.admin('PATCH', '/settings', { metadataCacheSeconds: 30 });
    await sim.admin('PATCH', '/columns/leads/jobtitle', { maxLength: 50 });
    now += 10_000;
    await sim.admin('PATCH', '/columns/leads/jobtitle', { maxLength: 40 });
    expect(await maxLength(sim)).toBe(100);
    expect(await maxLength(sim, strong)).toBe(40);
    now += 20_001;
    expect(await maxLength(sim)).toBe(50);
    now += 10_000;
    expect(await maxLength(sim)).toBe(40);
  });

  it('hold rights too, while writes obey at once', async () => {
    let now = Date.parse('2026-03-01T12:00:00Z');
    const sim = await startSim({ now: () => now });
    await sim.admin('PATCH', '/settings', { metadataCacheSeconds: 30 });
    await sim.admin('PATCH', '/privileges', { lead: { create: false } });
    const call = `systemusers(${people.sync.id})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()`;
    const told = async (): Promise<boolean> => (await sim.api('GET', call)).text.includes('prvCreateLead');
    expect(await told()).toBe(true);
    expect((await sim.api('POST', 'leads', { lastname: 'X' })).status).toBe(403);
    now += 30_001;
    expect(await told()).toBe(false);
  });
});

describe('Labels', () => {
  const both = [
    [1033, 'Hot'],
    [1031, 'Heiß'],
  ];

  it('are there in two languages, the user in one of them', async () => {
    const sim = await startSim();
    expect((await ratings(sim))[0]).toEqual({ all: both, user: 'Hot' });
    await sim.admin('PATCH', '/settings', { userLanguage: 1031 });
    expect((await ratings(sim))[0]).toEqual({ all: both, user: 'Heiß' });
  });

  it('change when an administrator renames an option, and stay English without a translation', async () => {
    const sim = await startSim();
    const options = ['Blazing', 'Warm', 'Cold'].map((text, index) => ({ value: index + 1, label: text }));
    await sim.admin('PATCH', '/columns/leads/leadqualitycode', { options });
    await sim.admin('PATCH', '/settings', { userLanguage: 1031 });
    expect((await ratings(sim))[0]).toEqual({ all: [[1033, 'Blazing']], user: 'Blazing' });
  });
});

describe('Global choices', () => {
  const expanded = `${cast('MultiSelectPicklist')}?$select=LogicalName&$expand=OptionSet,GlobalOptionSet`;

  it('are listed on their own, by name and by id', async () => {
    const sim = await startSim();
    const [set] = (await sim.api('GET', 'GlobalOptionSetDefinitions?$select=Name,IsGlobal')).rows;
    expect(set).toMatchObject({ Name: 'new_interest', IsGlobal: true });
    const byName = await sim.api('GET', "GlobalOptionSetDefinitions(Name='new_interest')");
    const byId = await sim.api('GET', `GlobalOptionSetDefinitions(${String(set?.['MetadataId'])})`);
    expect(byName.json['Options']).toHaveLength(5);
    expect(byId.json['Name']).toBe('new_interest');
    expect((await sim.api('GET', "GlobalOptionSetDefinitions(Name='nothere')")).status).toBe(404);
  });

  it('come with the columns that use them, there alone when the setting says so', async () => {
    const sim = await startSim();
    const one = async () => (await sim.api('GET', expanded)).rows[0];
    expect(await one()).toMatchObject({
      OptionSet: { IsGlobal: true },
      GlobalOptionSet: { Name: 'new_interest' },
    });
    await sim.admin('PATCH', '/settings', { globalOptionSets: 'globalOnly' });
    expect(await one()).toMatchObject({ OptionSet: null, GlobalOptionSet: { Name: 'new_interest' } });
    const local = await sim.api(
      'GET',
      `${cast('Picklist')}?$select=LogicalName&$expand=OptionSet,GlobalOptionSet`,
    );
    expect(local.rows[0]).toMatchObject({ OptionSet: { IsGlobal: false }, GlobalOptionSet: null });
  });
});

describe('Addresses of metadata', () => {
  it('take metadata ids where they take names, and casts of one column', async () => {
    const sim = await startSim();
    const table = (await sim.api('GET', "EntityDefinitions?$filter=LogicalName eq 'lead'&$select=IsPrivate"))
      .rows[0];
    const tablePath = `EntityDefinitions(${String(table?.['MetadataId'])})`;
    const column = (await sim.api('GET', `${tablePath}/Attributes(LogicalName='jobtitle')`)).json;
    const byId = await sim.api('GET', `${tablePath}/Attributes(${String(column['MetadataId'])})`);
    expect(byId.json).toMatchObject({ LogicalName: 'jobtitle', MaxLength: 100 });
    const typed = `${tablePath}/Attributes(LogicalName='jobtitle')/Microsoft.Dynamics.CRM.`;
    expect((await sim.api('GET', `${typed}StringAttributeMetadata`)).json['MaxLength']).toBe(100);
    expect((await sim.api('GET', `${typed}MoneyAttributeMetadata`)).status).toBe(404);
    expect((await sim.api('GET', `${tablePath}/Attributes(LogicalName='nothere')`)).status).toBe(404);
  });

  it.each(['BigInt', 'UniqueIdentifier', 'Image', 'File'])('list %s columns, if only none', async (type) => {
    const sim = await startSim();
    const { status, json } = await sim.api('GET', `${cast(type)}?$select=LogicalName`);
    expect(status).toBe(200);
    expect(Array.isArray(json['value'])).toBe(true);
  });

  it('know relationships from both ends', async () => {
    const sim = await startSim();
    const names = async (path: string): Promise<unknown[]> =>
      (await sim.api('GET', `EntityDefinitions(LogicalName='lead')/${path}`)).rows;
    expect(
      await names('ManyToOneRelationships?$select=ReferencingAttribute,ReferencedEntity'),
    ).toContainEqual(
      expect.objectContaining({ ReferencingAttribute: 'parentcontactid', ReferencedEntity: 'contact' }),
    );
    expect(await names('OneToManyRelationships')).toContainEqual(
      expect.objectContaining({ ReferencingEntity: 'contact', ReferencingAttribute: 'originatingleadid' }),
    );
  });

  it('list relationships of the whole environment, and find one by its schema name', async () => {
    const sim = await startSim();
    const filter = "ReferencingEntity eq 'lead' and ReferencedEntity eq 'contact'";
    const list = await sim.api('GET', `RelationshipDefinitions?$filter=${encodeURIComponent(filter)}`);
    const name = String(list.rows[0]?.['SchemaName']);
    const one = await sim.api('GET', `RelationshipDefinitions(SchemaName='${name}')`);
    expect(one.json).toMatchObject({
      '@odata.type': '#Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata',
      SchemaName: name,
    });
    expect((await sim.api('GET', "RelationshipDefinitions(SchemaName='nothere')")).status).toBe(404);
  });

  it('refuse a filter on what is no property', async () => {
    const sim = await startSim();
    expect((await sim.api('GET', "EntityDefinitions?$filter=Colour eq 'red'")).status).toBe(400);
  });
});

describe('$metadata', () => {
  it('describes tables, their keys, columns and navigations', async () => {
    const sim = await startSim();
    const answer = await sim.api('GET', '$metadata');
    expect(answer.headers.get('content-type')).toBe('application/xml');
    expect(answer.text).toContain('<PropertyRef Name="leadid" />');
    expect(answer.text).toContain('<Property Name="estimatedclosedate" Type="Edm.Date"');
    expect(answer.text).toContain('<Property Name="_parentcustomerid_value" Type="Edm.Guid"');
    expect(answer.text).toContain('<NavigationProperty Name="parentcustomerid_contact" Type="mscrm.contact"');
    expect(answer.text).toContain('<EntitySet Name="leads" EntityType="Microsoft.Dynamics.CRM.lead">');
    expect(answer.text).not.toContain('owneridname');
    expect(answer.text).not.toContain('Permissions');
  });

  it('tells with annotations what is read-only and which tables are tracked', async () => {
    const sim = await startSim();
    await sim.admin('PATCH', '/settings', { untrackedTables: ['contact'] });
    const { text } = await sim.api('GET', '$metadata?annotations=true');
    expect(text).toMatch(/Name="fullname"[^>]*>(?:(?!<\/Property>).)*PermissionType\/Read/);
    expect(text).toMatch(/EntitySet Name="contacts".*Bool="false"/);
    expect(text).toMatch(/EntitySet Name="leads".*Bool="true"/);
  });
});

describe('RetrieveMetadataChanges', () => {
  const equals = (PropertyName: string, Value: string) => ({
    Conditions: [{ PropertyName, ConditionOperator: 'Equals', Value: { Type: 'System.String', Value } }],
  });
  const wanted = {
    Properties: { PropertyNames: ['LogicalName', 'Attributes'] },
    Criteria: equals('LogicalName', 'lead'),
    AttributeQuery: {
      Properties: { PropertyNames: ['LogicalName', 'MaxLength'] },
      Criteria: equals('LogicalName', 'jobtitle'),
    },
  };
  const ask = (sim: Sim, stamp?: string) => {
    const query = `@p1=${encodeURIComponent(JSON.stringify(wanted))}`;
    const call = stamp === undefined ? '(Query=@p1)' : '(Query=@p1,ClientVersionStamp=@p2)';
    const second = stamp === undefined ? '' : `&@p2=${encodeURIComponent(`'${stamp}'`)}`;
    return sim.api('GET', `RetrieveMetadataChanges${call}?${query}${second}`);
  };

  it('brings typed properties of chosen columns in one answer', async () => {
    const { json } = await ask(await startSim());
    expect(json['EntityMetadata']).toMatchObject([
      { LogicalName: 'lead', Attributes: [{ LogicalName: 'jobtitle', MaxLength: 100 }] },
    ]);
  });

  it('brings nothing to who has the newest stamp, and refuses a stamp from elsewhere', async () => {
    const sim = await startSim();
    const stamp = String((await ask(sim)).json['ServerVersionStamp']);
    expect((await ask(sim, stamp)).json['EntityMetadata']).toEqual([]);
    await sim.admin('PATCH', '/columns/leads/jobtitle', { maxLength: 50 });
    expect((await ask(sim, stamp)).json['EntityMetadata']).toHaveLength(1);
    expect(await ask(sim, 'x')).toMatchObject({ status: 400, code: '0x80044352' });
  });
});
