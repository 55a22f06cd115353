import { answer, failureResponse, isWrite, refusalResponse, type Session } from './api.js';
import { runBatch } from './batch.js';
import { answerSignIn, isSignInAddress, signInFault } from '../sign-in/entra.js';
import { demandApplicationUser } from '../rights/caller.js';
import { DataverseError } from '../errors.js';
import { ConnectionDropped, faultResponse, garbageResponse, pause } from './fault-answers.js';
import type { Fault, Faults } from './faults.js';
import type { ServiceProtection } from './limits.js';
import type { ApiRequest, ApiResponse } from './messages.js';
import { apiRoot, type Organization } from '../organization.js';
import { cutBatch, oddBatch } from './odd-batch.js';
import type { Entitlement } from './entitlement.js';
import type { SignIn } from '../sign-in/sign-in.js';
import { newGuid } from '../rows/values.js';

/** All that stands behind the HTTP server. */
export interface Environment {
  readonly organization: Organization;
  readonly signIn: SignIn;
  readonly protection: ServiceProtection;
  readonly entitlement: Entitlement;
  readonly faults: Faults;
  readonly tenantId: string;
  readonly clientId: string;
}

interface Done {
  readonly response: ApiResponse;
  readonly parts: number;
  readonly write: boolean;
}

const plain = (response: ApiResponse, write = false): Done => ({ response, parts: 0, write });

const unauthorized = ({ organization, tenantId }: Environment): ApiResponse => ({
  status: 401,
  headers: {
    'WWW-Authenticate': `Bearer authorization_uri=https://login.microsoftonline.com/${tenantId}/oauth2/authorize, resource_id=${organization.origin}/`,
  },
  body: null,
  code: '401',
});

const batchAddress = new RegExp(`^${apiRoot}(\\$|%24)batch(\\?|$)`);

const runCounted = async (environment: Environment, request: ApiRequest, batch: number): Promise<Done> => {
  const { organization, protection, faults, clientId } = environment;
  const { executionMsPerRead, executionMsPerWrite, executionTakesTime } = organization.settings;
  const session: Session = { organization, clientId };
  const spend = async (reads: number, writes: number): Promise<void> => {
    const cost = reads * executionMsPerRead + writes * executionMsPerWrite;
    environment.entitlement.spend(reads + writes);
    protection.spend(organization.now(), cost);
    if (executionTakesTime && cost > 0) await pause(cost);
  };
  if (batchAddress.test(request.url)) {
    const outcome = await runBatch({ ...session, batch }, request, faults);
    await spend(outcome.reads, outcome.writes);
    return { response: outcome.response, parts: outcome.parts, write: outcome.writes > 0 };
  }
  const write = isWrite(request.method);
  const response = answer(session, request);
  await spend(write ? 0 : 1, write ? 1 : 0);
  return plain(response, write);
};

/** The wait of a refusal in the form that the setting chooses. */
const inRetryForm = (organization: Organization, response: ApiResponse): ApiResponse => {
  const wait = response.headers['Retry-After'];
  if (wait === undefined || organization.settings.retryAfter === 'seconds') return response;
  const date = new Date(organization.now() + Number(wait) * 1000).toUTCString();
  return { ...response, headers: { ...response.headers, 'Retry-After': date } };
};

/** Sign-in, limits, then the request itself; answers carry the product's diagnostic headers. */
const answerApi = async (
  environment: Environment,
  request: ApiRequest,
  callNumber: number,
  delay: number,
): Promise<Done> => {
  const { organization, signIn, protection } = environment;
  if (!signIn.accepts(organization.now(), request.headers['authorization'], organization.origin)) {
    return plain(unauthorized(environment));
  }
  try {
    demandApplicationUser(organization);
    environment.entitlement.enter(organization.now(), organization.settings);
    protection.enter(organization.now(), organization.settings);
  } catch (error) {
    if (error instanceof DataverseError) return plain(inRetryForm(organization, refusalResponse(error)));
    throw error;
  }
  try {
    if (delay > 0) await pause(delay);
    const done = await runCounted(environment, request, callNumber);
    const id = newGuid();
    const headers = {
      ...done.response.headers,
      ...protection.headers(organization.now(), organization.settings),
      'x-ms-service-request-id': id,
      REQ_ID: id,
    };
    return { ...done, response: { ...done.response, headers } };
  } finally {
    protection.leave();
  }
};

const execute = async (
  environment: Environment,
  request: ApiRequest,
  callNumber: number,
  delay: number,
): Promise<Done> => {
  if (!isSignInAddress(request)) return await answerApi(environment, request, callNumber, delay);
  if (delay > 0) await pause(delay);
  const { organization, signIn, tenantId } = environment;
  return plain(answerSignIn(organization, signIn, tenantId, request));
};

/** A refusal as the asked server words it: Microsoft Entra ID has words of its own. */
const refused = ({ organization }: Environment, request: ApiRequest, fault: Fault): ApiResponse => {
  const response = faultResponse(fault);
  if (!isSignInAddress(request) || fault.body !== 'odata') return response;
  const wait = response.headers['Retry-After'];
  return signInFault(organization.now(), fault, wait === undefined ? {} : { 'Retry-After': wait });
};

const afterFault = (response: ApiResponse, fault: Fault): ApiResponse => {
  if (fault.kind === 'afterWrite') return faultResponse(fault);
  if (fault.kind === 'cutBatch') return cutBatch(response, fault.wholeParts);
  return fault.kind === 'oddBatch' ? oddBatch(response, fault.shape) : response;
};

const underFault = async (
  environment: Environment,
  request: ApiRequest,
  callNumber: number,
  fault: Fault | undefined,
): Promise<Done> => {
  if (fault?.kind === 'drop') throw new ConnectionDropped();
  if (fault?.kind === 'refuse') return plain(refused(environment, request, fault));
  if (fault?.kind === 'garbage') return plain(garbageResponse());
  const delay = fault?.kind === 'slow' ? fault.delayMs : 0;
  const done = await execute(environment, request, callNumber, delay);
  if (fault?.kind === 'dropAfterWrite') throw new ConnectionDropped();
  return fault === undefined ? done : { ...done, response: afterFault(done.response, fault) };
};

/** Answers an HTTP request, or undefined when the connection is to be dropped. Each one is journalled. */
export const handle = async (
  environment: Environment,
  request: ApiRequest,
): Promise<ApiResponse | undefined> => {
  const { journal } = environment.organization;
  const n = journal.begin();
  const { method, url: path } = request;
  const fault = environment.faults.take(method, path, isSignInAddress(request) ? 'signIn' : 'request');
  try {
    const { response, parts, write } = await underFault(environment, request, n, fault);
    journal.call({ n, method, path, status: response.status, code: response.code, parts, write });
    return response;
  } catch (error) {
    const response = error instanceof ConnectionDropped ? undefined : failureResponse(error);
    const { status = 0, code = null } = response ?? {};
    journal.call({ n, method, path, status, code, parts: 0, write: isWrite(method) });
    return response;
  }
};
