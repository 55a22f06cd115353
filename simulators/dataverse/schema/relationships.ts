import { incomingLookups, type IncomingLookup } from '../rows/links.js';
import type { Organization, Table } from '../organization.js';

/**
 * Names of the one-to-many side as Microsoft ships them: collection property of the target table -> lookup.
 * Lookups that are not named here get `{table}_{lookup}_{target}`, as custom relationships would be named.
 */
const shipped: Readonly<Record<string, string>> = {
  contact_customer_accounts: 'account<-contact.parentcustomerid',
  contact_customer_contacts: 'contact<-contact.parentcustomerid',
  contact_originating_lead: 'lead<-contact.originatingleadid',
  contact_master_contact: 'contact<-contact.masterid',
  lead_parent_account: 'account<-lead.parentaccountid',
  lead_parent_contact: 'contact<-lead.parentcontactid',
  lead_customer_accounts: 'account<-lead.customerid',
  lead_customer_contacts: 'contact<-lead.customerid',
  lead_qualifying_opportunity: 'opportunity<-lead.qualifyingopportunityid',
  lead_master_lead: 'lead<-lead.masterid',
  account_parent_account: 'account<-account.parentaccountid',
  account_primary_contact: 'contact<-account.primarycontactid',
  account_originating_lead: 'lead<-account.originatingleadid',
  account_master_account: 'account<-account.masterid',
  opportunity_customer_accounts: 'account<-opportunity.customerid',
  opportunity_customer_contacts: 'contact<-opportunity.customerid',
  opportunity_parent_account: 'account<-opportunity.parentaccountid',
  opportunity_parent_contact: 'contact<-opportunity.parentcontactid',
  opportunity_originating_lead: 'lead<-opportunity.originatingleadid',
};

const nameOf = (target: Table, { table, column }: IncomingLookup): string => {
  const [from, to] = [table.shape.logicalName, target.shape.logicalName];
  const path = `${to}<-${from}.${column.logicalName}`;
  const known = Object.entries(shipped).find(([, one]) => one === path)?.[0];
  return known ?? `${from}_${column.logicalName}_${to}`;
};

/** Collection-valued navigation properties of a table: name -> the lookup on the other side. */
export const collectionsOf = (organization: Organization, table: Table): Map<string, IncomingLookup> =>
  new Map(incomingLookups(organization, table).map((lookup) => [nameOf(table, lookup), lookup]));
