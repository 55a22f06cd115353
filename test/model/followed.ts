import { attemptCycle, happeningsOf, whatIsLeft, type Disturbed } from './disturbed.js';
import type { Asked, Ordered } from './deeds.js';
import { arm, disarm } from './faults.js';
import { comeToRest, demandAccount, fail, noteLook, type Game } from './game.js';
import { observe, type Observed } from './observed.js';
import { asFound, differences, type Meanwhile } from './oracle.js';
import { cycled, distinct, underWay } from './reference/cycle.js';
import { after, type Deed } from './reference/people.js';
import { requested } from './reference/request.js';
import { emptyWorld, type World } from './reference/state.js';
import type { Act, Round, Script } from './scenario.js';
import { Uncertain } from './verdict.js';

/** Most worlds that are followed at once. */
const MOST_WORLDS = 200;
const MINUTE = 60_000;
/** After a disturbed cycle this much later everything in doubt has been settled. */
export const DOUBT_MS = 9 * MINUTE;
export const CALM: Disturbed = { order: 0, happenings: [], resumes: false };

/** Plays a script on the real system and in the model; rejects where they part. */
export const playFollowed = async (game: Game, script: Script): Promise<void> => {
  const followed = new Followed(game, emptyWorld());
  for (const act of script.start) await followed.act(act);
  for (const round of script.rounds) await followed.round(round);
  await followed.comeToRest();
};

/** The model goes along with each step of the real system. */
export class Followed {
  readonly #game: Game;
  #worlds: World[];
  readonly #meanwhile: Meanwhile = { typed: new Set(), replaced: new Map() };
  #disturbedAt = -Infinity;
  #sure = true;

  constructor(game: Game, world: World) {
    this.#game = game;
    this.#worlds = [world];
  }

  async act(act: Act, meanwhile = false): Promise<void> {
    const { people, stage } = this.#game;
    for (const deed of await people.act(act)) {
      if (meanwhile && deed.did === 'edit') this.#noteTyped(deed);
      this.#follow(deed);
    }
    await stage.pass(7_000);
  }

  #noteTyped({ side, record, field }: Extract<Deed, { did: 'edit' }>): void {
    const { typed, replaced } = this.#meanwhile;
    const key = `${record}/${field}`;
    if (side === 'marketo') typed.add(key);
    const values = replaced.get(key) ?? new Set();
    for (const { persons, rows } of this.#worlds)
      values.add((side === 'marketo' ? persons : rows)[record]?.values[field] ?? null);
    replaced.set(key, values);
  }

  #follow(deed: Deed | Asked | Ordered): void {
    this.#game.told.push(JSON.stringify(deed));
    if (deed.did === 'order') return;
    const worlds = this.#worlds.flatMap((world) => {
      if (deed.did !== 'request') return after(world, deed) ?? [];
      const result = requested(world, deed.person, deed.as);
      return result?.outcome === deed.outcome ? result.world : [];
    });
    if (worlds.length === 0) {
      const meant =
        deed.did === 'request'
          ? this.#worlds.map((world) => requested(world, deed.person, deed.as)?.outcome)
          : [];
      fail(
        this.#game,
        `${JSON.stringify(deed)} cannot have come to that; by the rules ${[...new Set(meant)].join(' or ')}`,
      );
    }
    this.#keep(worlds);
  }

  #keep(worlds: readonly World[]): void {
    if (worlds.length > MOST_WORLDS) throw new Uncertain(`${String(worlds.length)} worlds`);
    this.#worlds = [...worlds];
  }

  async round(round: Round): Promise<void> {
    const { stage, told } = this.#game;
    const { acts, inside, trouble, order, restMs } = round;
    for (const act of acts) await this.act(act);
    if (trouble !== null) told.push(`(trouble: ${JSON.stringify(trouble)})`);
    await arm(stage, trouble);
    const meanwhile = (act: Act): Promise<void> => {
      this.#keep(underWay(this.#worlds));
      told.push('(meanwhile:)');
      return this.act(act, true);
    };
    const happenings = happeningsOf(round, meanwhile, (line) => told.push(line));
    await this.#cycle(inside.length > 0 || trouble !== null, {
      ...{ order, happenings, resumes: trouble?.is === 'crash' && trouble.resumes },
    });
    await whatIsLeft(stage);
    if (trouble !== null) await disarm(stage);
    await stage.pass(restMs);
  }

  async #cycle(disturbed: boolean, how: Disturbed): Promise<Observed> {
    const { stage, people, told } = this.#game;
    this.#sure = !disturbed && Date.now() - this.#disturbedAt >= DOUBT_MS;
    told.push(`cycle${this.#sure ? '' : ' (disturbed, or soon after one that was)'}`);
    await attemptCycle(stage, how);
    const worlds = this.#sure ? cycled(this.#worlds) : underWay(this.#worlds);
    if (disturbed) this.#disturbedAt = Date.now();
    const real = await this.#judge(worlds);
    for (const asked of await people.askAgain()) this.#follow(asked);
    return real;
  }

  async #judge(worlds: readonly World[]): Promise<Observed> {
    const { stage, names, people } = this.#game;
    const real = await observe(stage.real, names);
    people.look(real);
    const left = worlds.flatMap((world) => {
      if (!this.#sure) return asFound(world, real, this.#meanwhile) ?? [];
      return differences(world, real).length === 0 ? world : [];
    });
    if (left.length === 0) fail(this.#game, closest(worlds, real));
    if (this.#sure) {
      this.#meanwhile.typed.clear();
      this.#meanwhile.replaced.clear();
      noteLook(this.#game, real, people.typings.length);
    }
    this.#keep(distinct(left));
    return real;
  }

  async comeToRest(): Promise<void> {
    const cycle = async () => ({ seen: await this.#cycle(false, CALM), sure: this.#sure });
    await demandAccount(this.#game, await comeToRest(this.#game, DOUBT_MS, cycle));
  }
}

const closest = (worlds: readonly World[], real: Observed): string => {
  const found = worlds.map((world) => differences(world, real)).sort((a, b) => a.length - b.length);
  const [best = ['no world is left']] = found;
  return `${String(worlds.length)} worlds are permitted; the closest differs:\n${best.map((line) => `  ${line}`).join('\n')}`;
};
