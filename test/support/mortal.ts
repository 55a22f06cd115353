import type { Ports } from '../../activities/settings.js';

/** A worker that was killed: nothing of what it would have done next happens. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** The moment of the next death, by side. */
export type CrashPlan = Partial<Record<'marketo' | 'dynamics', 'before' | 'after' | undefined>>;

/** Connectors through which a run can be ended at a writing call. */
export const mortal = (ports: Ports, plan: CrashPlan): Ports => {
  const around = async <T>(side: 'marketo' | 'dynamics', call: () => Promise<T>): Promise<T> => {
    const when = plan[side];
    if (when === undefined) return call();
    plan[side] = undefined;
    if (when === 'after') await call();
    throw new Crash(`killed ${when} a call to ${side}`);
  };
  const { marketo, dynamics } = ports;
  return {
    ...ports,
    marketo: {
      ...marketo,
      syncPersons: (...args) => around('marketo', () => marketo.syncPersons(...args)),
      addActivities: (...args) => around('marketo', () => marketo.addActivities(...args)),
    },
    dynamics: {
      ...dynamics,
      write: (operations, options) => {
        const silent = plan.dynamics === undefined ? options : {};
        return around('dynamics', () => dynamics.write(operations, silent));
      },
      writeOne: (...args) => around('dynamics', () => dynamics.writeOne(...args)),
    },
  };
};
