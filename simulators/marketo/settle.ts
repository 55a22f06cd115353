import { settleBulk } from './bulk/index.js';
import { settleFlows } from './campaigns/engine.js';
import type { Instance } from './instance.js';

/** Carries out what would have happened by now. Called before anybody looks. */
export function settleInstance(instance: Instance): void {
  settleBulk(instance);
  settleFlows(instance);
}
