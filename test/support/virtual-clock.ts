import pg from 'pg';
import type { Database } from '../../store/database.js';

/** A clock that can be put forward, for this process and for one database. */
export interface VirtualClock {
  /** Lets time pass in an instant. */
  readonly pass: (db: Database, ms: number) => Promise<void>;
  /** To be called on the empty database: what asks it for the time gets the time of this process. */
  readonly prepareDatabase: (url: string) => Promise<void>;
}

let ahead = 0;

/**
 * From now on `Date` tells a time of ours. Timers run as before: what is passed over is the time in which nothing
 * happens, such as a rest or a deadline. For a process of its own: nothing puts `Date` back.
 */
export const startVirtualClock = (): VirtualClock => {
  const Machine = Date;
  const now = (): number => Machine.now() + ahead;
  globalThis.Date = new Proxy(Machine, {
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
    apply: () => new Machine(now()).toString(),
    get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
  });
  return { pass, prepareDatabase };
};

const pass = async (db: Database, ms: number): Promise<void> => {
  ahead += ms;
  await db
    .updateTable('virtual_clock' as never)
    .set({ ahead } as never)
    .execute();
};

/** Functions of the same names that are found first; they are bound when tables are made, so this comes before. */
const prepareDatabase = async (url: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>('select current_database() as name');
    await client.query(`alter database "${rows[0]?.name ?? ''}" set search_path = public, pg_catalog`);
    await client.query(`create table virtual_clock (ahead double precision not null)`);
    await client.query(`insert into virtual_clock values (${String(ahead)})`);
    for (const name of ['now', 'clock_timestamp']) {
      await client.query(`create function public.${name}() returns timestamptz language sql volatile as
        'select pg_catalog.clock_timestamp() + ahead * interval ''1 millisecond'' from public.virtual_clock'`);
    }
  } finally {
    await client.end();
  }
};
