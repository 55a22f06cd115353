import type { Ports } from '../../activities/settings.js';
import { runBackfill } from '../support/world.js';
import type { Done } from './deeds.js';
import { fieldsOf } from './fields.js';
import { attemptCycle, CLAIMS_END_MS, happeningsOf, whatIsLeft, type Disturbed } from './disturbed.js';
import { arm, disarm } from './faults.js';
import { CALM, DOUBT_MS, Followed } from './followed.js';
import { comeToRest, demandAccount, fail, noteLook, type Game } from './game.js';
import { endHolds } from './holds.js';
import { observe, type Observed } from './observed.js';
import { unlawful } from './reference/end.js';
import { historyOf } from './reference/history.js';
import type { Deed } from './reference/people.js';
import type { Act, Round, Script, Storm } from './scenario.js';
import { claimsOf, worldOf } from './standing.js';

const HOUR = 61 * 60_000;

/** Plays what may come at any time, and judges how it all stands once the sync has come to rest. */
export const playStorm = async (game: Game, script: Script, { givesBack, then }: Storm): Promise<void> => {
  const storm = new StormGame(game);
  for (const act of script.start) await storm.act(act);
  for (const round of script.rounds) await storm.round(round);
  if (givesBack) await storm.giveBack();
  await storm.endHolds();
  const end = await storm.comeToRest(givesBack);
  await storm.judge(end);
  if (givesBack && then.length > 0 && end.links.every(isWholeKnown)) await storm.goOn(end, then);
};

const runLane = (ports: Ports): Promise<unknown> => runBackfill(ports);

class StormGame {
  readonly #game: Game;
  readonly #deeds: Deed[] = [];

  constructor(game: Game) {
    this.#game = game;
  }

  async act(act: Act, meanwhile = false): Promise<void> {
    const { people, stage } = this.#game;
    if (meanwhile) await this.#look();
    for (const done of await people.act(act)) this.#note(done);
    if (act.do === 'request' && act.dies !== null) {
      if (!meanwhile) await stage.pass(CLAIMS_END_MS);
      await this.#look();
    }
    await stage.pass(7_000);
  }

  #note(done: Done): void {
    this.#game.told.push(JSON.stringify(done));
    if (done.did !== 'order' && done.did !== 'request') this.#deeds.push(done);
  }

  async #look(read = 0): Promise<Observed> {
    const { stage, names, people } = this.#game;
    const real = await observe(stage.real, names);
    people.look(real);
    noteLook(this.#game, real, read);
    return real;
  }

  async round(round: Round): Promise<void> {
    const { stage, told } = this.#game;
    const { acts, trouble, order, lane, restMs } = round;
    for (const act of acts) await this.act(act);
    if (trouble !== null) told.push(`(trouble: ${JSON.stringify(trouble)})`);
    await arm(stage, trouble);
    const meanwhile = async (act: Act): Promise<void> => {
      told.push('(meanwhile:)');
      await this.act(act, true);
    };
    await this.#cycle(trouble !== null, {
      ...{ order, happenings: happeningsOf(round, meanwhile, (line) => told.push(line)) },
      resumes: trouble?.is === 'crash' && trouble.resumes,
      ...(lane && { then: runLane }),
    });
    await whatIsLeft(stage);
    if (trouble !== null) await disarm(stage);
    await stage.pass(restMs);
  }

  async #cycle(disturbed: boolean, how: Disturbed): Promise<Observed> {
    const { stage, people, told } = this.#game;
    const typed = people.typings.length;
    told.push('cycle');
    const completed = await attemptCycle(stage, how);
    const seen = await this.#look(completed && !disturbed ? typed : 0);
    for (const asked of await people.askAgain()) this.#note(asked);
    return seen;
  }

  async giveBack(): Promise<void> {
    const { stage, told } = this.#game;
    await stage.grantAll();
    told.push('(all is given back)');
    for (const act of [
      { do: 'rule', on: false },
      { do: 'block', on: false },
    ] as const)
      await this.act(act);
  }

  async endHolds(): Promise<void> {
    this.#game.told.push('(holds end)');
    await endHolds(this.#game.stage);
  }

  /**
   * @param givesBack what parked anything is gone: within hours each cause is tried again, and nothing is parked any more
   *   but what metadata refuses.
   */
  async comeToRest(givesBack: boolean): Promise<Observed> {
    const cycle = async () => {
      const seen = await this.#cycle(false, { ...CALM, then: runLane });
      return { seen, sure: true };
    };
    // Schemas are read again by then, and trials are due; between the cycles that follow, none is.
    const afterAnHour = async (): Promise<Observed> => {
      await this.#game.stage.pass(HOUR);
      return comeToRest(this.#game, DOUBT_MS, cycle);
    };
    let seen = await afterAnHour();
    for (let count = 0; givesBack && count < MOST_TRIALS && isTried(seen); count += 1)
      seen = await afterAnHour();
    if (givesBack && isTried(seen)) fail(this.#game, 'what was refused is not tried again');
    return seen;
  }

  async judge(real: Observed): Promise<void> {
    const { names, told, met } = this.#game;
    const rows = names.all('dynamics');
    // Nothing is in Dynamics of a request that was refused.
    const claims = claimsOf(names, real).filter(
      ({ row, status }) => status !== 'ended' || rows.includes(row),
    );
    for (const { row, person, status } of claims)
      told.push(`(the store: ${row} of ${String(person)} is ${status})`);
    const wrong = unlawful({
      ...{ persons: real.persons, rows: real.rows, claims, met },
      known: { persons: names.all('marketo'), rows },
      history: historyOf(this.#deeds),
    });
    if (wrong.length > 0) fail(this.#game, `the end is not what the rules permit:\n  ${wrong.join('\n  ')}`);
    await demandAccount(this.#game, real);
  }

  /** A quiet round and the rest after it, compared with the model, for which all begins as it stands now. */
  async goOn(real: Observed, acts: readonly Act[]): Promise<void> {
    this.#game.told.push('(from here on the model is exact)');
    const world = worldOf(this.#game.names, real, historyOf(this.#deeds));
    const followed = new Followed(this.#game, world);
    await this.#game.stage.pass(DOUBT_MS);
    await followed.round({
      ...{ acts, inside: [], trouble: null, order: 0, lane: false, restMs: DOUBT_MS },
    });
    await followed.comeToRest();
  }
}

/** A row without a person that was read while a right was missing is read again once it gets one: a cycle later. */
const isWholeKnown = ({ kind, status, marketoId, seen }: Observed['links'][number]): boolean =>
  marketoId !== null ||
  !['unmatched', 'ambiguous', 'merged-away'].includes(status) ||
  fieldsOf(kind).every(({ name }) => Object.hasOwn(seen.dynamics, name));

const MOST_TRIALS = 4;

const isTried = ({ links }: Observed): boolean =>
  links.some(
    ({ status, parked }) => status === 'linked' && Object.values(parked).some(({ local }) => local !== true),
  );
