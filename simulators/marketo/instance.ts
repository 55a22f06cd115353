import { ActivityLog } from './activities/activity-log.js';
import { createBulk, type Bulk } from './bulk/index.js';
import { CallMeter } from './access/call-meter.js';
import { Campaigns } from './campaigns/campaigns.js';
import { Flows } from './campaigns/flows.js';
import { Forms } from './campaigns/forms.js';
import { Cookies } from './persons/cookies.js';
import { CustomActivityTypes } from './activities/custom-activity-types.js';
import { COMPANY, SALES_PERSON } from './companies/external-kinds.js';
import { ExternalRecords } from './companies/external-records.js';
import { Faults } from './faults.js';
import { createFlowSteps, type FlowSteps } from './flow-steps/index.js';
import { Lanes } from './outbound/lanes.js';
import { Webhooks } from './webhooks/webhook.js';
import { FieldCatalog } from './fields/field-catalog.js';
import { Identity, type Service } from './access/identity.js';
import { Journal } from './journal.js';
import { Partitions } from './persons/partitions.js';
import { People } from './persons/people.js';
import { PersonTable } from './persons/person-table.js';
import { DEFAULT_SETTINGS, type Settings } from './settings.js';
import { StaticLists } from './persons/static-lists.js';

const FIRST_PERSON_ID = 1001;

/** One simulated Marketo subscription: everything it holds, in memory. */
export interface Instance {
  readonly munchkinId: string;
  /** Where it listens, once it does: `http://127.0.0.1:<port>`. */
  readonly address: { origin: string };
  readonly now: () => number;
  readonly settings: { current: Settings };
  readonly fields: FieldCatalog;
  readonly people: People;
  readonly partitions: Partitions;
  readonly companies: ExternalRecords;
  readonly salesPersons: ExternalRecords;
  readonly cookies: Cookies;
  readonly log: ActivityLog;
  readonly customTypes: CustomActivityTypes;
  readonly lists: StaticLists;
  readonly campaigns: Campaigns;
  readonly flows: Flows;
  readonly forms: Forms;
  readonly flowSteps: FlowSteps;
  readonly webhooks: Webhooks;
  /** How many webhooks are called at a time. */
  readonly webhookLanes: Lanes;
  readonly bulk: Bulk;
  readonly identity: Identity;
  readonly meter: CallMeter;
  readonly faults: Faults;
  readonly journal: Journal;
}

export function createInstance(options: {
  readonly client: Service;
  readonly settings: Partial<Settings>;
  readonly now: () => number;
  /** Default `123-ABC-456`. */
  readonly munchkinId?: string;
  /** Id of the first person that is added without one. */
  readonly firstPersonId?: number;
}): Instance {
  const { now } = options;
  const settings = { current: { ...DEFAULT_SETTINGS, ...options.settings } };
  const current = (): Settings => settings.current;
  const fields = new FieldCatalog(current);
  const log = new ActivityLog();
  const table = new PersonTable(options.firstPersonId ?? FIRST_PERSON_ID);
  const around = {
    partitions: new Partitions(),
    companies: new ExternalRecords(COMPANY.keyField),
    cookies: new Cookies(),
  };
  return {
    munchkinId: options.munchkinId ?? '123-ABC-456',
    address: { origin: '' },
    now,
    settings,
    fields,
    log,
    ...around,
    salesPersons: new ExternalRecords(SALES_PERSON.keyField),
    people: new People({ table, log, fields, ...around, settings: current, now }),
    customTypes: new CustomActivityTypes(),
    lists: new StaticLists({ log, settings: current, now }),
    campaigns: new Campaigns(now),
    flows: new Flows(),
    forms: new Forms(),
    flowSteps: createFlowSteps(current),
    webhooks: new Webhooks(),
    webhookLanes: new Lanes(() => current().webhookConcurrency),
    bulk: createBulk(current, now),
    identity: new Identity(options.client, current, now),
    meter: new CallMeter(current, now),
    faults: new Faults(),
    journal: new Journal(),
  };
}
