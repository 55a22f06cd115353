import { isSettled } from '../support/at-rest.js';
import { retried } from '../support/attempts.js';
import { Crash } from '../support/mortal.js';
import type { Attempt } from '../../activities/settings.js';
import { runCycle } from './cycle.js';
import { People, type Asked } from './deeds.js';
import { Names, observe, type Observed } from './observed.js';
import { lostEdits, readLedger, type Look } from './edits.js';
import { refusalsUnexplained } from './refusals.js';
import { asFound, differences } from './oracle.js';
import { cycled, distinct, underWay } from './reference/cycle.js';
import { after, type Deed } from './reference/people.js';
import { requested } from './reference/request.js';
import { emptyWorld, type World } from './reference/state.js';
import type { Act, Answer, Round, Script, Trouble } from './scenario.js';
import type { Stage } from './stage.js';

/** The real system did what the rules do not permit, in whatever order things happened. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';
}

/** More could have happened than is worth looking at. */
export class Uncertain extends Error {
  override readonly name = 'Uncertain';
}

/** Most worlds that are followed at once. */
const MOST_WORLDS = 200;
const MINUTE = 60_000;
/** After a disturbed cycle this much later everything in doubt has been settled. */
const DOUBT_MS = 9 * MINUTE;
const MOST_CYCLES = 14;

/** Plays a script on the real system and in the model; rejects where they part. */
export const play = async (stage: Stage, script: Script): Promise<void> => {
  await stage.reset(script);
  const game = new Game(stage);
  for (const act of script.start) await game.act(act);
  for (const round of script.rounds) await game.round(round);
  await game.comeToRest();
};

