import { z } from 'zod';
import { AdminRefusal } from '../admin.js';
import type { DataType, Field } from '../fields/field.js';
import type { Instance } from '../instance.js';
import { SERVICE_TYPES, type ServiceDefinition, type ServiceType } from './definition.js';
import type { FieldMapping } from './service.js';

/** What an administrator chooses for one field; `marketoAttribute` null for none. */
export const mappingSchema = z.strictObject({
  serviceAttribute: z.string().exactOptional(),
  marketoAttribute: z.string().nullable().exactOptional(),
  active: z.boolean().exactOptional(),
});

export type MappingChoice = z.infer<typeof mappingSchema>;

export type Direction = 'outgoing' | 'incoming';

/** The service's type that is nearest to that of a person field for which it has no type. */
const NEAREST: Partial<Record<DataType, ServiceType>> = {
  phone: 'string',
  currency: 'float',
  percent: 'integer',
  reference: 'integer',
  formula: 'string',
};

/** Types of one family can be mapped to each other. */
const FAMILIES: readonly (readonly ServiceType[])[] = [
  ['string', 'text', 'email', 'url'],
  ['integer', 'float', 'score'],
  ['boolean'],
  ['date'],
  ['datetime'],
];

const typeOf = ({ dataType }: Field): ServiceType =>
  NEAREST[dataType] ?? SERVICE_TYPES.find((type) => type === dataType) ?? 'string';

const compatible = (service: ServiceType, field: Field): boolean =>
  FAMILIES.some((family) => family.includes(service) && family.includes(typeOf(field)));

/** What a definition says of the data that go one way: to the service, or back from it. */
export const payloadOf = (definition: ServiceDefinition, direction: Direction) =>
  direction === 'outgoing' ? definition.invocationPayloadDef : definition.callbackPayloadDef;

/** The mappings of one direction: the administrator's choices over the suggestions, which fit by name and type. */
export function mappings(
  instance: Instance,
  definition: ServiceDefinition,
  direction: Direction,
  choices: readonly MappingChoice[],
): FieldMapping[] {
  const { userDrivenMapping, fields } = payloadOf(definition, direction);
  if (userDrivenMapping) return choices.map((choice) => userDriven(instance, direction, choice));
  const suggested = fields.map((field): FieldMapping => {
    const name = field.suggestedMarketoAttribute;
    const known = name === undefined ? undefined : instance.fields.get(name);
    const matches =
      known && typeOf(known) === field.dataType && (direction === 'outgoing' || !known.readOnly);
    const { serviceAttribute, dataType } = field;
    return { serviceAttribute, dataType, marketoAttribute: matches ? known.name : null, active: true };
  });
  const chosen = withChoices(instance, direction, suggested, choices);
  for (const { serviceAttribute } of definition.invocationPayloadDef.fields.filter(
    ({ required }) => direction === 'outgoing' && required,
  )) {
    const mapping = chosen.find((each) => each.serviceAttribute === serviceAttribute);
    if (mapping?.marketoAttribute == null || !mapping.active)
      throw new AdminRefusal(400, `outgoing: '${serviceAttribute}' is required; map it to a person field`);
  }
  return chosen;
}

/** Choices over mappings that there are. */
export const withChoices = (
  instance: Instance,
  direction: Direction,
  current: readonly FieldMapping[],
  choices: readonly MappingChoice[],
): FieldMapping[] => {
  for (const { serviceAttribute = '' } of choices)
    if (!current.some((mapping) => mapping.serviceAttribute === serviceAttribute))
      throw new AdminRefusal(400, `${direction}: the service has no field '${serviceAttribute}'`);
  return current.map((mapping) => {
    const choice = choices.find(({ serviceAttribute }) => serviceAttribute === mapping.serviceAttribute);
    if (choice === undefined) return mapping;
    const { marketoAttribute = mapping.marketoAttribute, active = mapping.active } = choice;
    if (marketoAttribute !== null && mapping.dataType !== null)
      check(instance, direction, marketoAttribute, mapping.dataType);
    return { ...mapping, marketoAttribute, active };
  });
};

/** A field of the administrator's own choice is sent under its Marketo name. */
function userDriven(instance: Instance, direction: Direction, choice: MappingChoice): FieldMapping {
  const { marketoAttribute, active = true } = choice;
  if (marketoAttribute == null || choice.serviceAttribute !== undefined)
    throw new AdminRefusal(400, `${direction}: mappings of this service name a marketoAttribute alone`);
  check(instance, direction, marketoAttribute, undefined);
  return { serviceAttribute: marketoAttribute, dataType: null, marketoAttribute, active };
}

function check(instance: Instance, direction: Direction, name: string, type: ServiceType | undefined): void {
  const field = instance.fields.get(name);
  if (!field) throw new AdminRefusal(400, `${direction}: there is no person field '${name}'`);
  if (direction === 'incoming' && field.readOnly)
    throw new AdminRefusal(400, `incoming: person field '${name}' is read-only`);
  if (type !== undefined && !compatible(type, field))
    throw new AdminRefusal(
      400,
      `${direction}: a ${type} cannot be person field '${name}' (${field.dataType})`,
    );
}
