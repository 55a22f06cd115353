import { onward } from '../campaigns/party.js';
import type { Instance } from '../instance.js';
import type { Chunk, ChunkState } from './chunk.js';
import { logStep, type StepOutcome } from './service-activity.js';

/** Ends the step for persons of a chunk: each gets the service's activity, and goes on to the next step. */
export function endStep(instance: Instance, chunk: Chunk, outcomes: ReadonlyMap<number, StepOutcome>): void {
  const { services, chunks } = instance.flowSteps;
  const service = services.byId(chunk.serviceId);
  for (const { objectContext, flowStepContext } of chunk.body.objectData) {
    const outcome = outcomes.get(objectContext.id);
    if (!outcome) continue;
    services.count(chunk.serviceId, outcome.success ? 'personsSucceeded' : 'personsUnsuccessful');
    if (service && instance.people.table.get(objectContext.id))
      logStep(instance, service, objectContext.id, flowStepContext, outcome);
  }
  chunk.waiting = chunk.waiting.filter((id) => !outcomes.has(id));
  for (const party of chunk.parties)
    instance.flows.add(
      onward(
        party,
        party.leadIds.filter((id) => outcomes.has(id)),
      ),
    );
  chunks.changed();
}

/** Ends a chunk that gets no answer: its persons are unsuccessful, and go on. */
export function giveUp(
  instance: Instance,
  chunk: Chunk,
  state: Extract<ChunkState, 'failed' | 'expired'>,
  reason: string,
): void {
  const { services, chunks } = instance.flowSteps;
  const errorCode = state === 'failed' ? 'SUBMISSION_FAILED' : 'NO_CALLBACK';
  chunk.state = state;
  chunk.notes = [...chunk.notes, reason];
  services.count(chunk.serviceId, state);
  services.tell(chunk.serviceId, `chunk ${chunk.n}: ${reason}`);
  const outcome: StepOutcome = { success: false, errorCode, reason };
  endStep(instance, chunk, new Map(chunk.waiting.map((id) => [id, outcome])));
  chunks.close(chunk);
}

/** Gives up the chunks whose callback is overdue. */
export function expireChunks(instance: Instance): void {
  const { chunks } = instance.flowSteps;
  const { flowStepCallbackMs } = instance.settings.current;
  for (let oldest = chunks.oldest(); oldest; oldest = chunks.oldest()) {
    if (oldest.submittedAt + flowStepCallbackMs > instance.now()) return;
    giveUp(instance, oldest, 'expired', 'there was no callback in time');
  }
}
