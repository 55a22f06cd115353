import { randomUUID } from 'node:crypto';
import { requireInstallation, refreshCatalog } from '../../activities/catalog.js';
import { onBackfillLane } from '../../activities/backfill.js';
import type { Chunk, CreatePersonInput, CreatePersonResult, Stopped } from '../../activities/contract.js';
import { createPerson } from '../../activities/create-person.js';
import { begin, complete, followAndOpen, prepare } from '../../activities/cycle.js';
import { diff } from '../../activities/diff.js';
import { fetchDynamics } from '../../activities/fetch-dynamics.js';
import { fetchMarketo } from '../../activities/fetch-marketo.js';
import { logRejections } from '../../activities/log-rejections.js';
import { pushToDynamics } from '../../activities/push-dynamics.js';
import { pushToMarketo } from '../../activities/push-marketo.js';
import { recordOutcome } from '../../activities/record-outcome.js';
import { resolve } from '../../activities/resolve.js';
import type { Attempt, Ports, ReconciliationSettings, Timing } from '../../activities/settings.js';
import { parseSyncConfig } from '../../config/sync-config.js';
import { DEFAULT_CONFIG } from '../../config/default-config.js';
import { createDynamics } from '../../dynamics/index.js';
import { createMarketo } from '../../marketo/index.js';
import { unlimitedBudget, type CallBudget } from '../../rules/budget.js';
import type { Link } from '../../rules/link.js';
import type { Kind } from '../../rules/terms.js';
import { adminDoors, type AdminDoors, type AdminRecord } from '../../simulators/admin-doors.js';
import { startDataverseSimulator } from '../../simulators/dataverse/index.js';
import { startMarketoSimulator } from '../../simulators/marketo/index.js';
import { migrate, openDatabase, type Database } from '../../store/database.js';
import { saveInstallation } from '../../store/installations.js';
import { linkOf } from '../../store/links.js';
import { findDuplicates, isSettled } from './at-rest.js';
import { newAttempt, retried } from './attempts.js';
import { losePage, runBackfill, type Backfilled } from './backfill.js';
import { freshDatabase } from './database.js';
import { elapse } from './elapse.js';
import { mortal, type CrashPlan } from './mortal.js';
import { rejectionLeaks } from './rejections.js';

export { newAttempt, retried } from './attempts.js';
export { runBackfill, type Backfilled } from './backfill.js';
export { Crash } from './mortal.js';

type Values = Record<string, string | number | boolean | null>;

export interface WorldOptions {
  readonly persons?: readonly Values[];
  readonly leads?: readonly Values[];
  readonly contacts?: readonly Values[];
  readonly timing?: Partial<Timing>;
  readonly onMarketoDelete?: 'keep' | 'recreate';
  readonly reconciliation?: Partial<ReconciliationSettings>;
  /** Text of a field selection; the product's default without it. */
  readonly config?: string;
  /** Under which calls to Marketo are made; without limits unless given. */
  readonly marketoBudget?: (db: Database) => CallBudget;
  /** Clocks of the two systems, epoch ms; the machine's unless given. */
  readonly clocks?: Readonly<Record<'marketo' | 'dynamics', () => number>>;
  /** Prepares the empty database, before anything connects to it. */
  readonly prepareDatabase?: (url: string) => Promise<void>;
}

/** What the steps of one cycle reported. */
export interface CycleOutcome {
  readonly fetched: Awaited<ReturnType<typeof fetchMarketo>>;
  readonly leads: Awaited<ReturnType<typeof fetchDynamics>>;
  readonly contacts: Awaited<ReturnType<typeof fetchDynamics>>;
  readonly diffs: Awaited<ReturnType<typeof diff>>[];
  readonly resolved: Awaited<ReturnType<typeof resolve>>[];
  readonly pushed: Awaited<ReturnType<typeof pushToDynamics>>[];
  readonly logged: number;
  /** Why the guard on mass change let nothing be pushed. */
  readonly stopped: Stopped | undefined;
}

