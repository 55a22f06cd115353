import { afterEach } from 'vitest';
import {
  startDataverseSimulator,
  type DataverseSimulator,
  type DataverseSimulatorOptions,
} from '../../simulators/dataverse/index.js';

/** A simulated Dataverse that ends with the test, and its administrative door. */
export interface DataverseScene {
  readonly simulator: DataverseSimulator;
  admin(method: string, path: string, body?: unknown): Promise<Readonly<Record<string, unknown>>>;
  /** Every column of a row as the simulator holds it. */
  row(table: string, id: string): Promise<Readonly<Record<string, unknown>>>;
}

const started: DataverseSimulator[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((simulator) => simulator.close()));
});

export async function dataverseScene(options: DataverseSimulatorOptions = {}): Promise<DataverseScene> {
  const simulator = await startDataverseSimulator(options);
  started.push(simulator);
  const admin: DataverseScene['admin'] = async (method, path, body) => {
    const content =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${simulator.origin}/admin${path}`, { method, ...content });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Readonly<Record<string, unknown>>;
  };
  return {
    simulator,
    admin,
    row: async (table, id) =>
      (await admin('GET', `/rows/${table}/${id}`))['row'] as Readonly<Record<string, unknown>>,
  };
}
