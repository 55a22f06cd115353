import { sql } from 'kysely';
import type { SeedPerson } from '../../simulators/population/index.js';
import type { Database } from '../../store/database.js';
import { rotateLedger, writeLedger } from '../../store/ledger.js';
import { insertLinks, linksById, saveLinks } from '../../store/links.js';
import { atRest, line, newLink } from './records.js';

/** Bytes on disk of a table. */
export interface Size {
  /** Rows, and values that PostgreSQL keeps apart because they are long. */
  readonly rows: number;
  readonly indexes: number;
  readonly total: number;
}

const AT_ONCE = 1_000;

const sizeOf = async (db: Database, table: 'links' | 'ledger'): Promise<Size> => {
  const parts =
    table === 'links' ? sql`(values ('links'::regclass)) as part (relid)` : sql`pg_partition_tree('ledger')`;
  const { rows } = await sql<{ rows: number; indexes: number }>`
    select sum(pg_table_size(relid))::bigint as rows, sum(pg_indexes_size(relid))::bigint as indexes
    from ${parts}`.execute(db);
  const { rows: held = 0, indexes = 0 } = rows[0] ?? {};
  return { rows: held, indexes, total: held + indexes };
};

export const perRow = ({ rows, indexes, total }: Size, count: number): Size => ({
  rows: Math.round(rows / count),
  indexes: Math.round(indexes / count),
  total: Math.round(total / count),
});

const batches = function* (count: number): Generator<readonly [number, number]> {
  for (let from = 0; from < count; from += AT_ONCE) yield [from, Math.min(count, from + AT_ONCE)];
};

/** Makes links as the sync does, from a row without a person to a pair at rest; returns their ids in order. */
const fill = async (db: Database, people: readonly SeedPerson[], decided: number): Promise<number[]> => {
  const ids: number[] = [];
  for (const [from, to] of batches(people.length)) {
    const some = people.slice(from, to);
    const made = await insertLinks(
      db,
      some.map((person, n) => newLink(person, from + n)),
    );
    const linked = made.map((link, n) => atRest(link, some[n] ?? {}, from + n, decided));
    await saveLinks(db, linked, 300_000);
    ids.push(...made.map(({ id }) => id));
  }
  return ids;
};

export interface LinkSizes {
  readonly links: number;
  /** Packed, as after a restore. */
  readonly packed: Size;
  /** After each link was saved once more and PostgreSQL cleaned up as it does by itself: what a running store takes. */
  readonly running: Size;
}

/** @param decided fields of each link that were decided at least once, of 25. */
export const measureLinks = async (
  db: Database,
  people: readonly SeedPerson[],
  decided: number,
): Promise<LinkSizes> => {
  await sql`truncate links cascade`.execute(db);
  const ids = await fill(db, people, decided);
  await sql`vacuum full links`.execute(db);
  const packed = await sizeOf(db, 'links');
  for (const [from, to] of batches(ids.length)) {
    await saveLinks(db, await linksById(db, ids.slice(from, to)), 300_000);
    // Autovacuum runs at a fifth of dead rows.
    if (to % Math.ceil(ids.length / 5) < AT_ONCE) await sql`vacuum links`.execute(db);
  }
  const running = await sizeOf(db, 'links');
  return { links: ids.length, packed: perRow(packed, ids.length), running: perRow(running, ids.length) };
};

export interface LineSizes {
  readonly fields: number;
  readonly line: Size;
  readonly perDecision: number;
}

/** Lines of so many decisions each, written as the sync writes them. */
export const measureLines = async (
  db: Database,
  people: readonly SeedPerson[],
  fields: number,
): Promise<LineSizes> => {
  await sql`truncate ledger`.execute(db);
  await rotateLedger(db, 1);
  for (const [from, to] of batches(people.length)) {
    const some = people.slice(from, to);
    await writeLedger(
      db,
      some.map((person, n) => line(from + n + 1, fields, person, some[(n + 1) % some.length] ?? person)),
    );
  }
  const each = perRow(await sizeOf(db, 'ledger'), people.length);
  return { fields, line: each, perDecision: Math.round(each.total / fields) };
};
