import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { openStore } from '../../store/open.js';
import { measureLines, measureLinks } from './measure.js';
import { persons } from './records.js';
import { report, type Measured } from './report.js';

interface Options {
  readonly links: number;
  readonly json: boolean;
}

const readCount = (text: string): number => {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 2_000 && count <= 1_000_000) return count;
  throw new InvalidArgumentError('Expected a whole number from 2000 to 1000000.');
};

/** Fields of a link that were ever decided: what the figures of links are for, beside a link whose fields never were. */
const DECIDED = 5;

const run = async ({ links, json }: Options): Promise<void> => {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const people = persons(links);
  const dataDir = await mkdtemp(join(tmpdir(), 'contact-sync-bench-'));
  const store = await openStore({ dataDir }, { onProgress: say });
  try {
    const growth = [];
    for (const part of [0.25, 0.5, 1]) {
      const some = people.slice(0, Math.round(links * part));
      say(`${some.length} links`);
      growth.push(await measureLinks(store.db, some, DECIDED));
    }
    say(`${links} links whose fields were never decided`);
    const untouched = await measureLinks(store.db, people, 0);
    const lines = [];
    for (const fields of [1, 3, 10]) {
      say(`${links} lines of ${fields} decisions`);
      lines.push(await measureLines(store.db, people, fields));
    }
    const measured: Measured = { decided: DECIDED, growth, untouched, lines };
    process.stdout.write(`${json ? JSON.stringify(measured, null, 2) : report(measured)}\n`);
  } finally {
    await store.close();
    await rm(dataDir, { recursive: true, force: true });
  }
};

await new Command('bench:ledger')
  .description('How many bytes the store takes for a link and for a decision, in a PostgreSQL of its own.')
  .option('--links <count>', 'links to make', readCount, 20_000)
  .option('--json', 'print one JSON object', false)
  .action(run)
  .parseAsync();
