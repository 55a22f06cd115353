/** Permissions of an API-only user's role (Adobe product docs, "Descriptions of Role Permissions": Access API). */
export const PERMISSIONS = [
  'Read-Only Lead',
  'Read-Write Lead',
  'Read-Only Activity',
  'Read-Write Activity',
  'Read-Only Activity Metadata',
  'Read-Write Activity Metadata',
  'Execute Campaign',
  'Read-Only Campaign',
  'Read-Write Campaign',
  'Read-Only Company',
  'Read-Write Company',
  'Read-Only Sales Person',
  'Read-Write Sales Person',
  'Read-Write Schema Standard Field',
  'Read-Write Schema Custom Field',
] as const;

export type Permission = (typeof PERMISSIONS)[number];

/** What some resources need: one of these for a reading call, one of those for a writing one. */
interface Need {
  readonly path: RegExp;
  readonly read: readonly Permission[];
  readonly write: readonly Permission[];
}

type Thing = 'Lead' | 'Activity' | 'Activity Metadata' | 'Campaign' | 'Company' | 'Sales Person';

/** The usual rule: who may write may read. */
const usual = (path: RegExp, thing: Thing): Need => ({
  path,
  read: [`Read-Only ${thing}`, `Read-Write ${thing}`],
  write: [`Read-Write ${thing}`],
});

const SCHEMA = ['Read-Write Schema Standard Field', 'Read-Write Schema Custom Field'] as const;

/** Making a bulk export changes nothing: reading is enough. */
const READ_LEAD = ['Read-Only Lead', 'Read-Write Lead'] as const;
const READ_ACTIVITY = ['Read-Only Activity', 'Read-Write Activity'] as const;

/** The first row that fits decides; a resource without a row is open to everyone, as the statistics are. */
const NEEDS: readonly Need[] = [
  { path: /^\/bulk\/v1\/leads\/export/, read: READ_LEAD, write: READ_LEAD },
  { path: /^\/bulk\/v1\/activities\/export/, read: READ_ACTIVITY, write: READ_ACTIVITY },
  usual(/^\/bulk\/v1\/leads/, 'Lead'),
  { path: /^\/rest\/v1\/\w+\/schema\/fields\//, read: SCHEMA, write: SCHEMA },
  { path: /^\/rest\/v1\/\w+\/schema\/fields\./, read: SCHEMA, write: ['Read-Write Schema Custom Field'] },
  usual(/^\/rest\/v1\/activities\/external\/type/, 'Activity Metadata'),
  usual(/^\/rest\/v1\/activities/, 'Activity'),
  {
    path: /^\/rest\/v1\/campaigns\/[^/]+\/(trigger|schedule)\./,
    read: ['Execute Campaign'],
    write: ['Execute Campaign'],
  },
  usual(/^\/rest\/(v1\/campaigns|asset\/v1\/smartCampaign)/, 'Campaign'),
  usual(/^\/rest\/v1\/companies/, 'Company'),
  usual(/^\/rest\/v1\/salespersons/, 'Sales Person'),
  usual(/^\/rest\/v1\/(leads?|lists?)\b/, 'Lead'),
];

/** True when a role with these permissions may make the call. */
export function permits(held: readonly Permission[], path: string, write: boolean): boolean {
  const need = NEEDS.find((row) => row.path.test(path));
  return need === undefined || need[write ? 'write' : 'read'].some((permission) => held.includes(permission));
}
