import type { Link } from '../rules/link.js';
import { observe } from '../rules/observe.js';
import { KINDS, type Kind } from '../rules/terms.js';
import { linksToBackfill } from '../store/backfill.js';
import { saveLinks } from '../store/links.js';
import { currentMapping } from './catalog.js';
import type { BackfillMoment, BackfillTurn } from './contract.js';
import { isBeingWritten } from './drift.js';
import { contextOf, observeRow, personsById, rowsOfLinks } from './reread.js';
import type { Attempt, Ports } from './settings.js';
import { beginTurn, type Turn } from './turn.js';

const PERSONS_AT_ONCE = 300;
const ROWS_AT_ONCE = 500;

/**
 * Reads the records that are marked for the lane, and takes them in as any other read; the next cycle merges. What is gone,
 * or has a write of ours under way, is left to the cycle: it knows of deletions and merges, and settles writes.
 */
export const readFields = async (
  ports: Ports,
  _input: BackfillMoment,
  attempt: Attempt,
): Promise<BackfillTurn> => {
  const turn = beginTurn(attempt, null);
  const persons = await readPersons(ports, attempt, turn);
  let rows = 0;
  for (const kind of KINDS) rows += await readRows(ports, kind, attempt, turn);
  return { counts: { persons, rows }, completed: null };
};

/** Saved by compare-and-set: a link that moved meanwhile keeps its mark, and comes again with the next turn. */
const inBatches = async (
  { ports, turn, attempt }: { readonly ports: Ports; readonly turn: Turn; readonly attempt: Attempt },
  next: (after: number) => Promise<Link[]>,
  read: (links: readonly Link[]) => Promise<Link[]>,
): Promise<number> => {
  let total = 0;
  for (let after = 0; turn.goesOn();) {
    const links = await next(after);
    const last = links.at(-1);
    if (last === undefined) break;
    const saved = await saveLinks(ports.db, await read(links), ports.timing.overlapMs);
    total += saved.size;
    after = last.id;
    attempt.progress();
  }
  return total;
};

const readPersons = (ports: Ports, attempt: Attempt, turn: Turn): Promise<number> =>
  inBatches(
    { ports, turn, attempt },
    (after) => linksToBackfill(ports.db, 'marketo', after, PERSONS_AT_ONCE),
    async (links) => {
      const mapping = await currentMapping(ports);
      const { found, isLacking } = await personsById(ports, links, mapping, attempt.signal);
      return links.map((link) => {
        const values = found.get(link.marketoId ?? 0);
        if (values === undefined || isBeingWritten(link, 'marketo')) return { ...link, rereadMarketo: true };
        const context = contextOf(ports, mapping.fields[link.kind]);
        const observed = observe(link, { side: 'marketo', values }, context);
        return { ...observed.link, backfillMarketo: isLacking(link) };
      });
    },
  );

const readRows = (ports: Ports, kind: Kind, attempt: Attempt, turn: Turn): Promise<number> =>
  inBatches(
    { ports, turn, attempt },
    (after) => linksToBackfill(ports.db, 'dynamics', after, ROWS_AT_ONCE, kind),
    async (links) => {
      const rows = await rowsOfLinks(ports, kind, links, attempt.signal);
      return links.map((link) => {
        const row = rows.get(link.dynamicsId ?? '');
        if (row === undefined || isBeingWritten(link, 'dynamics')) return { ...link, rereadDynamics: true };
        return observeRow(ports, link, row);
      });
    },
  );