class Game {
  readonly #stage: Stage;
  readonly #names = new Names();
  readonly #people: People;
  #worlds: World[] = [emptyWorld()];
  #told: string[] = [];
  /** Fields of persons that somebody typed into while a cycle ran, since the model was last exact. */
  readonly #typed = new Set<string>();
  readonly #looks: Look[] = [];
  #disturbedAt = -Infinity;
  #sure = true;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#people = new People(stage, this.#names);
  }

  async act(act: Act, meanwhile = false): Promise<void> {
    for (const deed of await this.#people.act(act)) {
      this.#follow(deed);
      if (meanwhile && deed.did === 'edit' && deed.side === 'marketo')
        this.#typed.add(`${deed.record}/${deed.field}`);
    }
    await this.#stage.pass(7_000);
  }

  #follow(deed: Deed | Asked): void {
    this.#told.push(JSON.stringify(deed));
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
      this.#fail(
        `${JSON.stringify(deed)} cannot have come to that; by the rules ${[...new Set(meant)].join(' or ')}`,
      );
    }
    this.#keep(worlds);
  }

  #keep(worlds: readonly World[]): void {
    if (worlds.length > MOST_WORLDS) throw new Uncertain(`${String(worlds.length)} worlds`);
    this.#worlds = [...worlds];
  }

  async round({ acts, inside, trouble, order, restMs }: Round): Promise<void> {
    for (const act of acts) await this.act(act);
    await this.#prepare(trouble);
    const happenings = inside.map(({ at, act }) => ({
      at,
      happens: async (): Promise<void> => {
        this.#keep(underWay(this.#worlds));
        this.#told.push('(meanwhile:)');
        await this.act(act, true);
      },
    }));
    const death =
      trouble?.is === 'crash'
        ? [
            {
              ...{ at: trouble.at, kills: true as const },
              happens: () => {
                this.#told.push('(the worker dies)');
                return Promise.reject(new Crash('killed'));
              },
            },
          ]
        : [];
    const disturbed = inside.length > 0 || trouble !== null;
    await this.#cycle(order, {
      ...{ disturbed, happenings: [...happenings, ...death] },
      resumes: trouble?.is === 'crash' && trouble.resumes,
    });
    for (const { at, happens } of this.#stage.calls.rest())
      if (!death.some((each) => each.at === at)) await happens();
    if (trouble !== null) await this.#endTrouble();
    await this.#stage.pass(restMs);
  }

  async #cycle(
    order: number,
    how: {
      readonly disturbed: boolean;
      readonly happenings: Parameters<Stage['calls']['plan']>[0];
      readonly resumes: boolean;
    },
  ): Promise<Observed> {
    const { calls } = this.#stage;
    this.#sure = !how.disturbed && Date.now() - this.#disturbedAt >= DOUBT_MS;
    this.#told.push(`cycle${this.#sure ? '' : ' (disturbed, or soon after one that was)'}`);
    calls.plan(how.happenings);
    const step = how.resumes ? this.#resuming : retried;
    try {
      await runCycle(calls.ports, { order, step });
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      // Claims of the dead end before anybody goes on.
      await this.#stage.pass(2 * MINUTE);
    }
    const worlds = this.#sure ? cycled(this.#worlds) : underWay(this.#worlds);
    if (how.disturbed) this.#disturbedAt = Date.now();
    const real = await this.#judge(worlds);
    for (const asked of await this.#people.askAgain()) this.#follow(asked);
    return real;
  }

  /** A step whose worker died is taken up by another, once its silence was noticed and its claims are over. */
  readonly #resuming = async <T>(run: (attempt: Attempt) => Promise<T>): Promise<T> => {
    try {
      return await retried(run);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      await this.#stage.pass(65_000);
      return retried(run);
    }
  };

  async #judge(worlds: readonly World[]): Promise<Observed> {
    const real = await observe(this.#stage.real, this.#names);
    this.#people.look('marketo', real.persons.keys(), new Map());
    this.#people.look('dynamics', real.rows.keys(), real.rows);
    const left = worlds.flatMap((world) => {
      if (!this.#sure) return asFound(world, real, this.#typed) ?? [];
      return differences(world, real).length === 0 ? world : [];
    });
    if (left.length === 0) this.#fail(closest(worlds, real));
    if (this.#sure) {
      this.#typed.clear();
      const paired = new Set([...real.pairs].flat());
      this.#looks.push({ typed: this.#people.typings.length, paired });
    }
    this.#keep(distinct(left));
    return real;
  }

  async #prepare(trouble: Trouble | null): Promise<void> {
    const { door } = this.#stage;
    if (trouble !== null) this.#told.push(`(trouble: ${JSON.stringify(trouble)})`);
    if (trouble?.is === 'delta-expired') await door('dynamics', 'POST', '/admin/delta/expire', {});
    if (trouble?.is === 'answer') {
      const { side, skip, answer } = trouble;
      await door(side, 'POST', '/admin/faults', { skip, ...FAULTS[answer][side] });
    }
  }

  async #endTrouble(): Promise<void> {
    for (const side of ['marketo', 'dynamics'] as const)
      await this.#stage.door(side, 'DELETE', '/admin/faults');
  }

  /** Cycles without anybody at work, until nothing is open and a whole cycle wrote nothing. */
  async comeToRest(): Promise<void> {
    const { real, pass } = this.#stage;
    for (let count = 1; count <= MOST_CYCLES; count += 1) {
      await pass(DOUBT_MS);
      const before = await this.#writes();
      const seen = await this.#cycle(0, { disturbed: false, happenings: [], resumes: false });
      const isQuiet = (await this.#writes()) === before && (await isSettled(real.db, seen.links));
      if (!isQuiet || !this.#sure) continue;
      await this.#account(seen);
      return;
    }
    this.#fail(`not at rest after ${String(MOST_CYCLES)} cycles`);
  }

  /** Of every edit and of every refusal it is known what became of it. */
  async #account(real: Observed): Promise<void> {
    const { typings } = this.#people;
    const ledger = await readLedger(this.#stage.real.db);
    const silent = [
      ...lostEdits({ real, ledger, typings, looks: this.#looks }),
      ...(await refusalsUnexplained(this.#stage, this.#names, real)),
    ];
    if (silent.length > 0) this.#fail(`nobody can tell what became of this:\n  ${silent.join('\n  ')}`);
  }

  /** Writes of the sync that took effect, in both systems. */
  async #writes(): Promise<number> {
    const { door } = this.#stage;
    const [marketo, dynamics] = (await Promise.all([
      door('marketo', 'GET', '/admin/stats'),
      door('dynamics', 'GET', '/admin/stats'),
    ])) as { readonly writes: number }[];
    return (marketo?.writes ?? 0) + (dynamics?.writes ?? 0);
  }

  #fail(what: string): never {
    throw new Mismatch(`${what}\n\nWhat happened:\n${this.#told.map((line) => `  ${line}`).join('\n')}`);
  }
}

const closest = (worlds: readonly World[], real: Observed): string => {
  const found = worlds.map((world) => differences(world, real)).sort((a, b) => a.length - b.length);
  const [best = ['no world is left']] = found;
  return `${String(worlds.length)} worlds are permitted; the closest differs:\n${best.map((line) => `  ${line}`).join('\n')}`;
};

type Fault = Readonly<Record<string, unknown>>;
const alike = (fault: Fault): Readonly<Record<'marketo' | 'dynamics', Fault>> => ({
  marketo: fault,
  dynamics: fault,
});

/** What the administrative doors call these answers. */
const FAULTS: Readonly<Record<Answer, Readonly<Record<'marketo' | 'dynamics', Fault>>>> = {
  lost: alike({ kind: 'dropAfterWrite' }),
  dropped: alike({ kind: 'drop' }),
  refused: alike({ kind: 'refuse', status: 503 }),
  garbled: alike({ kind: 'garbage' }),
  broken: { marketo: { kind: 'code', code: '611' }, dynamics: { kind: 'refuse', status: 500 } },
  'bad-gateway': alike({ kind: 'refuse', status: 502 }),
  'gateway-timeout': alike({ kind: 'refuse', status: 504 }),
  throttled: {
    marketo: { kind: 'code', code: '606' },
    dynamics: { kind: 'refuse', preset: 'throttledConcurrency', retryAfter: 0 },
  },
  'token-expired': {
    marketo: { kind: 'code', code: '602' },
    dynamics: { kind: 'refuse', status: 401, code: '', message: 'expired' },
  },
};
