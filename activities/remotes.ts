import type { DynamicsEnvironment, MarketoEnvironment } from '../config/environment.js';
import type { SyncConfig } from '../config/sync-config.js';
import { createDynamics, DEFAULT_DEADLINES, type Deadlines, type Dynamics } from '../dynamics/index.js';
import { createMarketo, DEFAULT_TIMING, type Marketo } from '../marketo/index.js';
import { createBudget, DYNAMICS_LIMITS, MARKETO_LIMITS, type CallLimits } from '../store/budget.js';
import type { Database } from '../store/database.js';
import type { ReconciliationSettings, Timing } from './settings.js';

export interface Remotes {
  readonly marketo: Marketo;
  readonly dynamics: Dynamics;
  /** Resolves when the store has what was told to the budgets, so that it can be closed. */
  close(): Promise<void>;
}

export interface RemotesEnvironment {
  readonly marketo: MarketoEnvironment;
  readonly dynamics: DynamicsEnvironment;
}

/** Both connectors, each under the budget that all processes share through the store. */
export const openRemotes = (env: RemotesEnvironment, config: SyncConfig, db: Database): Remotes => {
  const { credential, ...settings } = env.dynamics;
  const budgets = {
    marketo: createBudget(db, 'marketo', marketoLimits(config.budget.marketo)),
    dynamics: createBudget(db, 'dynamics', { ...DYNAMICS_LIMITS, share: config.budget.dynamics.share }),
  };
  const marketo = createMarketo(env.marketo, {
    budget: budgets.marketo,
    timing: marketoDeadlines(config.timing.call),
  });
  const dynamics = createDynamics(
    { ...settings, ...signInBy(credential) },
    {
      budget: budgets.dynamics,
      deadlines: dynamicsDeadlines(config.timing.call),
    },
  );
  return {
    marketo,
    dynamics,
    close: async () => {
      marketo.close();
      dynamics.close();
      await Promise.all([budgets.marketo.settled(), budgets.dynamics.settled()]);
    },
  };
};

const marketoLimits = ({ share, dailyQuota, dailyReserve }: SyncConfig['budget']['marketo']): CallLimits => ({
  ...MARKETO_LIMITS,
  share,
  daily: { calls: dailyQuota, reserve: dailyReserve },
});

/**
 * Deadlines of single HTTP calls, below the longest that a call may take with its wait. The slots that a killed worker
 * held come free after them.
 */
const marketoDeadlines = (callMs: number) => ({
  callMs: Math.min(DEFAULT_TIMING.callMs, callMs),
  identityMs: Math.min(DEFAULT_TIMING.identityMs, callMs),
  pagingTokenMs: Math.min(DEFAULT_TIMING.pagingTokenMs, callMs + 10_000),
});

const dynamicsDeadlines = (callMs: number): Deadlines => ({
  readMs: Math.min(DEFAULT_DEADLINES.readMs, callMs),
  writeMs: Math.min(DEFAULT_DEADLINES.writeMs, callMs),
  signInMs: Math.min(DEFAULT_DEADLINES.signInMs, callMs),
});

const signInBy = (credential: DynamicsEnvironment['credential']) => {
  if (credential.kind === 'secret') return { clientSecret: credential.secret };
  const { thumbprintSha256, privateKey, certificate } = credential;
  const x5c = certificate === undefined ? {} : { x5c: certificate };
  return { certificate: { thumbprintSha256, privateKey, ...x5c } };
};

export const timingOf = (restMs: number, config: SyncConfig): Timing => ({
  restMs,
  overlapMs: config.timing.overlap,
  doubtMs: config.timing.doubt,
  marketoDeadlineMs: config.timing.call,
  dynamicsDeadlineMs: config.timing.call,
  takeoverMs: config.timing.takeover,
  probeMs: config.timing.probe,
});

export const reconciliationOf = ({ reconciliation }: SyncConfig): ReconciliationSettings => ({
  everyMs: reconciliation.every,
  callsPerMinute: reconciliation.callsPerMinute,
});
