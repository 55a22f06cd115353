import { namedGuid } from '../rows/values.js';

export interface SystemUser {
  readonly id: string;
  readonly objectId: string;
  readonly fullName: string;
  readonly email: string;
  readonly businessUnitId: string;
}

/** Business units, each below the one before: head office, the sync user's own, a branch of that. */
const headOfficeId = namedGuid('businessunit contoso head office');
const businessUnitId = namedGuid('businessunit contoso');
const branchId = namedGuid('businessunit contoso branch');

const user = (fullName: string, email: string, unit = businessUnitId): SystemUser => ({
  id: namedGuid(`systemuser ${email}`),
  objectId: namedGuid(`entra object ${email}`),
  fullName,
  email,
  businessUnitId: unit,
});

/** Who works in the simulated environment. */
export const people = {
  organizationId: namedGuid('organization contoso'),
  businessUnitId,
  /** The application user that the sync signs in as. */
  sync: user('# Contact Sync', 'contact-sync@contoso.example'),
  /** Owns and edits rows in the product's screens. */
  sales: user('Maya Lindqvist', 'maya.lindqvist@contoso.example'),
  /** Background workflows of the environment run as this user. */
  system: user('SYSTEM', 'system@contoso.example', headOfficeId),
  /** Works one business unit above the sync user. */
  head: user('Clara Weiss', 'clara.weiss@contoso.example', headOfficeId),
  /** Works one business unit below the sync user. */
  branch: user('Noor Haddad', 'noor.haddad@contoso.example', branchId),
} as const;

export const everyUser: readonly SystemUser[] = [
  people.sync,
  people.sales,
  people.system,
  people.head,
  people.branch,
];

/** The team that the sync user belongs to. */
export const integrationTeam = {
  id: namedGuid('team integrations'),
  name: 'Integrations',
  businessUnitId,
} as const;

export type Depth = 'Global' | 'Deep' | 'Local' | 'Basic' | 'None';

/** Whether a privilege of the sync user with this depth reaches a row of that owner. */
export const depthReaches = (depth: Depth, ownerId: string): boolean => {
  if (depth === 'Global' || depth === 'None') return depth === 'Global';
  if (ownerId === people.sync.id || ownerId === integrationTeam.id) return true;
  const unit = everyUser.find(({ id }) => id === ownerId)?.businessUnitId ?? businessUnitId;
  return depth === 'Basic' ? false : unit === businessUnitId || (depth === 'Deep' && unit === branchId);
};
