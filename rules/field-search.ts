import { halve } from './halve.js';

/** What the target said to a write of some of a record's fields. */
export type FieldAnswer =
  { readonly passed: true } | { readonly passed: false; readonly code: string; readonly message: string };

type Refused = Extract<FieldAnswer, { passed: false }>;

export interface GuiltyField extends Refused {
  readonly field: string;
}

export interface FieldsFound {
  /** Fields that the target refused when they stood alone. */
  readonly guilty: readonly GuiltyField[];
  /** Set where the record is refused whatever is written of it: these fields were not written, and none is the cause. */
  readonly whole?: { readonly fields: readonly string[]; readonly answer: Refused };
  /** The calls were used up: of these it is not known yet which may go. */
  readonly unresolved: readonly string[];
}

/** Yields the fields of the next write, is given its answer, returns what was found. */
export type FieldSearch = Generator<readonly string[], FieldsFound, FieldAnswer>;

/** Most writes of a record of `fields` fields, after the one that was refused. */
export const mostSearchCalls = (fields: number): number => 2 * Math.ceil(Math.log2(fields)) + 2;

/**
 * Finds the fields for which a target refuses a write without naming any: halves first, so that a record that is refused
 * whatever is written shows at once; then the guilty half is narrowed, and all that was left aside goes in one write.
 *
 * @param fields at least two
 * @param suspects fields that this refusal was about elsewhere: all the others go first, in one write
 */
export function* searchFields(
  fields: readonly string[],
  suspects: readonly string[] = [],
  most = mostSearchCalls(fields.length),
): FieldSearch {
  const asked = new Asked(most);
  const [one, other] = firstHalves(fields, suspects);
  const first = yield* asked.ask(one);
  const second = yield* asked.ask(other);
  const open: Suspected[] = [];
  if (!first.passed) open.push(one);
  if (!second.passed) open.push(other);
  const alike = !first.passed && !second.passed && isSame(first, second) ? first : undefined;
  if (alike !== undefined) {
    const whole = yield* refusedWhole(asked, [one, other], alike);
    if (whole !== undefined) return { guilty: [], whole, unresolved: [] };
    return yield* narrow(
      asked,
      open.map((each) => asked.openOf(each)),
    );
  }
  return yield* narrow(asked, open);
}

/** Fields of which at least one is guilty, unless only their combination is refused. */
type Suspected = readonly string[];

/** The writes of one search: how many are left, and what became of the fields. */
class Asked {
  readonly guilty: GuiltyField[] = [];
  readonly #done = new Set<string>();

  left: number;

  constructor(most: number) {
    this.left = most;
  }

  *ask(fields: readonly string[]): Generator<readonly string[], FieldAnswer, FieldAnswer> {
    this.left -= 1;
    const answer = yield fields;
    const [only] = fields;
    if (answer.passed) for (const field of fields) this.#done.add(field);
    else if (fields.length === 1 && only !== undefined) this.blame(only, answer);
    return answer;
  }

  blame(field: string, answer: Refused): void {
    this.#done.add(field);
    this.guilty.push({ ...answer, field });
  }

  isDone(field: string): boolean {
    return this.#done.has(field);
  }

  /** What is still open of a group. */
  openOf(fields: Suspected): Suspected {
    return fields.filter((field) => !this.#done.has(field));
  }
}

/** Those that are not suspected first, or two halves. */
const firstHalves = (
  fields: readonly string[],
  suspects: readonly string[],
): readonly [readonly string[], readonly string[]] => {
  const others = fields.filter((field) => !suspects.includes(field));
  if (others.length === 0 || others.length === fields.length) return halve(fields);
  return [others, fields.filter((field) => suspects.includes(field))];
};

const isSame = (a: Refused, b: Refused): boolean => a.code === b.code && a.message === b.message;

/**
 * Both halves were refused in the same words. Two fields of them that are refused alone in these words too show that it
 * is the record; one that passes, or is refused otherwise, that several fields are to blame.
 */
function* refusedWhole(
  asked: Asked,
  halves: readonly (readonly string[])[],
  answer: Refused,
): Generator<readonly string[], FieldsFound['whole'], FieldAnswer> {
  for (const [field] of halves) {
    if (field === undefined || asked.isDone(field)) continue;
    if (asked.left === 0) return undefined;
    const alone = yield* asked.ask([field]);
    if (alone.passed || !isSame(alone, answer)) return undefined;
  }
  return { fields: halves.flat(), answer };
}

/** Narrows each group to the field that is guilty; what the search passed by goes together in the end. */
function* narrow(
  asked: Asked,
  groups: readonly Suspected[],
): Generator<readonly string[], FieldsFound, FieldAnswer> {
  const aside: string[] = [];
  let open = groups.filter((fields) => fields.length > 0);
  for (let group = open.shift(); group !== undefined; group = open.shift()) {
    const isolated = yield* isolate(asked, group);
    aside.push(...isolated.aside);
    if (isolated.unresolved.length > 0) {
      return { guilty: asked.guilty, unresolved: [...isolated.unresolved, ...aside, ...open.flat()] };
    }
    if (open.length > 0 || aside.length === 0) continue;
    if (asked.left === 0) return { guilty: asked.guilty, unresolved: aside };
    const fields = aside.splice(0);
    const answer = yield* asked.ask(fields);
    if (!answer.passed && fields.length > 1) open = [fields];
  }
  return { guilty: asked.guilty, unresolved: [] };
}

interface Isolated {
  /** Nobody asked about these. */
  readonly aside: readonly string[];
  readonly unresolved: readonly string[];
}

function* isolate(asked: Asked, group: Suspected): Generator<readonly string[], Isolated, FieldAnswer> {
  const aside: string[] = [];
  let fields = group;
  while (fields.length > 1) {
    if (asked.left === 0) return { aside, unresolved: fields };
    const [one, other] = halve(fields);
    const said = yield* asked.ask(one);
    if (!said.passed) aside.push(...other);
    fields = said.passed ? other : one;
  }
  const [field] = fields;
  if (field === undefined || asked.isDone(field)) return { aside, unresolved: [] };
  if (asked.left === 0) return { aside, unresolved: fields };
  yield* asked.ask(fields);
  return { aside, unresolved: [] };
}
