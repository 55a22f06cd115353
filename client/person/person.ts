import { WorkflowNotFoundError } from '@temporalio/client';
import { readEnvironment } from '../../config/environment.js';
import { buildCreatePersonId } from '../../config/names.js';
import type { TemporalEnvironment } from '../../config/environment.js';
import type { Link } from '../../rules/link.js';
import { linksOfRecord } from '../../store/links.js';
import { openStore } from '../../store/open.js';
import { requestsOfPerson, type PersonRequestState } from '../../store/person-requests.js';
import { connectTemporal } from '../connections.js';
import { explain } from '../failure.js';
import { requireInstalled } from '../installed.js';
import { EXIT, printJson, type Context, type ExitCode } from '../io.js';
import { detailsOf } from '../workflow-details.js';

/** How the workflow that creates this person stands, and what it says of itself. */
export interface WorkState {
  readonly workflowId: string;
  /** `never`: no request was made in real time within Temporal's retention; `unknown`: Temporal does not answer. */
  readonly state: 'running' | 'ended' | 'never' | 'unknown';
  readonly details: string | null;
}

export interface PersonState {
  readonly marketoId: number;
  readonly links: readonly Pick<
    Link,
    'kind' | 'status' | 'dynamicsId' | 'dirty' | 'candidates' | 'successor'
  >[];
  readonly requests: readonly PersonRequestState[];
  readonly work: WorkState;
}

const MOST_REQUESTS = 20;

/** `contact-sync person`: where a person stands, from the store and Temporal; asks no remote. */
export const runPerson = async (
  { env, io }: Context,
  marketoId: number,
  { json }: { readonly json: boolean },
): Promise<ExitCode> => {
  const environment = readEnvironment(env, ['store', 'temporal']);
  const store = await openStore(environment.store);
  try {
    await requireInstalled(store.db, environment.installation);
    const [links, requests, work] = await Promise.all([
      linksOfRecord(store.db, { marketoId }),
      requestsOfPerson(store.db, marketoId, MOST_REQUESTS),
      readWork(
        environment.temporal,
        buildCreatePersonId({ installation: environment.installation, marketoId }),
      ),
    ]);
    const state: PersonState = { marketoId, links: links.map(pick), requests, work };
    if (json) printJson(io, state);
    else io.out(render(state));
    return EXIT.ok;
  } finally {
    await store.close();
  }
};

const pick = ({
  kind,
  status,
  dynamicsId,
  dirty,
  candidates,
  successor,
}: Link): PersonState['links'][number] => ({
  ...{ kind, status, dynamicsId, dirty, candidates, successor },
});

const ASK_MS = 2_000;

const readWork = async (environment: TemporalEnvironment, workflowId: string): Promise<WorkState> => {
  try {
    const temporal = await connectTemporal(environment);
    try {
      const { client } = temporal;
      const handle = client.workflow.getHandle(workflowId);
      const found = await client.withDeadline(Date.now() + ASK_MS, () => handle.describe());
      const state = found.status.name === 'RUNNING' ? 'running' : 'ended';
      return { workflowId, state, details: (await detailsOf(temporal, handle)) ?? null };
    } finally {
      await temporal.close();
    }
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { workflowId, state: 'never', details: null };
    return { workflowId, state: 'unknown', details: explain(error).message };
  }
};

const render = ({ marketoId, links, requests, work }: PersonState): string =>
  [
    `Person ${String(marketoId)}`,
    ...(links.length === 0 ? ['  no record in Dynamics that the sync knows of'] : links.map(linkLine)),
    ...(requests.length === 0 ? ['  never asked for by a campaign'] : ['Requests, the newest first']),
    ...requests.map(requestLine),
    `Workflow ${work.workflowId}: ${work.state}${work.details === null ? '' : `: ${work.details}`}`,
  ].join('\n');

const linkLine = ({ kind, status, dynamicsId, dirty, candidates }: PersonState['links'][number]): string => {
  const others = (candidates ?? []).map(({ side, id }) => `${side} ${id}`).join(', ');
  const notes = [
    dirty ? 'to be looked at by the next cycle' : '',
    others === '' ? '' : `candidates: ${others}`,
  ];
  return [`  ${kind} ${dynamicsId ?? ''}: ${status}`, ...notes.filter((note) => note !== '')].join('; ');
};

const requestLine = (request: PersonRequestState): string => {
  const { requestedAt, syncAs, campaignId, outcome, kind, dynamicsId, code, callback, ahead } = request;
  const asked = `  ${requestedAt}  as ${syncAs}${campaignId === null ? '' : `, campaign ${campaignId}`}`;
  const became =
    outcome === null
      ? `waits, ${String(ahead ?? 0)} persons before it`
      : `${outcome}${code === null ? '' : ` (${code})`}${dynamicsId === null ? '' : ` ${kind ?? ''} ${dynamicsId}`}`;
  return `${asked}: ${became}${callback === null ? '' : `; callback ${callback}`}`;
};
