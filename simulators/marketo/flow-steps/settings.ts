import { z } from 'zod';
import { MOST_TIMER_MS } from '../timers.js';

const milliseconds = z.int().nonnegative().max(MOST_TIMER_MS);

/** Knobs of self-service flow steps: how services are called, and how their callbacks are taken. */
export const flowStepSettings = {
  /** Persons of a batch campaign in one invocation at most. */
  flowStepChunk: z.int().positive(),
  /** Persons of a trigger campaign in one invocation at most. */
  flowStepTriggerChunk: z.int().positive(),
  /** How long persons of a trigger campaign are gathered into one invocation, when it may hold several, ms. */
  flowStepGatherMs: milliseconds,
  /** Invocations in progress at most. */
  flowStepConcurrency: z.int().positive(),
  /** How long the service may take to answer, ms of real time. */
  flowStepTimeoutMs: milliseconds.min(1),
  /** How often an invocation is delivered again after 429, 5xx, a timeout, or no connection. */
  flowStepRedeliveries: z.int().nonnegative().max(100),
  /** The pause before it is delivered again, ms of real time. */
  flowStepRedeliveryMs: milliseconds,
  /** Every so many-th invocation is delivered a second time although it was answered with 201; 0 for none. */
  flowStepDuplicateEvery: z.int().nonnegative(),
  /** How long a callback is accepted, ms. */
  flowStepCallbackMs: z.int().positive(),
  /** HTTP status of an accepted callback. */
  flowStepCallbackStatus: z.int().min(200).max(299),
  /** Origin in the callback URL; empty for the simulator's own. */
  callbackOrigin: z.string().regex(/^(https?:\/\/[^/?#]+)?$/, 'expected an origin such as https://host:port'),
};

/** None of this is published: these are choices of ours. */
export const DEFAULT_FLOW_STEP_SETTINGS: z.infer<z.ZodObject<typeof flowStepSettings>> = {
  flowStepChunk: 300,
  flowStepTriggerChunk: 1,
  flowStepGatherMs: 0,
  flowStepConcurrency: 20,
  flowStepTimeoutMs: 30_000,
  flowStepRedeliveries: 3,
  flowStepRedeliveryMs: 1000,
  flowStepDuplicateEvery: 0,
  flowStepCallbackMs: 86_400_000,
  flowStepCallbackStatus: 202,
  callbackOrigin: '',
};
