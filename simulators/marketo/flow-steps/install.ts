import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { AdminRefusal } from '../admin.js';
import type { Instance } from '../instance.js';
import { callOut } from '../outbound/call-out.js';
import { definitionProblems, definitionSchema, type ServiceDefinition } from './definition.js';
import { baseOf, documentProblems, offeredPaths, supportContactOf } from './document-rules.js';
import { checkParameter } from './parameters.js';
import { child, isNode, textAt, type Node } from './json.js';
import { mappings, mappingSchema } from './mapping.js';
import { fetchPicklists } from './picklists.js';
import {
  credentialsSchema,
  missingCredentials,
  securityScheme,
  type Credentials,
  type SecurityScheme,
} from './security-scheme.js';
import { namesOf, type FlowStepService, type Icon } from './service.js';
import { refusing, type Access } from './service-calls.js';
import { fetchStatus } from './status.js';

const DOCUMENT_TIMEOUT_MS = 30_000;
const MOST_DOCUMENT_BYTES = 2 * 1_048_576;
const INSTRUCTIONS_KEPT = 65_536;

const value = z.union([z.string(), z.number(), z.boolean()]);

/** What an administrator enters under "Add New Service". */
export const installSchema = z.strictObject({
  /** Of the OpenAPI document, JSON or YAML. */
  url: z.url({ protocol: /^https?$/ }),
  credentials: credentialsSchema,
  /** A name of one's own for the API, when another service has the same. */
  apiName: z.string().min(1).exactOptional(),
  /** Choices that differ from the service's suggestions. */
  outgoing: z.array(mappingSchema).default([]),
  incoming: z.array(mappingSchema).default([]),
  globals: z.record(z.string(), value).default({}),
});

export type Installation = z.infer<typeof installSchema>;

/**
 * Installs a service provider: the document, its rules, the status, the definition, mappings, picklists, icons. All of
 * it, or nothing.
 *
 * @throws AdminRefusal that says what is to be put right, and where
 */
export async function installService(instance: Instance, wanted: Installation): Promise<FlowStepService> {
  const { calls, services } = instance.flowSteps;
  if (services.all().some(({ url }) => url === wanted.url))
    throw new AdminRefusal(400, `The service of ${wanted.url} is installed already`);
  const document = await fetchDocument(wanted.url, calls.stopped);
  const access = accessOf(document, wanted);
  const status = await fetchStatus(instance, access);
  const offers = offeredPaths(document);
  const definition = await fetchDefinition(instance, access, offers);
  const apiName = wanted.apiName ?? definition.apiName;
  checkNames(instance, namesOf({ apiName, definition }));
  const mapped = {
    outgoing: mappings(instance, definition, 'outgoing', wanted.outgoing),
    incoming: mappings(instance, definition, 'incoming', wanted.incoming),
  };
  const picklists = await fetchPicklists(calls, access, definition, mapped);
  checkGlobals(definition, picklists, wanted.globals);
  const { url, globals } = wanted;
  const fetched = {
    icons: await fetchIcons(instance, access, offers),
    instructions: await fetchInstructions(instance, access, offers),
  };
  // Whoever installed the same meanwhile was first.
  checkNames(instance, namesOf({ apiName, definition }));
  const service: FlowStepService = {
    ...{ ...access, ...introduced(document), ...mapped, ...fetched },
    ...{ id: services.nextId, url, apiName, offers, definition, globals, picklists },
    ...{ typeId: instance.customTypes.takeId(), retired: false, deprecated: status.deprecated },
    ...{ installedAt: instance.now(), checkedAt: instance.now() },
  };
  services.add(service);
  for (const line of status.lines) services.tell(service.id, line);
  return service;
}

function checkNames({ flowSteps }: Instance, names: readonly string[]): void {
  const taken = names.find((name) => flowSteps.services.nameTaken(name));
  if (taken !== undefined)
    throw new AdminRefusal(
      400,
      `The name '${taken}' is taken by another service, or was used by a deleted one; give an apiName of your own, or rename it`,
    );
}

