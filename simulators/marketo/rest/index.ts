import { COMPANY, SALES_PERSON } from '../companies/external-kinds.js';
import type { Instance } from '../instance.js';
import { activityMetadataEndpoints } from './activity-metadata.js';
import { activityStreamEndpoints } from './activity-streams.js';
import { campaignEndpoints } from './campaigns.js';
import { associateLeadEndpoint } from './associate-lead.js';
import { customActivitiesEndpoint } from './custom-activities.js';
import { deleteLeadsEndpoints } from './delete-leads.js';
import { describeEndpoints } from './describe.js';
import type { Endpoint } from './endpoint.js';
import { externalRecordsEndpoints } from './external-endpoints.js';
import { fieldSchemaEndpoints } from './field-schema.js';
import { listMembersEndpoints } from './list-members.js';
import { listsEndpoints } from './lists.js';
import { leadPartitionsEndpoints } from './lead-partitions.js';
import { mergeLeadsEndpoint } from './merge-leads.js';
import { pushLeadsEndpoint } from './push-leads.js';
import { readLeadsEndpoints } from './read-leads.js';
import { smartCampaignEndpoints } from './smart-campaigns.js';
import { syncLeadsEndpoint } from './sync-leads.js';
import { usageEndpoints } from './usage.js';

/** Every resource of the REST API that this simulator serves. */
export const restEndpoints = (instance: Instance): readonly Endpoint[] => [
  ...readLeadsEndpoints(instance),
  syncLeadsEndpoint(instance),
  pushLeadsEndpoint(instance),
  ...deleteLeadsEndpoints(instance),
  mergeLeadsEndpoint(instance),
  associateLeadEndpoint(instance),
  ...leadPartitionsEndpoints(instance),
  ...externalRecordsEndpoints(instance, { kind: COMPANY, records: instance.companies }),
  ...externalRecordsEndpoints(instance, { kind: SALES_PERSON, records: instance.salesPersons }),
  ...describeEndpoints(instance),
  ...fieldSchemaEndpoints(instance),
  ...activityStreamEndpoints(instance),
  ...activityMetadataEndpoints(instance),
  customActivitiesEndpoint(instance),
  ...listsEndpoints(instance),
  ...listMembersEndpoints(instance),
  ...campaignEndpoints(instance),
  ...smartCampaignEndpoints(instance),
  ...usageEndpoints(instance),
];
