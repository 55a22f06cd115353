import { namedGuid } from './values.js';

export interface SystemUser {
  readonly id: string;
  readonly objectId: string;
  readonly fullName: string;
  readonly email: string;
}

const user = (fullName: string, email: string): SystemUser => ({
  id: namedGuid(`systemuser ${email}`),
  objectId: namedGuid(`entra object ${email}`),
  fullName,
  email,
});

/** Who works in the simulated environment. */
export const people = {
  organizationId: namedGuid('organization contoso'),
  businessUnitId: namedGuid('businessunit contoso'),
  /** The application user that the sync signs in as. */
  sync: user('# Contact Sync', 'contact-sync@contoso.example'),
  /** Owns and edits rows in the product's screens. */
  sales: user('Maya Lindqvist', 'maya.lindqvist@contoso.example'),
  /** Background workflows of the environment run as this user. */
  system: user('SYSTEM', 'system@contoso.example'),
} as const;

export const everyUser: readonly SystemUser[] = [people.sync, people.sales, people.system];
