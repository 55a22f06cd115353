import { addressBook, factsOf, seenElsewhere, someHuman } from './facts.js';
import { MESS, MESS_KINDS, type Draft, type MessKind, type Placement } from './mess.js';
import { seededRandom, type Random } from './random.js';
import { rowOf, type SeedPerson, type SeedRow } from './records.js';

export { FIELD_PAIRS, type FieldPair, type SeedPerson, type SeedRow } from './records.js';
export { underEmployers, type Employed } from './employers.js';
export { MESS_KINDS, type MessKind } from './mess.js';

/** A crowd on both sides, before anything is synced. */
export interface Population {
  readonly persons: SeedPerson[];
  readonly leads: SeedRow[];
  readonly contacts: SeedRow[];
  /** Company by the id of a contact, where it is known. */
  readonly employers: ReadonlyMap<string, string>;
  /** How many humans have each kind of mess. */
  readonly notes: Readonly<Record<MessKind, number>>;
  /** How many humans are known where. */
  readonly spread: Readonly<Record<Placement, number>>;
}

/** Part of all people by where they are known; what is left by rounding is only in Marketo. */
const SPREAD: readonly (readonly [Placement, number])[] = [
  ['onlyLead', 0.27],
  ['onlyContact', 0.18],
  ['bothLead', 0.21],
  ['bothContact', 0.14],
];

/** From this many people on, every kind of mess occurs at least once. */
const EVERY_MESS_FROM = 200;

/**
 * People as two companies' systems really hold them, unlinked: many scripts, blanks, twins, values that the other side
 * refuses. Pure: the same `people` and `seed` make the same records, in the same order.
 *
 * @param people number of distinct humans; twins give some of them several records
 */
export function generatePopulation({
  people,
  seed,
}: Readonly<{ people: number; seed: string | number }>): Population {
  const random = seededRandom(seed);
  const places = placements(people, random);
  const { messes, notes } = messFor(places, random);
  const emailFor = addressBook();
  const population = { persons: [] as SeedPerson[], leads: [] as SeedRow[], contacts: [] as SeedRow[] };
  const employers = new Map<string, string>();
  places.forEach((placement, index) => {
    const draft = draftOf(placement, random, emailFor);
    const mess = messes[index];
    if (mess !== undefined) MESS[mess].apply(draft, random);
    population.persons.push(...draft.persons);
    population.leads.push(...draft.leads);
    population.contacts.push(...draft.contacts);
    const { company } = draft.facts;
    if (typeof company !== 'string') return;
    for (const { contactid } of draft.contacts) employers.set(String(contactid), company);
  });
  return { ...population, employers, notes, spread: counted(places) };
}

function placements(people: number, random: Random): Placement[] {
  const places = SPREAD.flatMap(([placement, share]) =>
    Array.from({ length: Math.floor(people * share) }, () => placement),
  );
  const rest = Array.from({ length: people - places.length }, (): Placement => 'onlyMarketo');
  return random.shuffled([...places, ...rest]);
}

/** Which mess each human has, by position: exact numbers, in random places, at most one for each human. */
function messFor(places: readonly Placement[], random: Random) {
  const free = inRandomOrder(places, random);
  const messes: (MessKind | undefined)[] = [];
  const notes = Object.fromEntries(MESS_KINDS.map((kind) => [kind, 0])) as Record<MessKind, number>;
  for (const kind of MESS_KINDS) {
    const { share, among } = MESS[kind];
    const atLeast = places.length >= EVERY_MESS_FROM ? 1 : 0;
    for (let left = Math.max(atLeast, Math.round(share * places.length)); left > 0; left -= 1) {
      const pool = random
        .shuffled(among)
        .map((place) => free[place])
        .find(({ length }) => length > 0);
      const index = pool?.pop();
      if (index === undefined) break;
      messes[index] = kind;
      notes[kind] += 1;
    }
  }
  return { messes, notes };
}

/** Positions by placement, shuffled: whoever takes the last one takes any one. */
function inRandomOrder(places: readonly Placement[], random: Random): Record<Placement, number[]> {
  const free: Record<Placement, number[]> = {
    onlyLead: [],
    onlyContact: [],
    bothLead: [],
    bothContact: [],
    onlyMarketo: [],
  };
  for (const [index, placement] of random.shuffled([...places.entries()])) free[placement].push(index);
  return free;
}

function counted(places: readonly Placement[]): Record<Placement, number> {
  const spread = { onlyLead: 0, onlyContact: 0, bothLead: 0, bothContact: 0, onlyMarketo: 0 };
  for (const placement of places) spread[placement] += 1;
  return spread;
}

function draftOf(placement: Placement, random: Random, emailFor: ReturnType<typeof addressBook>): Draft {
  const human = someHuman(random);
  const facts = { ...factsOf(human, random), email: emailFor(human, random) };
  const draft: Draft = { placement, human, facts, persons: [], leads: [], contacts: [] };
  const known = placement === 'bothLead' || placement === 'bothContact';
  const inDynamics = known ? seenElsewhere(facts, random, human) : facts;
  if (known || placement === 'onlyMarketo') {
    draft.persons.push({ ...(known ? blanksIn(facts, random) : facts) });
  }
  if (placement === 'onlyLead' || placement === 'bothLead') {
    draft.leads.push({ leadid: random.guid(), ...rowOf('lead', inDynamics) });
  }
  if (placement === 'onlyContact' || placement === 'bothContact') {
    draft.contacts.push({ contactid: random.guid(), ...rowOf('contact', inDynamics) });
  }
  return draft;
}

/** Marketo knows less, too: some facts that Dynamics has are blank there. */
function blanksIn(facts: SeedPerson, random: Random): Record<string, SeedPerson[string]> {
  const blank = (field: string, value: SeedPerson[string]): boolean =>
    field !== 'email' && typeof value !== 'boolean' && random.chance(0.07);
  return Object.fromEntries(
    Object.entries(facts).map(([field, value]) => [field, blank(field, value) ? null : value]),
  );
}
