import { child, dereferenced, isNode, textAt, type Node } from './json.js';
import { securityScheme } from './security-scheme.js';

/** Endpoints that a service may have; that its document names one is how Marketo knows. */
export const OPTIONAL_PATHS = [
  '/getPicklist',
  '/brandIcon',
  '/serviceIcon',
  '/providerInstructions',
] as const;

const RESPONSES = ['201', '400', '401', '403', '429', '500'];
const CALLBACK_KEY = '{$request.body#/flowComplete}';
const CALLBACK_HEADERS = ['x-api-key', 'x-callback-token'];

/**
 * What keeps an OpenAPI document from being installed, each with its place; empty for a good one. The rules are those of
 * Adobe's service provider interface (schema.yaml).
 */
export function documentProblems(document: unknown): string[] {
  if (!isNode(document)) return ['The document is no object'];
  const scheme = securityScheme(document);
  return [
    ...generalProblems(document),
    ...('problem' in scheme ? [scheme.problem] : []),
    ...operation(document, '/submitAsyncAction', 'post', (post) => submitProblems(document, post)),
    ...operation(document, '/getServiceDefinition', 'get', (get) =>
      answerProblems(document, get, '/getServiceDefinition', 'serviceDefinition'),
    ),
    ...operation(document, '/status', 'get', (get) =>
      answerProblems(document, get, '/status', 'serviceStatus'),
    ),
    ...optionalProblems(document),
  ];
}

function generalProblems(document: Node): string[] {
  const problems: string[] = [];
  if (!/^3\.\d+\.\d+/.test(textAt(document, 'openapi') ?? ''))
    problems.push('openapi: must be a version 3, such as 3.0.1');
  const info = child(document, 'info');
  for (const name of ['title', 'version', 'x-providerName'])
    if (textAt(info, name) === undefined) problems.push(`info.${name}: is missing`);
  if (supportContactOf(info) === undefined)
    problems.push('info.x-supportContact: needs x-supportEmail or x-supportPage');
  if (info['x-schemaVersion'] !== '1.0.0') problems.push('info.x-schemaVersion: must be 1.0.0');
  const servers = document['servers'];
  const first: unknown = Array.isArray(servers) ? servers[0] : undefined;
  if (first !== undefined && (!isNode(first) || textAt(first, 'url') === undefined))
    problems.push('servers[0].url: is missing');
  return problems;
}

/** An address of e-mail or of a page; older documents have it as a plain text. */
export const supportContactOf = (info: Node): string | undefined => {
  const contact = child(info, 'x-supportContact');
  return (
    textAt(info, 'x-supportContact') ?? textAt(contact, 'x-supportEmail') ?? textAt(contact, 'x-supportPage')
  );
};

function operation(
  document: Node,
  path: string,
  method: 'get' | 'post',
  check: (operation: Node) => string[],
): string[] {
  const found = child(document, 'paths', path)[method];
  return isNode(found) ? check(found) : [`paths.${path}.${method}: is missing`];
}

function submitProblems(document: Node, post: Node): string[] {
  const at = 'paths./submitAsyncAction.post';
  const responses = child(post, 'responses');
  const problems = RESPONSES.filter((status) => !isNode(responses[status])).map(
    (status) => `${at}.responses.${status}: must be declared`,
  );
  if (!hasBody(document, post)) problems.push(`${at}.requestBody: is missing`);
  const callback = child(post, 'callbacks')['selfServiceFlowComplete'];
  if (!isNode(callback)) return [...problems, `${at}.callbacks.selfServiceFlowComplete: is missing`];
  const item = dereferenced(document, callback)[CALLBACK_KEY];
  const where = `${at}.callbacks.selfServiceFlowComplete`;
  if (!isNode(item) || !isNode(item['post']))
    return [...problems, `${where}: needs the key '${CALLBACK_KEY}' with a post`];
  return [...problems, ...callbackProblems(document, item['post'], `${where}.post`)];
}

function callbackProblems(document: Node, post: Node, at: string): string[] {
  const given: readonly unknown[] = Array.isArray(post['parameters']) ? post['parameters'] : [];
  const parameters = given.map((parameter) => dereferenced(document, parameter));
  const problems = CALLBACK_HEADERS.filter(
    (header) =>
      !parameters.some(({ in: place, name }) => place === 'header' && String(name).toLowerCase() === header),
  ).map((header) => `${at}.parameters: the header ${header} is missing`);
  if (!hasBody(document, post)) problems.push(`${at}.requestBody: is missing`);
  for (const status of ['404', '405'])
    if (!isNode(child(post, 'responses')[status]))
      problems.push(`${at}.responses.${status}: must be declared`);
  return problems;
}

const hasBody = (document: Node, operation: Node): boolean =>
  isNode(child(dereferenced(document, operation['requestBody']), 'content')['application/json']);

function answerProblems(document: Node, operation: Node, path: string, name: string): string[] {
  const wanted = `#/components/schemas/${name}`;
  const answer = dereferenced(document, child(operation, 'responses')['200']);
  const schema = child(answer, 'content', 'application/json', 'schema');
  const at = `paths.${path}.responses.200.content.application/json.schema`;
  if (schema['$ref'] !== wanted) return [`${at}: must be exactly $ref '${wanted}'`];
  return isNode(child(document, 'components', 'schemas')[name])
    ? []
    : [`components.schemas.${name}: is missing, although ${path} refers to it`];
}

function optionalProblems(document: Node): string[] {
  return offeredPaths(document).flatMap((path) => {
    if (path === '/getPicklist')
      return operation(document, path, 'post', (post) => [
        ...(hasBody(document, post) ? [] : [`paths.${path}.post.requestBody: is missing`]),
        ...answerProblems(document, post, path, 'picklistObject'),
      ]);
    const wanted = path === '/providerInstructions' ? 'text/html' : 'image/*';
    return operation(document, path, 'get', (get) => {
      const answer = dereferenced(document, child(get, 'responses')['200']);
      return child(answer, 'content')[wanted] === undefined
        ? [`paths.${path}.get.responses.200.content: must be ${wanted}`]
        : [];
    });
  });
}

/** The optional endpoints that a document declares. */
export const offeredPaths = (document: Node): readonly (typeof OPTIONAL_PATHS)[number][] =>
  OPTIONAL_PATHS.filter((path) => child(document, 'paths')[path] !== undefined);

/** Where the endpoints are: the first server, or else the directory of the document. */
export function baseOf(document: Node, documentUrl: string): string {
  const servers = document['servers'];
  const first: unknown = Array.isArray(servers) ? servers[0] : undefined;
  const url = isNode(first) ? textAt(first, 'url') : undefined;
  return new URL(url ?? '.', documentUrl).href.replace(/\/+$/, '');
}
