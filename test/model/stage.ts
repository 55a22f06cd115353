import { sql } from 'kysely';
import type { Database } from '../../store/database.js';
import { requestOf, runBackfill, startWorld, type World as RealWorld } from '../support/world.js';
import { startVirtualClock, type VirtualClock } from '../support/virtual-clock.js';
import { watchCalls, type WatchedCalls } from './calls.js';
import { runCycle } from './cycle.js';
import { CITY_LENGTH, CONFIG, STAMPED, type Kind, type Side } from './fields.js';
import type { Script } from './scenario.js';

/** The real system, made once and used for one script after the other. */
export interface Stage {
  readonly real: RealWorld;
  /** Through which cycles are run. */
  readonly calls: WatchedCalls;
  /** Through which requests are answered. */
  readonly requestCalls: WatchedCalls;
  /** Lets time pass. */
  readonly pass: (ms: number) => Promise<void>;
  /** Calls an administrative door; undefined where it refuses, as a product does what makes no sense. */
  readonly door: (side: Side, method: string, path: string, body?: unknown) => Promise<unknown>;
  /** Gives the sync user a right to a column of Dynamics, or takes it. */
  readonly grant: (kind: Kind, column: string, right: Right, given: boolean) => Promise<void>;
  /** Gives every right back. */
  readonly grantAll: () => Promise<void>;
  /** No record is anywhere, and both systems are set as the script wants them. */
  readonly reset: (script: Script) => Promise<void>;
  readonly close: () => Promise<void>;
}

export type Right = 'read' | 'write';

/** Tables that a script finds as the one before left them: what is read with the cursors is gone. */
const KEPT = ['budgets', 'call_slots', 'catalogs', 'cursors', 'cycles', 'installations', 'virtual_clock'];

/** What empties all other tables of the store, without a look at which of them point at which. */
const emptyingOf = async (db: Database): Promise<string> => {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class join pg_namespace n on n.oid = relnamespace
    where relkind = 'r' and not relispartition and nspname = 'public' or relkind = 'p'`.execute(db);
  const emptied = rows.filter(({ name }) => !KEPT.includes(name) && !name.startsWith('kysely'));
  return [
    'begin; set local session_replication_role = replica',
    ...emptied.map(({ name }) => `delete from "${name}"`),
    'commit',
  ].join('; ');
};

/** What runs leave behind in the tables makes the next ones slower. */
const VACUUM_AFTER = 25;

/** Longer than any overlap, deadline, claim or doubt. */
const LONG_MS = 30 * 60_000;

export const openStage = async (clock: VirtualClock = startVirtualClock()): Promise<Stage> => {
  let skewMs = 0;
  const real = await startWorld({
    config: CONFIG,
    clocks: { marketo: () => Date.now() + skewMs, dynamics: () => Date.now() },
    prepareDatabase: clock.prepareDatabase,
  });
  const calls = watchCalls(real.ports);
  const door = doorOf(real);
  for (const table of ['leads', 'contacts'])
    await door('dynamics', 'PATCH', `/admin/columns/${table}/address1_city`, { maxLength: CITY_LENGTH });
  await forgetCatalog(real, new Date(0));
  // Both tables are read as a whole once, and places in all streams are known.
  for (const restMs of [LONG_MS, LONG_MS]) {
    await runCycle(real.ports);
    await clock.pass(real.db, restMs);
  }
  const rights = rightsAt(door);
  const emptying = await emptyingOf(real.db);
  const pass = (ms: number): Promise<void> => clock.pass(real.db, ms);
  const catalogs = await real.db.selectFrom('catalogs').select(['name', 'content']).execute();
  /** The places in all streams, and what is known of both schemas, are as if nobody had ever taken a right. */
  const readAnew = async (): Promise<void> => {
    await forgetCatalog(real, new Date(0));
    await runCycle(real.ports);
    await runBackfill(real.ports);
    await pass(LONG_MS);
    await runCycle(real.ports);
    await sql.raw(emptying).execute(real.db);
    for (const { name, content } of catalogs) {
      const text = JSON.stringify(content);
      await real.db.updateTable('catalogs').set({ content: text }).where('name', '=', name).execute();
    }
  };
  let runs = 0;
  return {
    ...{ real, calls, pass, door, requestCalls: watchCalls(real.ports) },
    grant: rights.grant,
    grantAll: rights.grantAll,
    reset: async (script) => {
      real.empty();
      await sql.raw(emptying).execute(real.db);
      // From a whole second: the log of Marketo knows no finer.
      await pass(LONG_MS + 1_000 - (Date.now() % 1_000));
      await forgetCatalog(real, new Date());
      if (await rights.reopen()) await readAnew();
      real.select(script.stamps ? STAMPED : CONFIG);
      skewMs = script.skewMs;
      const { lagMs: commitLagMs, losersDeleted: mergeLosersDeleted } = script;
      await door('marketo', 'PATCH', '/admin/settings', {
        ...{ commitLagMs, mergeLosersDeleted, blockedFields: [] },
      });
      const { touches: touchAfterWrite, namesContact: qualifyFillsParents } = script;
      await door('dynamics', 'PATCH', '/admin/settings', { touchAfterWrite, qualifyFillsParents });
      await door('dynamics', 'PUT', '/admin/rules', { rules: [] });
      // Which of two writes meets the other's address first is chance; test/activities/twins-named.test.ts has these rules.
      await door('dynamics', 'PUT', '/admin/duplicate-rules', { rules: [] });
      if ((runs += 1) % VACUUM_AFTER === 0) await sql`vacuum`.execute(real.db);
    },
    close: real.close,
  };
};

/** From when on both schemas count as known. */
const forgetCatalog = async ({ db }: RealWorld, readAt: Date): Promise<void> => {
  await db.updateTable('catalogs').set({ read_at: readAt }).execute();
};

interface Rights {
  readonly grant: Stage['grant'];
  readonly grantAll: Stage['grantAll'];
  /** No column is secured any more; true if one was. */
  readonly reopen: () => Promise<boolean>;
}

/** A column is secured once a right to it is first taken. */
const rightsAt = (door: Stage['door']): Rights => {
  const held = new Map<string, Record<Right, boolean>>();
  const patch = async (path: string, { read, write }: Record<Right, boolean>, secured: boolean) => {
    const rights = { canRead: read, canUpdate: write, canCreate: write };
    await door('dynamics', 'PATCH', `/admin/columns/${path}`, { secured, ...rights });
  };
  return {
    grant: async (kind, column, right, given) => {
      const path = `${kind}s/${column}`;
      const rights = { ...(held.get(path) ?? ALL), [right]: given };
      held.set(path, rights);
      await patch(path, rights, true);
    },
    grantAll: async () => {
      for (const path of held.keys()) await patch(path, ALL, true);
    },
    reopen: async () => {
      const paths = [...held.keys()];
      for (const path of paths) await patch(path, ALL, false);
      held.clear();
      return paths.length > 0;
    },
  };
};

const ALL: Record<Right, boolean> = { read: true, write: true };

const doorOf =
  ({ marketo, dataverse }: RealWorld): Stage['door'] =>
  async (side, method, path, body) => {
    const response = await fetch(`${side === 'marketo' ? marketo : dataverse}${path}`, {
      method,
      ...(body !== undefined && {
        ...{ body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
      }),
    });
    const answer: unknown = await response.json();
    if (response.status >= 500) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return response.ok ? answer : undefined;
  };

export { requestOf };
