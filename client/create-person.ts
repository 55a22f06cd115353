import { isGrpcCancelledError, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { v7 as uuid } from 'uuid';
import type { CreatePersonResult, PersonRequest, RequestOutcome } from '../activities/contract.js';
import { within } from '../activities/deadline.js';
import { buildCreatePersonId, buildOnDemandQueue, WORKFLOW_TYPES } from '../config/names.js';
import type { Kind } from '../rules/terms.js';
import type { createPerson } from '../workflows/index.js';
import { requestedSignal } from '../workflows/names.js';
import type { Temporal } from './connections.js';
import { CommandFailure } from './failure.js';
import { atInstallation } from './installed.js';
import { EXIT, printJson, type Context, type ExitCode } from './io.js';
import { detailsOf } from './workflow-details.js';

export interface CreatePersonOptions {
  readonly as: Kind;
  readonly owner?: string;
  readonly requestId?: string;
  readonly campaign?: string;
  readonly wait: boolean;
  /** Milliseconds that `wait` lasts at most. */
  readonly timeout: number;
  readonly json: boolean;
}

export interface PersonAsked {
  readonly installation: string;
  readonly marketoId: number;
  readonly request: PersonRequest;
}

type CreatePersonHandle = WorkflowHandle<typeof createPerson>;

/** Asks for a person's record in Dynamics. A request that runs already for this person is joined. */
export const askForPerson = ({ client }: Temporal, asked: PersonAsked): Promise<CreatePersonHandle> => {
  const { installation, marketoId, request } = asked;
  return client.workflow.signalWithStart<typeof createPerson, [PersonRequest]>(WORKFLOW_TYPES.createPerson, {
    workflowId: buildCreatePersonId({ installation, marketoId }),
    taskQueue: buildOnDemandQueue(installation),
    args: [{ marketoId }],
    signal: requestedSignal,
    signalArgs: [request],
    staticSummary: `Sync Person to Dynamics: person ${String(marketoId)}`,
  });
};

/** `contact-sync create-person`. */
export const runCreatePerson = (
  { env, io }: Context,
  marketoId: number,
  options: CreatePersonOptions,
): Promise<ExitCode> =>
  atInstallation(env, async (temporal, installation) => {
    const request = requestOf(options);
    const handle = await askForPerson(temporal, { installation, marketoId, request });
    const { workflowId } = handle;
    if (!options.json) io.out(`Requested: workflow ${workflowId}`);
    if (!options.wait) {
      if (options.json) printJson(io, { workflowId, requestId: request.requestId });
      return EXIT.ok;
    }
    const result = await resultOf(temporal, handle, options.timeout, io.signal);
    if (options.json) printJson(io, { workflowId, requestId: request.requestId, ...result });
    else io.out(sentenceOf(marketoId, result));
    return DONE[result.outcome] ? EXIT.ok : EXIT.notDone;
  });

const requestOf = ({ as, owner, requestId, campaign }: CreatePersonOptions): PersonRequest => ({
  requestId: requestId ?? uuid(),
  campaignId: campaign ?? null,
  requestedAt: new Date().toISOString(),
  syncAs: as,
  ...(owner === undefined ? {} : { ownerId: owner }),
});

const resultOf = async (
  temporal: Temporal,
  handle: CreatePersonHandle,
  timeoutMs: number,
  stopped: AbortSignal | undefined,
): Promise<CreatePersonResult> => {
  const signal = within(stopped ?? new AbortController().signal, timeoutMs);
  try {
    return await temporal.client.withAbortSignal(signal, () => handle.result());
  } catch (error) {
    stopped?.throwIfAborted();
    if (error instanceof WorkflowFailedError) throw failed(handle.workflowId, error);
    if (!isGrpcCancelledError(error)) throw error;
    const said = await detailsOf(temporal, handle);
    throw new CommandFailure(`No answer within ${String(timeoutMs / 1000)} s; the request stays open.`, {
      hints: [
        said === undefined
          ? 'Check that a worker runs for this installation (npm run worker).'
          : `It says: ${said}`,
        `What it is doing: workflow ${handle.workflowId} in Temporal UI. Asking again joins the same request.`,
      ],
      cause: error,
    });
  }
};

/** The innermost cause says what happened; the layers around it only say where. */
const failed = (workflowId: string, error: WorkflowFailedError): CommandFailure => {
  let cause: Error = error;
  while (cause.cause instanceof Error) cause = cause.cause;
  return new CommandFailure(`The request failed: ${cause.message}`, {
    hints: [`All of it: workflow ${workflowId} in Temporal UI.`],
    cause: error,
  });
};

/** Whether there is a record in Dynamics in the end. */
const DONE: Readonly<Record<RequestOutcome, boolean>> = {
  created: true,
  linked: true,
  'already-there': true,
  refused: false,
  ambiguous: false,
  'merged-away': false,
  'out-of-scope': false,
  'not-found': false,
};

const sentenceOf = (marketoId: number, { outcome, kind, dynamicsId, code }: CreatePersonResult): string => {
  const person = `Person ${String(marketoId)}`;
  const record = `${kind ?? 'record'} ${dynamicsId ?? ''}`.trim();
  switch (outcome) {
    case 'created':
      return `${person}: created as ${record}`;
    case 'linked':
      return `${person}: linked to ${record}, which was there`;
    case 'already-there':
      return `${person}: already there as ${record}; nothing was changed`;
    case 'refused':
      return `${person}: refused (${code ?? 'no code'}). The reason is in the person's activity log.`;
    case 'ambiguous':
      return `${person}: set aside, several records may belong to it. contact-sync resolve lists them.`;
    case 'merged-away':
      return `${person}: its record was merged into ${record}, which belongs to another person. Merge the two persons.`;
    case 'out-of-scope':
      return kind === null
        ? `${person}: out of scope, by its own flag or a hold; nothing was made. contact-sync why ${String(marketoId)} may say more.`
        : `${person}: its record may be ${record}, which is out of scope; nothing was made.`;
    case 'not-found':
      return `${person}: there is no such person in Marketo`;
  }
};
