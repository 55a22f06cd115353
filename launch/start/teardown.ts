type Stop = () => Promise<void>;

/** In this order things stop: whoever is used by others stops after them. */
const ORDER = ['worker', 'clients', 'simulators', 'temporal', 'store'] as const;
export type Part = (typeof ORDER)[number];

/** What was started so far, and how each part stops. */
export interface Teardown {
  add(part: Part, stop: Stop): void;
  /** Stops everything, one part after the other; one that fails does not keep the others running. Safe to call twice. */
  run(tell: (line: string) => void): Promise<void>;
}

export const createTeardown = (): Teardown => {
  const stops = new Map<Part, Stop[]>();
  return {
    add: (part, stop) => void stops.set(part, [...(stops.get(part) ?? []), stop]),
    run: async (tell) => {
      for (const part of ORDER) {
        const all = stops.get(part) ?? [];
        stops.delete(part);
        for (const outcome of await Promise.allSettled(all.map((stop) => stop()))) {
          if (outcome.status === 'rejected') tell(`Stopping the ${part}: ${String(outcome.reason)}`);
        }
      }
    },
  };
};
