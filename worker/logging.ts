import { DefaultLogger, Runtime, type LogLevel } from '@temporalio/worker';
import { pino, type Logger } from 'pino';

const LEVELS: Readonly<Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/** Structured logs, ours and the SDK's, one JSON line each; must be called before anything else of the SDK. */
export const installLogging = (level: string): Logger => {
  const logger = pino({ level, base: { service: 'contact-sync-worker' } });
  Runtime.install({
    logger: new DefaultLogger('TRACE', ({ level: severity, message, meta }) => {
      const { error, ...rest } = meta ?? {};
      logger[LEVELS[severity]]({ ...rest, ...(error === undefined ? {} : { err: error }) }, message);
    }),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'WARN' } } },
  });
  return logger;
};