/** Both simulators over real HTTP, a real store, and the cycle's steps run in this process. */
export interface World {
  readonly ports: Ports;
  readonly db: Database;
  readonly doors: AdminDoors;
  readonly marketo: string;
  readonly dataverse: string;
  readonly attempt: () => Attempt;
  readonly cycle: (
    between?: Partial<Record<'fetched' | 'resolved', () => Promise<void>>>,
  ) => Promise<CycleOutcome>;
  /** Turns of the backfill lane until nothing is due there; returns what they did, and the last pass's counts. */
  readonly backfill: (most?: number) => Promise<Backfilled>;
  /** Runs cycles until one finds nothing to do; fails after `most`. */
  readonly quiet: (most?: number) => Promise<number>;
  /** Runs cycles, time passing between them, until nothing is open, in doubt or to be told; fails after `most`. */
  readonly settled: (most?: number) => Promise<void>;
  /** Records that should not be: persons of one row, rows or persons of one e-mail address. */
  readonly duplicates: () => Promise<string[]>;
  /** Changes and deletions that no change feed tells of. */
  readonly beneath: {
    readonly editRow: (
      table: 'leads' | 'contacts',
      id: string,
      values: Values,
      version?: 'kept' | 'moved',
    ) => Promise<void>;
    readonly deleteRow: (table: 'leads' | 'contacts', id: string) => Promise<void>;
    readonly editPerson: (id: number, values: Values) => Promise<void>;
    readonly deletePerson: (id: number) => Promise<void>;
    /** Whatever the next page of changes of this table would tell is lost. */
    readonly losePage: (kind: Kind) => Promise<void>;
  };
  /** Another field selection from here on, as after a restart of the worker. */
  readonly select: (config: string) => void;
  readonly request: (marketoId: number, syncAs?: 'lead' | 'contact') => Promise<CreatePersonResult>;
  readonly person: (id: number) => Promise<AdminRecord>;
  readonly row: (table: 'leads' | 'contacts', id: string) => Promise<AdminRecord>;
  readonly links: () => Promise<Link[]>;
  readonly linkOfPerson: (marketoId: number) => Promise<Link>;
  /** Journal of writes and calls since the last look. */
  readonly calls: () => Promise<{
    readonly marketo: Record<string, number>;
    readonly dynamics: Record<string, number>;
  }>;
  readonly fault: (side: 'marketo' | 'dynamics', fault: Readonly<Record<string, unknown>>) => Promise<void>;
  /** Ends the run, as a killed worker does, at its next writing call to this side: before it, or before its answer. */
  readonly crash: (side: 'marketo' | 'dynamics', when: 'before' | 'after') => void;
  /** Withdraws all faults; true if each of them struck at least once. */
  readonly faultsStruck: () => Promise<boolean>;
  readonly setting: (
    side: 'marketo' | 'dynamics',
    settings: Readonly<Record<string, unknown>>,
  ) => Promise<void>;
  /** Drops the records of both systems, in an instant and without a trace; the store is not told. */
  readonly empty: () => void;
  /** Fails if the store holds an open rejection that parks nothing, or the other way round. */
  readonly close: () => Promise<void>;
}

