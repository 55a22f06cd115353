import { Lanes } from '../outbound/lanes.js';
import type { Settings } from '../settings.js';
import { Chunks } from './chunk.js';
import { ServiceCalls } from './service-calls.js';
import { Services } from './service.js';

/** The self-service flow steps of an instance. */
export interface FlowSteps {
  readonly services: Services;
  readonly chunks: Chunks;
  readonly calls: ServiceCalls;
  /** How many invocations run at a time. */
  readonly lanes: Lanes;
}

export const createFlowSteps = (settings: () => Settings): FlowSteps => ({
  services: new Services(),
  chunks: new Chunks(),
  calls: new ServiceCalls(),
  lanes: new Lanes(() => settings().flowStepConcurrency),
});
