import type { Instance } from '../instance.js';
import type { Activity, ActivityDetail } from './activity-log.js';

/** Logs what happens to a person at this moment; readers see it after the commit lag. */
export const logNow = (
  instance: Instance,
  entry: { readonly leadId: number; readonly typeId: number; readonly detail: ActivityDetail },
): Activity =>
  instance.log.append({
    ...entry,
    recordedAt: instance.now(),
    lagMs: instance.settings.current.commitLagMs,
  });
