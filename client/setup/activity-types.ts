import type { ActivityTypeDefinition, Marketo } from '../../marketo/index.js';

const RECORD = {
  apiName: 'recordId',
  name: 'Record Id',
  description: 'Id of the lead or contact in Dynamics 365, or of the person where there is none',
};

const text = (apiName: string, name: string, description: string) =>
  ({ apiName, name, description, dataType: 'string' }) as const;

/** By it an entry whose answer was lost is found again: Marketo's log has no idempotency key. */
const LEDGER_ID = text('ledgerId', 'Ledger Id', "Id of this entry in Contact Sync's own records");

/** A write that the target refused for good. Names and attributes are permanent once the type is approved. */
export const REFUSED: ActivityTypeDefinition = {
  apiName: 'dynamicsSyncRefused',
  name: 'Dynamics Sync Refused',
  description: 'Contact Sync: a value that Marketo or Dynamics 365 did not take',
  triggerName: 'Dynamics Sync is Refused',
  filterName: 'Dynamics Sync was Refused',
  primaryAttribute: RECORD,
  attributes: [
    text('direction', 'Direction', 'marketoToDynamics or dynamicsToMarketo'),
    text('field', 'Field', 'Person field that was refused, or: record'),
    text('code', 'Code', 'Code of the system that refused'),
    text('message', 'Message', 'Its reason'),
    LEDGER_ID,
  ],
};

/** What became of the campaign action "Sync Person to Dynamics". */
export const SYNC_PERSON: ActivityTypeDefinition = {
  apiName: 'dynamicsSyncPerson',
  name: 'Dynamics Sync Person',
  description: 'Contact Sync: what a request to create a person in Dynamics 365 did',
  triggerName: 'Dynamics Sync Person is Done',
  filterName: 'Dynamics Sync Person was Done',
  primaryAttribute: RECORD,
  attributes: [
    text('outcome', 'Outcome', 'created, linked, already-there, refused, ambiguous or not-found'),
    text('syncAs', 'Sync As', 'What was asked for: lead or contact'),
    text('recordType', 'Record Type', 'What there is now: lead or contact'),
    text('campaignId', 'Campaign Id', 'Campaign that asked'),
    text('requestId', 'Request Id', 'Id of the request'),
    text('message', 'Message', 'Reason, where nothing was created'),
    LEDGER_ID,
  ],
};

export interface EnsuredTypes {
  readonly ids: { readonly refused: number; readonly syncPerson: number };
  readonly made: readonly string[];
}

/** Makes, completes and approves our custom activity types as far as they are not there yet. */
export const ensureActivityTypes = async (marketo: Marketo, signal?: AbortSignal): Promise<EnsuredTypes> => {
  const before = new Set(
    (await marketo.activityTypes(signal))
      .filter(({ status }) => status.toLowerCase().startsWith('approved'))
      .map(({ apiName }) => apiName),
  );
  const refused = await marketo.ensureActivityType(REFUSED, signal);
  const syncPerson = await marketo.ensureActivityType(SYNC_PERSON, signal);
  return {
    ids: { refused: refused.id, syncPerson: syncPerson.id },
    made: [REFUSED, SYNC_PERSON].map(({ apiName }) => apiName).filter((apiName) => !before.has(apiName)),
  };
};
