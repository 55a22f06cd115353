import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { startDevServer } from '../../launch/temporal-server.js';

/** A Temporal server of a test file's own. */
export interface ScratchTemporal {
  /** `host:port` for clients and workers. */
  readonly address: string;
  /** Where its log is; goes with it. */
  readonly folder: string;
  readonly client: Client;
  readonly close: () => Promise<void>;
}

/** Starts the server that test/global-setup.ts found. */
export const startScratchTemporal = async (): Promise<ScratchTemporal> => {
  const folder = await mkdtemp(join(tmpdir(), 'contact-sync-temporal-'));
  const path = process.env['TEMPORAL_CLI_PATH'] ?? '';
  const server = await startDevServer({ path, port: 0, uiPort: 0, logFile: join(folder, 'temporal.log') });
  const connection = await Connection.connect({ address: server.address });
  const close = async (): Promise<void> => {
    await connection.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { address: server.address, folder, client: new Client({ connection }), close };
};
