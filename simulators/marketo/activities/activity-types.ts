import { statusOf, type CustomActivityType } from './custom-activity-types.js';

type Row = readonly [
  id: number,
  name: string,
  description: string,
  primary: string | null,
  attributes: string,
];

/** Marketo's own activity types that matter to a sync. Attribute types follow a colon; string when there is none. */
const STANDARD: readonly Row[] = [
  [1, 'Visit Webpage', 'User visits a web page', 'Webpage ID:integer', 'Webpage URL,Referrer URL'],
  [
    2,
    'Fill Out Form',
    'User fills out and submits a form',
    'Webform ID:integer',
    'Form Fields:text,Webpage ID:integer,Webpage URL',
  ],
  [12, 'New Lead', 'New person/record is added', null, 'Created Date:date,Source Type,Source Info'],
  [
    13,
    'Change Data Value',
    'Changed attribute value for a person/record',
    'Attribute Name',
    'New Value,Old Value,Reason,Source',
  ],
  [22, 'Change Score', 'Modify a score', 'Score Name', 'Change Value,New Value,Old Value,Reason,Source'],
  [23, 'Change Owner', 'Change the owner of a person/record', 'Owner', 'New Value,Old Value,Reason,Source'],
  [24, 'Add to List', 'Add a person/record to a list', 'List ID:integer', 'Source'],
  [25, 'Remove from List', 'Remove a person/record from a list', 'List ID:integer', 'Source'],
  [
    32,
    'Merge Leads',
    'Merge two or more leads into a single record',
    'Lead ID:integer',
    'Merge IDs,Merge Fields:text,Source',
  ],
  [37, 'Delete Lead', 'Delete lead from Marketo database', 'Lead ID:integer', 'Remove from CRM:boolean'],
  [46, 'Interesting Moment', 'Interesting moment is logged', 'Type', 'Description,Date:datetime,Source'],
  [47, 'Request Campaign', 'Request a campaign', 'Campaign ID:integer', 'Source'],
  [
    100,
    'Change Lead Partition',
    'Lead partition is changed',
    'New Partition ID:integer',
    'Old Partition ID:integer,Reason',
  ],
  [110, 'Call Webhook', 'Call a webhook', 'Webhook:integer', 'Response:text,Error Type:integer'],
  [145, 'Push Lead to Marketo', 'Push lead to Marketo', 'Program Name', 'Reason,Source,Lead ID:integer'],
];

const attribute = (text: string): Record<string, string> => {
  const [name = '', dataType = 'string'] = text.split(':');
  return { name, dataType };
};

/** The answer of Get Activity Types: Marketo's own and the approved custom ones. */
export function describeActivityTypes(custom: readonly CustomActivityType[]): Record<string, unknown>[] {
  const standard = STANDARD.map(([id, name, description, primary, attributes]) => ({
    id,
    name,
    description,
    ...(primary === null ? {} : { primaryAttribute: attribute(primary) }),
    attributes: attributes.split(',').map(attribute),
  }));
  const approved = custom.flatMap(({ id, apiName, approved: definition }) => {
    if (!definition) return [];
    const { name, description, primaryAttribute, attributes } = definition;
    return [
      {
        id,
        apiName,
        name,
        ...(description === undefined ? {} : { description }),
        primaryAttribute,
        attributes,
      },
    ];
  });
  return [...standard, ...approved];
}

/** A custom type as the metadata calls show it; `draft` asks for the version that waits for approval. */
export function describeCustomType(type: CustomActivityType, draft: boolean): Record<string, unknown> {
  const definition = draft ? (type.draft ?? type.approved) : (type.approved ?? type.draft);
  return { id: type.id, apiName: type.apiName, status: statusOf(type), ...definition };
}
