import type { ServiceDefinition } from './schemas.js';

const en = (name: string, description: string, uiTooltip?: string) => ({
  en_US: { name, description, ...(uiTooltip !== undefined && { uiTooltip }) },
});

const told = (apiName: string, name: string, description: string) => ({
  apiName,
  dataType: 'string' as const,
  i18n: en(name, description),
});

/**
 * The flow step "Sync Person to Dynamics", as Marketo is told of it. Names are permanent: campaigns and the activity
 * log refer to them; only what is added is safe (docs/campaigns.md).
 */
export const SERVICE_DEFINITION: ServiceDefinition = {
  apiName: 'syncPersonToMicrosoft',
  primaryAttribute: 'syncAs',
  i18n: {
    en_US: {
      name: 'Sync Person to Dynamics',
      filterName: 'Person Was Synced to Dynamics',
      triggerName: 'Person Is Synced to Dynamics',
      description: 'Creates the lead or contact in Dynamics 365 if the person has none',
    },
  },
  invocationPayloadDef: {
    flowAttributes: [
      {
        apiName: 'syncAs',
        dataType: 'string',
        hasPicklist: true,
        enforcePicklistSelect: true,
        i18n: en('Sync As', 'Lead or Contact', 'What is created if the person has no record yet'),
      },
      {
        apiName: 'assignTo',
        dataType: 'string',
        hasPicklist: true,
        enforcePicklistSelect: false,
        i18n: en('Assign To', 'User or team who owns the new record', 'Empty: as Dynamics decides'),
      },
    ],
    globalAttributes: [],
    headers: [],
    userDrivenMapping: false,
    fields: [
      {
        serviceAttribute: 'emailAddress',
        suggestedMarketoAttribute: 'email',
        dataType: 'email',
        required: false,
        description: { en_US: 'Not needed: what is sent is neither read nor kept' },
      },
    ],
    programContext: false,
    campaignContext: true,
    triggerContext: true,
    programMemberContext: false,
    subscriptionContext: true,
    myTokenContext: [],
  },
  callbackPayloadDef: {
    attributes: [
      told('dynamicsRecordId', 'Dynamics Record Id', 'Id of the lead or contact'),
      told('dynamicsRecordType', 'Dynamics Record Type', 'lead or contact'),
      told(
        'dynamicsOutcome',
        'Dynamics Outcome',
        'created, linked, already-there, refused, ambiguous, merged-away, out-of-scope or not-found',
      ),
    ],
    fields: [
      {
        serviceAttribute: 'dynamicsId',
        suggestedMarketoAttribute: 'dynamicsId',
        dataType: 'string',
        description: { en_US: 'Id of the lead or contact in Dynamics 365' },
      },
      {
        serviceAttribute: 'dynamicsType',
        suggestedMarketoAttribute: 'dynamicsType',
        dataType: 'string',
        description: { en_US: 'lead or contact' },
      },
    ],
    userDrivenMapping: false,
  },
};
