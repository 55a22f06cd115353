import { CALL_WEBHOOK } from '../activities/activity-log.js';
import { logNow } from '../activities/log-now.js';
import type { Campaign } from '../campaigns/campaign.js';
import { onward, type Party } from '../campaigns/party.js';
import { plainly, resolved, type Encode, type TokenContext } from '../campaigns/tokens.js';
import type { Instance } from '../instance.js';
import { callOut, NoAnswer, type OutboundRequest } from '../outbound/call-out.js';
import { applyMappings } from './response-mappings.js';
import type { Webhook } from './webhook.js';

const MOST_ANSWER_BYTES = 1_048_576;
const IN_A_BATCH = 1000;
const EMPTY_BODY = 1001;
/** Not documented: what a time-out and a failed connection are called here. */
const TIMED_OUT = 408;
const NOT_CONNECTED = 503;

/** How values of tokens stand in a payload (Adobe developer docs, "Webhooks": Request Token Encoding). */
const ENCODINGS: Readonly<Record<Webhook['encoding'], Encode>> = {
  none: plainly,
  // JSON: strings get their quotes and escapes here, so the template has none around a token.
  json: (value) => JSON.stringify(value),
  form: (value) => encodeURIComponent(plainly(value)).replaceAll('%20', '+'),
};

const CONTENT_TYPES: Readonly<Record<Webhook['encoding'], string>> = {
  none: 'text/plain; charset=utf-8',
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
};

interface Answer {
  readonly text: string;
  /** 0 for a call without an error. */
  readonly errorType: number;
}

/** Calls a webhook for each person, one call a person, never twice; the flow goes on whatever the answer is. */
export function callWebhooks(instance: Instance, campaign: Campaign, name: string, party: Party): void {
  const webhook = instance.webhooks.byName(name);
  const next = onward(party, party.leadIds);
  if (!webhook || campaign.type === 'batch') {
    if (webhook)
      for (const id of party.leadIds) log(instance, webhook, id, { text: '', errorType: IN_A_BATCH });
    instance.flows.add(next);
    return;
  }
  for (const id of party.leadIds) void callFor(instance, webhook, campaign, { ...next, leadIds: [id] }, id);
}

async function callFor(
  instance: Instance,
  webhook: Webhook,
  campaign: Campaign,
  next: Party,
  id: number,
): Promise<void> {
  // A call that the simulator's end cuts off is not made again: the person goes on without it.
  const back = instance.flows.away(next);
  const answer = await instance.webhookLanes.run(() => answerFor(instance, webhook, campaign, next, id));
  if (!answer) return;
  back();
  const person = instance.people.table.get(id);
  if (person) {
    log(instance, webhook, id, answer);
    if (answer.errorType === 0) applyMappings(instance, webhook, campaign, person, answer.text);
  }
  instance.flows.add(next);
}

/** Undefined when the simulator ended. */
async function answerFor(
  instance: Instance,
  webhook: Webhook,
  campaign: Campaign,
  { run }: Party,
  id: number,
): Promise<Answer | undefined> {
  const { stopped } = instance.flowSteps.calls;
  const person = instance.people.table.get(id);
  if (stopped.aborted) return undefined;
  if (!person) return { text: '', errorType: EMPTY_BODY };
  try {
    const request = requestOf(instance, webhook, { person, campaign, run });
    const { status, text } = await callOut({ ...request, stopped });
    if (status < 200 || status > 299) return { text, errorType: status };
    return { text, errorType: text === '' ? EMPTY_BODY : 0 };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    if (error.kind === 'stopped') return undefined;
    return { text: error.message, errorType: error.kind === 'timeout' ? TIMED_OUT : NOT_CONNECTED };
  }
}

function requestOf(
  instance: Instance,
  { url, method, payload, encoding, headers }: Webhook,
  context: TokenContext,
): OutboundRequest {
  const sent = Object.entries(headers).map(([name, value]): [string, string] => [
    name.toLowerCase(),
    resolved(instance, context, value).replace(/[^\t\x20-\xff]/g, ''),
  ]);
  const hasBody = method !== 'GET' && payload !== '';
  return {
    method,
    url: resolved(instance, context, url, encoding === 'form' ? ENCODINGS.form : plainly),
    headers: {
      ...(hasBody ? { 'content-type': CONTENT_TYPES[encoding] } : {}),
      ...Object.fromEntries(sent),
    },
    ...(hasBody ? { body: resolved(instance, context, payload, ENCODINGS[encoding]) } : {}),
    timeoutMs: instance.settings.current.webhookTimeoutMs,
    mostBytes: MOST_ANSWER_BYTES,
  };
}

const SHOWN = 2000;

/** Call Webhook (110). */
function log(instance: Instance, { id, name }: Webhook, leadId: number, { text, errorType }: Answer): void {
  logNow(instance, {
    leadId,
    typeId: CALL_WEBHOOK,
    detail: {
      kind: 'plain',
      primaryId: id,
      primaryValue: name,
      attributes: { Response: text.slice(0, SHOWN), 'Error Type': errorType === 0 ? null : errorType },
    },
  });
}