const json = async (method: string, url: string, body?: unknown): Promise<unknown> => {
  const response = await fetch(url, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  if (!response.ok)
    throw new Error(`${method} ${url} answered ${String(response.status)}: ${await response.text()}`);
  return response.json();
};

export const startWorld = async (options: WorldOptions = {}): Promise<World> => {
  const [database, marketoSimulator, dataverseSimulator] = await Promise.all([
    freshDatabase(),
    startMarketoSimulator({ limits: 'off', persons: options.persons ?? [], ...nowOf(options, 'marketo') }),
    startDataverseSimulator({
      limits: 'off',
      leads: options.leads ?? [],
      contacts: options.contacts ?? [],
      ...nowOf(options, 'dynamics'),
    }),
  ]);
  await options.prepareDatabase?.(database.url);
  const db = openDatabase(database.url);
  await migrate(db);
  const ports = portsOf(db, { ...marketoSimulator.environment, ...dataverseSimulator.environment }, options);
  await setUp(ports);
  const origins = { marketo: marketoSimulator.origin, dataverse: dataverseSimulator.origin };
  const plan: CrashPlan = {};
  const world = worldOf(mortal(ports, plan), origins, plan);
  return {
    ...world,
    empty: () => {
      marketoSimulator.empty();
      dataverseSimulator.empty();
    },
    close: async () => {
      const leaks = await rejectionLeaks(db);
      ports.marketo.close();
      ports.dynamics.close();
      await db.destroy();
      await Promise.all([database.drop(), marketoSimulator.close(), dataverseSimulator.close()]);
      if (leaks.length > 0) throw new Error(leaks.join('; '));
    },
  };
};

const nowOf = ({ clocks }: WorldOptions, side: 'marketo' | 'dynamics'): { now?: () => number } =>
  clocks === undefined ? {} : { now: clocks[side] };

const portsOf = (db: Database, env: Readonly<Record<string, string>>, options: WorldOptions): Ports => {
  const config = parseSyncConfig(options.config ?? DEFAULT_CONFIG, 'sync.config.yaml');
  const value = (name: string): string => env[name] ?? '';
  return {
    db,
    marketo: createMarketo(
      {
        endpoint: value('MARKETO_ENDPOINT'),
        identity: value('MARKETO_IDENTITY'),
        clientId: value('MARKETO_CLIENT_ID'),
        clientSecret: value('MARKETO_CLIENT_SECRET'),
      },
      {
        budget: options.marketoBudget?.(db) ?? unlimitedBudget,
        timing: { rateLimitMs: 5, concurrencyMs: 5 },
      },
    ),
    dynamics: createDynamics(
      {
        url: value('DATAVERSE_URL'),
        tenantId: value('ENTRA_TENANT_ID'),
        clientId: value('DATAVERSE_CLIENT_ID'),
        clientSecret: value('DATAVERSE_CLIENT_SECRET'),
        tokenEndpoint: value('ENTRA_TOKEN_ENDPOINT'),
      },
      { budget: unlimitedBudget },
    ),
    installation: 'test',
    choices: config.fields,
    scope: config.scope,
    stampColumn: config.stampColumn,
    onMarketoDelete: options.onMarketoDelete ?? 'keep',
    guard: config.guard,
    ledgerMonths: config.ledger.months,
    reconciliation: { everyMs: null, callsPerMinute: 60_000, ...options.reconciliation },
    timing: {
      restMs: 0,
      overlapMs: 300_000,
      doubtMs: 120_000,
      marketoDeadlineMs: 60_000,
      dynamicsDeadlineMs: 60_000,
      takeoverMs: 30_000,
      probeMs: 3_600_000,
      ...options.timing,
    },
  };
};

const text = (apiName: string) => ({ apiName, name: apiName, dataType: 'string' as const });

/** What `contact-sync setup` makes, as far as the steps need it. */
const setUp = async (ports: Ports): Promise<void> => {
  const { marketo, dynamics, db } = ports;
  await marketo.createFields([
    { name: 'dynamicsId', displayName: 'Dynamics Id', type: 'string' },
    { name: 'dynamicsType', displayName: 'Dynamics Type', type: 'string' },
    { name: 'dynamicsDeleted', displayName: 'Dynamics Deleted', type: 'boolean' },
  ]);
  const type = (apiName: string, name: string, attributes: readonly string[]) =>
    marketo.ensureActivityType({
      apiName,
      name,
      triggerName: `${name} trigger`,
      filterName: `${name} filter`,
      primaryAttribute: text('recordId'),
      attributes: attributes.map(text),
    });
  const refused = await type('dynamicsSyncRefused', 'Dynamics Sync Refused', [
    'direction',
    'field',
    'code',
    'message',
    'ledgerId',
  ]);
  const syncPerson = await type('dynamicsSyncPerson', 'Dynamics Sync Person', [
    'outcome',
    'syncAs',
    'recordType',
    'campaignId',
    'requestId',
    'message',
    'ledgerId',
  ]);
  const { userId, organizationId } = await dynamics.whoAmI();
  const activityTypes = { refused: refused.id, syncPerson: syncPerson.id };
  await saveInstallation(
    db,
    { id: randomUUID(), name: 'test', syncUserId: userId, organizationId, activityTypes },
    ports.choices,
  );
  await refreshCatalog(ports, (await requireInstallation(ports)).syncUserId);
};

const worldOf = (
  ports: Ports,
  { marketo, dataverse }: { marketo: string; dataverse: string },
  plan: CrashPlan,
): Omit<World, 'close' | 'empty'> => {
  const { db } = ports;
  const armed = { marketo: [] as number[], dynamics: [] as number[] };
  const world: Omit<World, 'close' | 'empty'> = {
    ports,
    db,
    doors: adminDoors({ marketo, dataverse }),
    marketo,
    dataverse,
    attempt: newAttempt,
    cycle: (between = {}) => runCycle(ports, between),
    backfill: (most) => runBackfill(onBackfillLane(ports), most),
    quiet: async (most = 8) => {
      for (let count = 1; count <= most; count += 1) {
        const { diffs, logged } = await world.cycle();
        if (logged === 0 && diffs.every(({ links, converged }) => links === converged)) return count;
      }
      throw new Error(`not quiet after ${String(most)} cycles`);
    },
    settled: async (most = 12) => {
      for (let count = 1; count <= most; count += 1) {
        const { diffs } = await world.cycle();
        const idle = diffs.every(({ links, converged }) => links === converged);
        if (idle && (await isSettled(db, await world.links()))) return;
        await elapse(db, ports.timing.marketoDeadlineMs + ports.timing.doubtMs);
      }
      throw new Error(`not settled after ${String(most)} cycles`);
    },
    duplicates: () => findDuplicates(world.doors),
    beneath: {
      editRow: async (table, id, values, version = 'kept') => {
        await json('PATCH', `${dataverse}/admin/beneath/${table}/${id}?version=${version}`, values);
      },
      deleteRow: async (table, id) => {
        await json('DELETE', `${dataverse}/admin/beneath/${table}/${id}`);
      },
      editPerson: async (id, values) => {
        await json('PATCH', `${marketo}/admin/beneath/persons/${String(id)}`, values);
      },
      deletePerson: async (id) => {
        await json('DELETE', `${marketo}/admin/beneath/persons/${String(id)}`);
      },
      losePage: (kind) => losePage(ports, kind),
    },
    select: (config) => {
      const { fields: choices, stampColumn } = parseSyncConfig(config, 'sync.config.yaml');
      Object.assign(ports, { choices, stampColumn });
    },
    request: async (marketoId, syncAs = 'lead') => {
      const input = requestOf(marketoId, syncAs);
      const result = await retried((attempt) => createPerson(ports, input, attempt));
      await retried((attempt) => recordOutcome(ports, { ...input, result }, attempt));
      return result;
    },
    person: async (id) =>
      ((await json('GET', `${marketo}/admin/persons/${String(id)}`)) as { person: AdminRecord }).person,
    row: async (table, id) =>
      ((await json('GET', `${dataverse}/admin/rows/${table}/${id}`)) as { row: AdminRecord }).row,
    links: async () => (await db.selectFrom('links').selectAll().orderBy('id').execute()).map(linkOf),
    linkOfPerson: async (marketoId) => {
      const link = (await world.links()).find(
        (each) => each.marketoId === marketoId && each.status !== 'ended',
      );
      if (link === undefined) throw new Error(`no link of person ${String(marketoId)}`);
      return link;
    },
    calls: async () => {
      const [a, b] = await Promise.all([
        json('GET', `${marketo}/admin/journal/summary`),
        json('GET', `${dataverse}/admin/journal/summary`),
      ]);
      await Promise.all([
        json('DELETE', `${marketo}/admin/journal`),
        json('DELETE', `${dataverse}/admin/journal`),
      ]);
      return { marketo: a as Record<string, number>, dynamics: b as Record<string, number> };
    },
    fault: async (side, fault) => {
      await json('POST', `${side === 'marketo' ? marketo : dataverse}/admin/faults`, fault);
      armed[side].push(Number(fault['times'] ?? 1));
    },
    crash: (side, when) => {
      plan[side] = when;
    },
    faultsStruck: async () => {
      let struck = true;
      for (const [side, origin] of Object.entries({ marketo, dynamics: dataverse })) {
        const { faults } = (await json('GET', `${origin}/admin/faults`)) as {
          faults: { times: number; remaining?: number }[];
        };
        await json('DELETE', `${origin}/admin/faults`);
        const times = armed[side as keyof typeof armed].splice(0);
        struck &&= faults.every(({ remaining, times: left }) => !times.includes(remaining ?? left));
      }
      return struck;
    },
    setting: async (side, settings) => {
      await json('PATCH', `${side === 'marketo' ? marketo : dataverse}/admin/settings`, settings);
    },
  };
  return world;
};

export const requestOf = (marketoId: number, syncAs: 'lead' | 'contact' = 'lead'): CreatePersonInput => ({
  marketoId,
  requests: [{ requestId: randomUUID(), campaignId: '1', requestedAt: new Date().toISOString(), syncAs }],
});

const runCycle = async (
  ports: Ports,
  between: Partial<Record<'fetched' | 'resolved', () => Promise<void>>>,
): Promise<CycleOutcome> => {
  const { cycle: number } = await begin(ports);
  const reference = () => ({ cycle: number, at: new Date().toISOString() });
  await prepare(ports, reference(), newAttempt());
  const [fetched, leads, contacts] = await Promise.all([
    retried((attempt) => fetchMarketo(ports, reference(), attempt)),
    retried((attempt) => fetchDynamics(ports, 'lead', reference(), attempt)),
    retried((attempt) => fetchDynamics(ports, 'contact', reference(), attempt)),
  ]);
  await between.fetched?.();
  const { chunks, stopped } = await retried((attempt) => followAndOpen(ports, reference(), attempt));
  const outcome = { diffs: [], resolved: [], pushed: [] } as Pick<
    CycleOutcome,
    'diffs' | 'resolved' | 'pushed'
  >;
  for (const chunk of chunks) await runChunk(ports, { ...reference(), chunk }, outcome, between);
  const { logged } = await retried((attempt) => logRejections(ports, reference(), attempt));
  await complete(ports, { ...reference(), outcome: 'completed', counts: {}, notBefore: null });
  return { fetched, leads, contacts, ...outcome, logged, stopped };
};

const runChunk = async (
  ports: Ports,
  input: { cycle: number; at: string; chunk: Chunk },
  outcome: Pick<CycleOutcome, 'diffs' | 'resolved' | 'pushed'>,
  between: Partial<Record<'fetched' | 'resolved', () => Promise<void>>>,
): Promise<void> => {
  outcome.diffs.push(await retried((attempt) => diff(ports, input, attempt)));
  outcome.resolved.push(await retried((attempt) => resolve(ports, input, attempt)));
  await between.resolved?.();
  outcome.pushed.push(
    ...(await Promise.all([
      retried((attempt) => pushToDynamics(ports, input, attempt)),
      retried((attempt) => pushToMarketo(ports, input, attempt)),
    ])),
  );
};
