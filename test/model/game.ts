import { isSettled } from '../support/at-rest.js';
import { People } from './deeds.js';
import { lostEdits, readLedger, type Look } from './edits.js';
import { Names, type Observed } from './observed.js';
import { readNotices, refusalsUnexplained } from './refusals.js';
import type { Stage } from './stage.js';
import { Mismatch } from './verdict.js';

/** One script on the stage, and what there is to tell of it so far. */
export interface Game {
  readonly stage: Stage;
  readonly names: Names;
  readonly people: People;
  /** What happened, line by line. */
  readonly told: string[];
  readonly looks: Look[];
  /** Persons that the store ever had in a link. */
  readonly met: Set<string>;
}

export const newGame = (stage: Stage): Game => {
  const names = new Names();
  return { stage, names, people: new People(stage, names), told: [], looks: [], met: new Set() };
};

export const fail = ({ told }: Game, what: string): never => {
  throw new Mismatch(`${what}\n\nWhat happened:\n${told.map((line) => `  ${line}`).join('\n')}`);
};

/** Keeps what stood in a pair at this moment, and how much of what was typed had been read. */
export const noteLook = (
  { looks, people, names, met }: Game,
  { pairs, links }: Observed,
  read: number,
): void => {
  for (const { marketoId } of links)
    if (marketoId !== null) met.add(names.nameOf('marketo', String(marketoId)) ?? String(marketoId));
  looks.push({ typed: people.typings.length, paired: new Set([...pairs].flat()), read });
};

/** Of every edit and of every refusal it is known what became of it. */
export const demandAccount = async (game: Game, real: Observed): Promise<void> => {
  const { stage, names, people, looks } = game;
  const ledger = await readLedger(stage.real.db);
  const silent = [
    ...lostEdits({ real, ledger, typings: people.typings, notices: await readNotices(stage.real), looks }),
    ...(await refusalsUnexplained(stage, names, real)),
  ];
  if (silent.length > 0) fail(game, `nobody can tell what became of this:\n  ${silent.join('\n  ')}`);
};

/** Most cycles until the sync has come to rest, once nobody is at work. */
const MOST_CYCLES = 14;

/** Cycles without anybody at work, until nothing is open, every request is answered and a whole cycle wrote nothing. */
export const comeToRest = async (
  game: Game,
  restMs: number,
  cycle: () => Promise<{ readonly seen: Observed; readonly sure: boolean }>,
): Promise<Observed> => {
  const { stage, people } = game;
  for (let count = 1; count <= MOST_CYCLES; count += 1) {
    await stage.pass(restMs);
    const before = await writesOf(stage);
    const { seen, sure } = await cycle();
    const isQuiet = (await writesOf(stage)) === before && (await isSettled(stage.real.db, seen.links));
    if (seen.links.some(isToBeRead)) continue;
    if (isQuiet && sure && !people.isWaiting) return seen;
  }
  return fail(game, `not at rest after ${String(MOST_CYCLES)} cycles`);
};

/** The next cycle, or the backfill lane, looks at it again whatever the change feeds say. */
const isToBeRead = (link: Observed['links'][number]): boolean =>
  link.status === 'linked' &&
  (link.rereadMarketo || link.rereadDynamics || link.backfillMarketo || link.backfillDynamics);

/** Writes of the sync that took effect, in both systems. */
const writesOf = async ({ door }: Stage): Promise<number> => {
  const [marketo, dynamics] = (await Promise.all([
    door('marketo', 'GET', '/admin/stats'),
    door('dynamics', 'GET', '/admin/stats'),
  ])) as { readonly writes: number }[];
  return (marketo?.writes ?? 0) + (dynamics?.writes ?? 0);
};
