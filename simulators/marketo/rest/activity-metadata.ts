import { describeActivityTypes, describeCustomType } from '../activities/activity-types.js';
import {
  ATTRIBUTE_TYPES,
  type ActivityDefinition,
  type Attribute,
} from '../activities/custom-activity-types.js';
import type { CustomActivityType } from '../activities/custom-activity-types.js';
import { ApiFailure } from '../failure.js';
import { describeServiceType } from '../flow-steps/service-activity.js';
import type { Instance } from '../instance.js';
import {
  bodyOf,
  isRecord,
  missing,
  requiredText,
  textOf,
  type Answer,
  type Call,
  type Endpoint,
} from './endpoint.js';

const API_NAME = /^[A-Za-z0-9_]{1,255}$/;
const DISPLAY_NAME = /^[\p{L}\p{N}_ ]{1,255}$/u;
const MOST_TYPES = 10;
const MOST_ATTRIBUTES = 20;

type Body = Readonly<Record<string, unknown>>;

/** Activity types, Marketo's and custom ones (Adobe REST docs, "Custom Activities"). */
export function activityMetadataEndpoints(instance: Instance): Endpoint[] {
  const external = '/v1/activities/external';
  const read = (path: string, answer: (call: Call) => Answer): Endpoint => ({
    method: 'GET',
    path,
    write: false,
    answer,
  });
  const write = (path: string, answer: (call: Call) => CustomActivityType | Answer): Endpoint => ({
    method: 'POST',
    path: `${external}/type${path}`,
    write: true,
    answer: (call) => {
      const changed = answer(call);
      return 'apiName' in changed ? { result: [describeCustomType(changed, true)] } : changed;
    },
  });
  const { customTypes } = instance;
  return [
    read('/v1/activities/types.json', () => ({ result: activityTypes(instance) })),
    read(`${external}/types.json`, () => ({
      result: customTypes.all().map((type) => describeCustomType(type, false)),
    })),
    read(`${external}/type/:apiName/describe.json`, (call) => ({
      result: [describeCustomType(find(instance, call), call.query['draft'] === 'true')],
    })),
    write('.json', (call) => create(instance, call)),
    write('/:apiName.json', (call) => update(instance, call)),
    write('/:apiName/attributes/create.json', (call) => changeAttributes(instance, call, addAttributes)),
    write('/:apiName/attributes/update.json', (call) => changeAttributes(instance, call, replaceAttributes)),
    write('/:apiName/attributes/delete.json', (call) => changeAttributes(instance, call, removeAttributes)),
    write('/:apiName/approve.json', (call) => approve(instance, call)),
    write('/:apiName/discardDraft.json', (call) => discard(instance, call)),
    write('/:apiName/delete.json', (call) => remove(instance, call)),
  ];
}

/** Marketo's own types, the approved custom ones, and those of flow step services. */
const activityTypes = ({ customTypes, flowSteps }: Instance): Record<string, unknown>[] => [
  ...describeActivityTypes(customTypes.all()),
  ...flowSteps.services.all().map(describeServiceType),
];

function find(instance: Instance, call: Call): CustomActivityType {
  const apiName = call.path['apiName'] ?? '';
  const type = instance.customTypes.get(apiName);
  if (!type) throw new ApiFailure('1013', `Activity type '${apiName}' not found`);
  return type;
}

function create(instance: Instance, call: Call): CustomActivityType {
  const body = bodyOf(call);
  const apiName = requiredText(body, 'apiName');
  const definition = definitionOf(body);
  if (!API_NAME.test(apiName)) throw invalid('apiName', apiName);
  if (instance.customTypes.get(apiName))
    throw new ApiFailure('1017', `Activity type '${apiName}' already exists`);
  if (instance.customTypes.size >= MOST_TYPES) {
    throw new ApiFailure('1027', `Max number of custom activity types is ${MOST_TYPES}`);
  }
  return instance.customTypes.create(apiName, definition);
}

function definitionOf(body: Body): ActivityDefinition {
  const name = requiredText(body, 'name');
  if (!DISPLAY_NAME.test(name)) throw invalid('name', name);
  const primary = body['primaryAttribute'];
  if (!isRecord(primary)) throw missing('primaryAttribute');
  return {
    name,
    ...describedBy(body),
    triggerName: requiredText(body, 'triggerName'),
    filterName: requiredText(body, 'filterName'),
    primaryAttribute: attributeOf({ dataType: 'string', ...primary }),
    attributes: [],
  };
}

