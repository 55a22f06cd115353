import { setTimeout as wait } from 'node:timers/promises';
import type { Instance } from '../instance.js';
import { NoAnswer } from '../outbound/call-out.js';
import type { Chunk } from './chunk.js';
import { giveUp } from './ending.js';
import type { FlowStepService } from './service.js';

const MOST_ANSWER_BYTES = 65_536;
const ACCEPTED = 201;

type Outcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'refused' | 'again'; readonly why: string };

/**
 * Delivers a chunk until it is accepted: again, with the same token, after 429, 5xx, a timeout or no connection. A
 * callback that comes meanwhile ends it too.
 */
export async function deliver(instance: Instance, chunk: Chunk): Promise<void> {
  const { services, calls, chunks } = instance.flowSteps;
  for (let attempt = 0; chunk.state === 'sending'; attempt++) {
    const service = services.byId(chunk.serviceId);
    if (!service) {
      giveUp(instance, chunk, 'failed', 'the service was deleted');
      return;
    }
    const outcome = await attemptOf(instance, service, chunk);
    if (outcome.kind === 'stopped') return;
    if (outcome.kind === 'accepted') return accepted(instance, service, chunk);
    if (!isSending(chunk)) return;
    services.count(service.id, 'refused');
    const { flowStepRedeliveries, flowStepRedeliveryMs } = instance.settings.current;
    if (outcome.kind === 'refused' || attempt >= flowStepRedeliveries) {
      giveUp(instance, chunk, 'failed', outcome.why);
      return;
    }
    chunk.notes = [...chunk.notes, outcome.why];
    chunks.changed();
    await wait(flowStepRedeliveryMs, undefined, { ref: false });
    if (calls.stopped.aborted || !isSending(chunk)) return;
    services.count(service.id, 'redelivered');
  }
}

/** The state changes while a delivery waits, which the compiler does not see. */
const isSending = (chunk: Chunk): boolean => chunk.state === 'sending';

async function accepted(instance: Instance, service: FlowStepService, chunk: Chunk): Promise<void> {
  const { services, chunks } = instance.flowSteps;
  services.count(service.id, 'accepted');
  if (chunk.state === 'sending') chunk.state = 'accepted';
  chunks.changed();
  const { flowStepDuplicateEvery } = instance.settings.current;
  if (flowStepDuplicateEvery === 0 || chunk.n % flowStepDuplicateEvery !== 0) return;
  services.count(service.id, 'duplicated');
  await attemptOf(instance, service, chunk);
}

function attemptOf(instance: Instance, service: FlowStepService, chunk: Chunk): Promise<Outcome> {
  return instance.flowSteps.lanes.run(async () => {
    chunk.deliveries++;
    try {
      const { status } = await instance.flowSteps.calls.call(service, {
        method: 'POST',
        path: '/submitAsyncAction',
        body: chunk.body,
        timeoutMs: instance.settings.current.flowStepTimeoutMs,
        mostBytes: MOST_ANSWER_BYTES,
      });
      if (status === ACCEPTED) return { kind: 'accepted' };
      const why = `the service answered ${status}`;
      return { kind: status === 429 || status >= 500 ? 'again' : 'refused', why };
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return error.kind === 'stopped' ? { kind: 'stopped' } : { kind: 'again', why: error.message };
    }
  });
}
