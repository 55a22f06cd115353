import type { Field } from '../fields/field.js';
import type { Instance } from '../instance.js';
import type { Answer, Endpoint } from './endpoint.js';

/** The two describe calls (Adobe REST docs, "Leads": describe). They show what the API role sees. */
export function describeEndpoints(instance: Instance): Endpoint[] {
  return [
    { method: 'GET', path: '/v1/leads/describe.json', write: false, answer: () => describe(instance) },
    { method: 'GET', path: '/v1/leads/describe2.json', write: false, answer: () => describe2(instance) },
  ];
}

/** A score is described as an integer by this older call. */
const describe = (instance: Instance): Answer => ({
  result: instance.fields.allSeen().map((field) => {
    const readOnly = !instance.fields.updateable(field);
    return {
      id: field.id,
      displayName: field.displayName,
      dataType: field.dataType === 'score' ? 'integer' : field.dataType,
      ...lengthOf(field),
      rest: { name: field.name, readOnly },
      ...(field.soapName === undefined ? {} : { soap: { name: field.soapName, readOnly } }),
    };
  }),
});

const describe2 = (instance: Instance): Answer => ({
  result: [
    {
      name: 'API Lead',
      searchableFields: instance.fields
        .allSeen()
        .filter((field) => instance.fields.searchable(field.name))
        .map((field) => [field.name]),
      fields: instance.fields.allSeen().map((field) => ({
        name: field.name,
        displayName: field.displayName,
        dataType: field.dataType,
        ...lengthOf(field),
        updateable: instance.fields.updateable(field),
        crmManaged: instance.fields.crmManaged(field),
      })),
    },
  ],
});

const lengthOf = (field: Field): { length?: number } =>
  field.length === undefined ? {} : { length: field.length };