/** How a document introduces its service. */
function introduced(document: Node) {
  const info = child(document, 'info');
  return {
    name: textAt(info, 'title') ?? '',
    providerName: textAt(info, 'x-providerName') ?? '',
    supportContact: supportContactOf(info) ?? '',
    version: textAt(info, 'version') ?? '',
  };
}

/** The document, fetched without credentials. */
async function fetchDocument(url: string, stopped: AbortSignal): Promise<Node> {
  const { status, text } = await refusing(`GET ${url}`, () =>
    callOut({
      ...{ method: 'GET', url, headers: { accept: 'application/json, */*;q=0.5' } },
      ...{ timeoutMs: DOCUMENT_TIMEOUT_MS, mostBytes: MOST_DOCUMENT_BYTES, stopped },
    }),
  );
  if (status !== 200) throw new AdminRefusal(400, `GET ${url} answered ${status}`);
  const document = parsedDocument(url, text);
  const problems = documentProblems(document);
  if (problems.length > 0)
    throw new AdminRefusal(400, `The OpenAPI document breaks rules:\n${problems.join('\n')}`);
  return document;
}

function parsedDocument(url: string, text: string): Node {
  try {
    // Every JSON text is YAML too.
    const document: unknown = parseYaml(text, { maxAliasCount: 100 });
    return isNode(document) ? document : {};
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split('\n', 1)[0] ?? '') : String(cause);
    throw new AdminRefusal(400, `${url} is neither JSON nor YAML: ${why}`);
  }
}

function accessOf(document: Node, { url, credentials }: Installation): Access {
  const scheme = securityScheme(document);
  if ('problem' in scheme) throw new AdminRefusal(400, scheme.problem);
  demandCredentials(scheme, credentials);
  return { base: baseOf(document, url), scheme, credentials };
}

/** @throws AdminRefusal with everything that is wrong with the definition */
export async function fetchDefinition(
  instance: Instance,
  access: Access,
  offers: readonly string[],
): Promise<ServiceDefinition> {
  const answer = await instance.flowSteps.calls.json(access, 'GET', '/getServiceDefinition');
  const problems = definitionProblems(answer, offers.includes('/getPicklist'));
  if (problems.length > 0)
    throw new AdminRefusal(400, `The service definition breaks rules:\n${problems.join('\n')}`);
  return definitionSchema.parse(answer);
}

/** Refuses credentials that lack what the scheme needs. */
export function demandCredentials(scheme: SecurityScheme, credentials: Credentials): void {
  const absent = missingCredentials(scheme, credentials);
  if (absent.length > 0)
    throw new AdminRefusal(400, `credentials: the service wants ${absent.join(' and ')}`);
}

/** Refuses values of global attributes and headers that the service does not know. */
export function checkGlobals(
  definition: ServiceDefinition,
  picklists: FlowStepService['picklists'],
  globals: Installation['globals'],
): void {
  const { globalAttributes, headers } = definition.invocationPayloadDef;
  for (const [name, given] of Object.entries(globals))
    // A header's value is sent with the global ones, and has no type.
    if (!headers.some((header) => header.name === name))
      checkParameter('globals', globalAttributes, picklists, 'global', name, given);
}

async function fetchIcons(
  instance: Instance,
  access: Access,
  offers: readonly string[],
): Promise<Record<string, Icon>> {
  const icons: Record<string, Icon> = {};
  for (const name of ['brandIcon', 'serviceIcon'] as const) {
    if (!offers.includes(`/${name}`)) continue;
    const { type, body } = await instance.flowSteps.calls.content(access, 'GET', `/${name}`);
    if (!type.startsWith('image/'))
      throw new AdminRefusal(400, `GET /${name} answered ${type || 'no content type'}, which is no image`);
    icons[name] = { contentType: type, bytes: body.length };
  }
  return icons;
}

async function fetchInstructions(
  instance: Instance,
  access: Access,
  offers: readonly string[],
): Promise<string | null> {
  if (!offers.includes('/providerInstructions')) return null;
  const { type, text } = await instance.flowSteps.calls.content(access, 'GET', '/providerInstructions');
  if (type !== 'text/html')
    throw new AdminRefusal(
      400,
      `GET /providerInstructions answered ${type || 'no content type'}, not text/html`,
    );
  return text.slice(0, INSTRUCTIONS_KEPT);
}
