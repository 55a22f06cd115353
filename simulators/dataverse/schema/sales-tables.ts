import { column, customer, day, integer, lookup, memo, money, picklist, systemKey, text } from './columns.js';
import * as options from './options.js';
import { address, consent, reach, state, system, withIds, type TableShape } from './tables.js';

/** Companies: the tables that people of the two main ones belong to and qualify into. */
export const accountTable: TableShape = {
  logicalName: 'account',
  schemaName: 'Account',
  entitySet: 'accounts',
  objectTypeCode: 1,
  key: 'accountid',
  primaryName: 'name',
  columns: withIds('account', [
    systemKey('AccountId'),
    text('Name', 160, { requiredLevel: 'ApplicationRequired', displayName: 'Account Name' }),
    text('AccountNumber', 20),
    text('TickerSymbol', 10),
    memo('Description', 2000),
    ...reach(50).filter(({ logicalName }) => logicalName !== 'mobilephone'),
    ...address(),
    ...consent(),
    picklist('IndustryCode', options.industries),
    integer('NumberOfEmployees', 0, 1_000_000_000),
    money('Revenue', 0, 1e14),
    lookup('ParentAccountId', ['account']),
    lookup('PrimaryContactId', ['contact']),
    lookup('OriginatingLeadId', ['lead']),
    ...state(options.contactStates, options.contactStatuses),
    ...system('account'),
  ]),
};

const notOnOpportunities = ['merged', 'masterid'];

/** What qualification makes beside a contact and an account; no more than that needs. */
export const opportunityTable: TableShape = {
  logicalName: 'opportunity',
  schemaName: 'Opportunity',
  entitySet: 'opportunities',
  objectTypeCode: 3,
  key: 'opportunityid',
  primaryName: 'name',
  columns: withIds('opportunity', [
    systemKey('OpportunityId'),
    text('Name', 300, { requiredLevel: 'ApplicationRequired', displayName: 'Topic' }),
    memo('Description', 2000),
    text('EmailAddress', 100, { format: 'Email' }),
    day('EstimatedCloseDate'),
    money('EstimatedValue', 0, 1e12),
    column('CloseProbability', 'Integer', { min: 0, max: 100, format: 'None' }),
    customer('CustomerId'),
    lookup('ParentAccountId', ['account']),
    lookup('ParentContactId', ['contact']),
    lookup('OriginatingLeadId', ['lead']),
    lookup('CampaignId', ['campaign']),
    ...state(options.opportunityStates, options.opportunityStatuses),
    ...system('opportunity').filter(({ logicalName }) => !notOnOpportunities.includes(logicalName)),
  ]),
};