/** Changes the draft; an approved type gets a draft by it. The API name stays. */
function update(instance: Instance, call: Call): CustomActivityType {
  const type = find(instance, call);
  const body = bodyOf(call);
  const before = draftOf(type);
  const primary = body['primaryAttribute'];
  const name = textOf(body, 'name') ?? before.name;
  if (!DISPLAY_NAME.test(name)) throw invalid('name', name);
  type.draft = {
    ...before,
    name,
    ...describedBy(body),
    triggerName: textOf(body, 'triggerName') ?? before.triggerName,
    filterName: textOf(body, 'filterName') ?? before.filterName,
    primaryAttribute: isRecord(primary)
      ? attributeOf({ ...before.primaryAttribute, ...primary })
      : before.primaryAttribute,
  };
  return type;
}

function changeAttributes(
  instance: Instance,
  call: Call,
  change: (before: readonly Attribute[], named: readonly Body[]) => readonly Attribute[],
): CustomActivityType {
  const type = find(instance, call);
  const { attributes } = bodyOf(call);
  if (!Array.isArray(attributes) || attributes.length === 0) throw missing('attributes');
  const draft = draftOf(type);
  const after = change(draft.attributes, attributes.filter(isRecord));
  if (after.length > MOST_ATTRIBUTES)
    throw new ApiFailure('1028', `Max number of attributes is ${MOST_ATTRIBUTES}`);
  type.draft = { ...draft, attributes: after };
  return type;
}

function addAttributes(before: readonly Attribute[], named: readonly Body[]): readonly Attribute[] {
  const added = named.map(attributeOf);
  const existing = added.find(({ apiName }) => before.some((attribute) => attribute.apiName === apiName));
  if (existing) throw new ApiFailure('1017', `Attribute '${existing.apiName}' already exists`);
  return [...before, ...added];
}

function replaceAttributes(before: readonly Attribute[], named: readonly Body[]): readonly Attribute[] {
  const changes = namedAmong(before, named);
  return before.map((attribute) => attributeOf({ ...attribute, ...changes.get(attribute.apiName) }));
}

function removeAttributes(before: readonly Attribute[], named: readonly Body[]): readonly Attribute[] {
  const gone = namedAmong(before, named);
  return before.filter((attribute) => !gone.has(attribute.apiName));
}

function namedAmong(before: readonly Attribute[], named: readonly Body[]): ReadonlyMap<string, Body> {
  const byName = new Map(named.map((body) => [requiredText(body, 'apiName'), body]));
  for (const apiName of byName.keys()) {
    if (!before.some((attribute) => attribute.apiName === apiName)) {
      throw new ApiFailure('1013', `Attribute '${apiName}' not found`);
    }
  }
  return byName;
}

function approve(instance: Instance, call: Call): CustomActivityType {
  const type = find(instance, call);
  if (!type.draft) throw new ApiFailure('709', `Activity type '${type.apiName}' has no draft`);
  instance.customTypes.approve(type);
  return type;
}

function discard(instance: Instance, call: Call): CustomActivityType {
  const type = find(instance, call);
  instance.customTypes.discard(type);
  return type;
}

function remove(instance: Instance, call: Call): Answer {
  const type = find(instance, call);
  instance.customTypes.delete(type);
  return { result: [{ ...describeCustomType(type, true), status: 'deleted' }] };
}

function draftOf(type: CustomActivityType): ActivityDefinition {
  const definition = type.draft ?? type.approved;
  if (!definition) throw new ApiFailure('1013', `Activity type '${type.apiName}' not found`);
  return definition;
}

function attributeOf(body: Body): Attribute {
  const apiName = requiredText(body, 'apiName');
  const name = requiredText(body, 'name');
  const dataType = requiredText(body, 'dataType');
  if (!API_NAME.test(apiName)) throw invalid('apiName', apiName);
  if (!DISPLAY_NAME.test(name)) throw invalid('name', name);
  if (!ATTRIBUTE_TYPES.has(dataType)) throw invalid('dataType', dataType);
  return { apiName, name, dataType, ...describedBy(body) };
}

function describedBy(body: Body): { description?: string } {
  const description = textOf(body, 'description');
  return description === undefined ? {} : { description };
}

const invalid = (field: string, value: string): ApiFailure =>
  new ApiFailure('1003', `Invalid value for field '${field}' and value '${value}'`);
