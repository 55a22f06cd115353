import { afterEach } from 'vitest';
import {
  startMarketoSimulator,
  type MarketoSimulator,
  type MarketoSimulatorOptions,
} from '../../simulators/marketo/index.js';

export type Row = Readonly<Record<string, unknown>>;

/** A simulated Marketo that ends with the test, and its administrative door. */
export interface MarketoScene {
  readonly simulator: MarketoSimulator;
  admin(method: string, path: string, body?: unknown): Promise<Row>;
  /** A person as the simulator holds it. */
  person(id: number): Promise<Row>;
  /** The activities in the simulator's log, as its door shows them. */
  activities(query?: string): Promise<readonly Row[]>;
}

const started: MarketoSimulator[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((simulator) => simulator.close()));
});

export async function marketoScene(options: MarketoSimulatorOptions = {}): Promise<MarketoScene> {
  const simulator = await startMarketoSimulator(options);
  started.push(simulator);
  const admin: MarketoScene['admin'] = async (method, path, body) => {
    const content =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${simulator.origin}/admin${path}`, { method, ...content });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Row;
  };
  return {
    simulator,
    admin,
    person: async (id) => (await admin('GET', `/persons/${id}`))['person'] as Row,
    activities: async (query = '') =>
      (await admin('GET', `/activities${query}`))['activities'] as readonly Row[],
  };
}
