import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import { read, unreadable, type Reading } from './reading.js';

/** How to reach Temporal, as the SDK's connections take it. */
export interface TemporalEnvironment {
  readonly connectionOptions: ClientConnectConfig['connectionOptions'] & { readonly address: string };
  readonly namespace: string;
}

const DEFAULT_ADDRESS = 'localhost:7233';
const DEFAULT_NAMESPACE = 'default';

/** Reads `TEMPORAL_*` and Temporal's own profile file, as all of Temporal's SDKs do (Temporal docs, "Environment configuration"). */
export function readTemporal(variables: Record<string, string>): Reading<TemporalEnvironment> {
  let config: ClientConnectConfig;
  try {
    config = loadClientConnectConfig({ overrideEnvVars: variables });
  } catch (error) {
    return unreadable(`TEMPORAL_* cannot be used: ${firstLine(error)}`);
  }
  const address = config.connectionOptions.address ?? DEFAULT_ADDRESS;
  if (!/^[^\s/:]+:\d{1,5}$|^\[[\da-f:]+\]:\d{1,5}$/i.test(address)) {
    return unreadable(
      `TEMPORAL_ADDRESS must be a host and a port, like ${DEFAULT_ADDRESS}, without a scheme.`,
    );
  }
  return read({
    connectionOptions: { ...config.connectionOptions, address },
    namespace: config.namespace ?? DEFAULT_NAMESPACE,
  });
}

// A parser's message goes on with an excerpt of the file, which may hold an API key.
const firstLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error).split('\n', 1)[0] ?? '';
