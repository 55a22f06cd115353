import { inParallel } from '../../rules/in-parallel.js';
import { inParts } from '../../rules/in-parts.js';
import type { Campaign, Requested } from './campaign.js';
import {
  callsBetween,
  countCalls,
  latestWrite,
  leadsSince,
  newPersons,
  total,
  type CallCounts,
  type Doors,
  type NewPerson,
} from './doors.js';
import { judge, type Judged } from './figures.js';
import { inChunks, oneByOne, type Calls } from './minimum.js';

/** How a campaign hands its persons in: one person to a call, or a chunk. */
export const FORMS = ['trigger', 'chunks'] as const;
export type Form = (typeof FORMS)[number];

export interface Burst {
  readonly form: Form;
  readonly persons: number;
  /** Until the last person's row was readable in Dynamics. */
  readonly seconds: number;
  readonly personsPerSecond: number;
  /** Until the campaign was called back for all of them. */
  readonly secondsUntilTold: number;
  readonly calls: CallCounts;
  readonly callsPerPerson: Calls & { readonly both: number };
  readonly minimumPerPerson: Calls & { readonly both: number };
  /** Calls over the minimum, both remotes together. */
  readonly ratio: Judged;
}

/** Calls over the minimum. */
const MOST_RATIO = 1.2;
/** Persons of one invocation of a batch campaign. */
const CHUNK = 300;
/** Invocations that Marketo has under way at once. */
const AT_ONCE = 20;

export const measureBurst = async (
  doors: Doors,
  campaign: Campaign,
  form: Form,
  persons: number,
): Promise<Burst> => {
  const people = await newPersons(doors, persons);
  const since = await latestWrite(doors);
  const before = await countCalls(doors);
  const began = Date.now();
  const invocations = inParts(people, form === 'trigger' ? 1 : CHUNK);
  const requested: Requested[] = [];
  await inParallel(invocations, AT_ONCE, async (some) => {
    requested.push(await campaign.request(some.map(({ id }) => id)));
  });
  const outcomes = (await Promise.all(requested.map(({ told }) => told))).flat();
  const toldAt = Date.now();
  const made = await leadsSince(doors, since);
  const created = outcomes.filter((outcome) => outcome === 'created').length;
  if (created !== persons || made.length !== persons) {
    throw new Error(
      `of ${persons} persons ${created} were told as created, and ${made.length} rows were made`,
    );
  }
  const seconds = (Math.max(...made.map(({ at }) => at)) - began) / 1000;
  const calls = callsBetween(before, await countCalls(doors));
  const minimum = form === 'trigger' ? oneByOne(persons) : inChunks(invocations.map(emailsOf));
  return {
    ...{ form, persons, seconds, personsPerSecond: round(persons / seconds, 1) },
    secondsUntilTold: (toldAt - began) / 1000,
    calls,
    ...compared({ marketo: total(calls.marketo), dynamics: total(calls.dynamics) }, minimum, persons),
  };
};

const emailsOf = (some: readonly NewPerson[]): string[] => some.map(({ email }) => email);

const compared = (
  made: Calls,
  least: Calls,
  persons: number,
): Pick<Burst, 'callsPerPerson' | 'minimumPerPerson' | 'ratio'> => ({
  callsPerPerson: each(made, persons),
  minimumPerPerson: each(least, persons),
  ratio: judge(round((made.marketo + made.dynamics) / (least.marketo + least.dynamics), 2), MOST_RATIO),
});

const each = ({ marketo, dynamics }: Calls, persons: number): Burst['callsPerPerson'] => ({
  marketo: round(marketo / persons, 3),
  dynamics: round(dynamics / persons, 3),
  both: round((marketo + dynamics) / persons, 3),
});

const round = (value: number, places: number): number => Math.round(value * 10 ** places) / 10 ** places;
