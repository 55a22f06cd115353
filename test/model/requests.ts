import type { CreatePersonInput, CreatePersonResult } from '../../activities/contract.js';
import { createPerson } from '../../activities/create-person.js';
import { recordOutcome } from '../../activities/record-outcome.js';
import { RemoteFailure } from '../../rules/failures.js';
import { retried } from '../support/attempts.js';
import { Crash } from '../support/mortal.js';
import { deathAt } from './disturbed.js';
import type { Kind } from './fields.js';
import type { Moment } from './scenario.js';
import { requestOf, type Stage } from './stage.js';

/** What was asked for, for whom, and what came of it. */
interface Request {
  readonly person: string;
  readonly as: Kind;
  readonly input: CreatePersonInput;
}
export type Answered = Request & { readonly result: CreatePersonResult };

/** Requests "Sync Person to Dynamics", each asked until it is answered, as its workflow does. */
export class Requests {
  readonly #stage: Stage;
  readonly #waiting: Request[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** @param dies the call of its own at which its worker dies. */
  async ask(
    { person, id, as }: { readonly person: string; readonly id: string; readonly as: Kind },
    dies: Moment | null,
  ): Promise<Answered | undefined> {
    const { requestCalls } = this.#stage;
    requestCalls.plan(dies === null ? [] : [deathAt(dies, () => undefined)]);
    const answered = await this.#answer({ person, as, input: requestOf(Number(id), as) });
    requestCalls.rest();
    return answered;
  }

  get areWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** What waited, once more. */
  async again(): Promise<Answered[]> {
    const answers: Answered[] = [];
    for (const request of this.#waiting.splice(0)) {
      const answered = await this.#answer(request);
      if (answered !== undefined) answers.push(answered);
    }
    return answers;
  }

  async #answer(request: Request): Promise<Answered | undefined> {
    const { ports } = this.#stage.requestCalls;
    const { input } = request;
    try {
      const result = await retried((attempt) => createPerson(ports, input, attempt).catch(unlessBusy));
      if (result !== undefined) {
        await retried((attempt) => recordOutcome(ports, { ...input, result }, attempt));
        return { ...request, result };
      }
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
    this.#waiting.push(request);
    return undefined;
  }
}

/** Whoever is at work on the same records may wait for us here: it is asked again later. */
const unlessBusy = (error: unknown): undefined => {
  if (error instanceof RemoteFailure && error.type === 'Busy') return undefined;
  throw error;
};
