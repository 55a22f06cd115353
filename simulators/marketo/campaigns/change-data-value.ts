import { storable } from '../fields/values.js';
import { coerced } from '../fields/coerced.js';
import type { Instance } from '../instance.js';
import type { Campaign, Step } from './campaign.js';
import type { Party } from './party.js';
import { resolved } from './tokens.js';

type ChangeDataValue = Extract<Step, { readonly do: 'changeDataValue' }>;

/** Sets a field of each person; a value that the field cannot hold leaves it as it is. */
export function changeDataValues(
  instance: Instance,
  campaign: Campaign,
  { field: name, value }: ChangeDataValue,
  { run, leadIds }: Party,
): void {
  const field = instance.fields.get(name);
  if (!field) return;
  for (const id of leadIds) {
    const person = instance.people.table.get(id);
    if (!person) continue;
    const text = typeof value === 'string' ? resolved(instance, { person, campaign, run }, value) : value;
    const accepted = storable(field, coerced(field, text));
    if (accepted === undefined) continue;
    instance.people.update(person, new Map([[field, accepted]]), {
      source: 'Marketo Flow Action',
      reason: `Changed by Smart Campaign ${campaign.programName}.${campaign.name} action Change Data Value`,
    });
  }
}
