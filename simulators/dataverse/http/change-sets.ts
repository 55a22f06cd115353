import { answer, failureResponse, isWrite, refusalResponse, type Session } from './api.js';
import { DataverseError } from '../errors.js';
import { ConnectionDropped, faultResponse, garbageResponse, pause } from './fault-answers.js';
import type { Fault, Faults } from './faults.js';
import type { ApiRequest, ApiResponse } from './messages.js';
import { apiRoot, rootUrl, tableNamed, type Organization } from '../organization.js';
import { atomically } from '../rows/transaction.js';

/** Part of a batch whose requests belong together. */
export interface ChangeSet {
  readonly members: readonly SetMember[];
}

export interface SetMember extends ApiRequest {
  readonly contentId: string;
}

/** The answers to the members of a set that took effect. */
export type SetDone = readonly { readonly contentId: string; readonly response: ApiResponse }[];

/** One answer for each member, or one refusal for the whole set. */
type SetOutcome = { readonly done: SetDone } | { readonly refusal: ApiResponse };

/** Ends a set's transaction; what it carries is the answer. */
class SetRefused extends Error {
  readonly response: ApiResponse;

  constructor(response: ApiResponse) {
    super('The change set was refused.');
    this.response = response;
  }
}

const refuse = (message: string): SetRefused =>
  new SetRefused(refusalResponse(new DataverseError(400, '0x80060888', message)));

type References = ReadonlyMap<string, string>;

const resolved = (references: References, contentId: string): string => {
  const url = references.get(contentId);
  if (url !== undefined) return url;
  throw refuse(`Content-ID Reference: '$${contentId}' does not exist in the batch context.`);
};

const urlPattern = new RegExp(
  `^(?:[^?]*${apiRoot.replace(/\./g, '\\.')}|/)?\\$(?!metadata\\b)([\\w-]+)(.*)$`,
  's',
);

/** `$1/nav/$ref` -> the address of the row that request 1 made, and what follows. */
const resolveUrl = (url: string, references: References): string => {
  const match = urlPattern.exec(url);
  return match === null ? url : resolved(references, match[1] ?? '') + (match[2] ?? '');
};

const isReference = (key: string): boolean => key === '@odata.id' || key.endsWith('@odata.bind');

const resolveBody = (body: string, references: References): string => {
  if (!body.includes('$')) return body;
  try {
    return JSON.stringify(
      JSON.parse(body, (key: string, value: unknown): unknown => {
        const match = typeof value === 'string' && isReference(key) ? /^\/?\$([\w-]+)$/.exec(value) : null;
        return match === null ? value : resolved(references, match[1] ?? '');
      }),
    );
  } catch (error) {
    // A body that is no JSON is refused, in better words, by the request itself.
    if (error instanceof SyntaxError) return body;
    throw error;
  }
};

/** The address of the row that a member wrote; a representation carries the key instead of the address. */
const addressOf = (organization: Organization, request: ApiRequest, response: ApiResponse): string => {
  const header = response.headers['OData-EntityId'];
  if (header !== undefined) return header;
  const set = /([A-Za-z]+)(?:\(.*)?$/s.exec(request.url.split('?')[0] ?? '')?.[1] ?? '';
  const table = tableNamed(organization, set);
  const row = response.body === null ? {} : (JSON.parse(response.body) as Record<string, unknown>);
  const id = table === undefined ? undefined : row[table.shape.key];
  return typeof id === 'string' ? `${rootUrl(organization)}${set}(${id})` : request.url;
};

const answering = ['drop', 'slow', 'missingPart', 'afterWrite', 'dropAfterWrite'];

const runMember = (
  session: Session,
  member: SetMember,
  fault: Fault | undefined,
  references: References,
): { request: ApiRequest; response: ApiResponse } => {
  if (fault?.kind === 'garbage') throw new SetRefused(garbageResponse());
  if (fault !== undefined && !answering.includes(fault.kind)) throw new SetRefused(faultResponse(fault));
  if (!isWrite(member.method)) throw refuse(`A change set cannot contain a ${member.method} request.`);
  const request = {
    ...member,
    url: resolveUrl(member.url, references),
    body: resolveBody(member.body, references),
  };
  const response = answer(session, request);
  if (response.status >= 400) throw new SetRefused(response);
  return { request, response };
};

const takeFaults = async (faults: Faults, set: ChangeSet): Promise<(Fault | undefined)[]> => {
  const taken = set.members.map(({ method, url }) => faults.take(method, url, 'part'));
  for (const fault of taken) {
    if (fault?.kind === 'drop') throw new ConnectionDropped();
    if (fault?.kind === 'slow') await pause(fault.delayMs);
  }
  return taken;
};

/** Carries out a set: every member, or nothing. `$1` in addresses and references is what member 1 wrote. */
export const runChangeSet = async (session: Session, set: ChangeSet, faults: Faults): Promise<SetOutcome> => {
  const { organization } = session;
  for (const { method, url } of set.members) organization.journal.count(method, url, true);
  const taken = await takeFaults(faults, set);
  const references = new Map<string, string>();
  try {
    const done = atomically(organization, () =>
      set.members.map((member, index) => {
        const { request, response } = runMember(session, member, taken[index], references);
        references.set(member.contentId, addressOf(organization, request, response));
        return { contentId: member.contentId, response };
      }),
    );
    if (taken.some((fault) => fault?.kind === 'dropAfterWrite')) throw new ConnectionDropped();
    const after = taken.find((fault) => fault?.kind === 'afterWrite');
    return after === undefined ? { done } : { refusal: faultResponse(after) };
  } catch (error) {
    if (error instanceof ConnectionDropped) throw error;
    return { refusal: error instanceof SetRefused ? error.response : failureResponse(error) };
  }
};
