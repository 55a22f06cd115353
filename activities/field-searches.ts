import {
  mostSearchCalls,
  searchFields,
  type FieldAnswer,
  type FieldSearch,
  type FieldsFound,
} from '../rules/field-search.js';

export type RefusedAnswer = Extract<FieldAnswer, { passed: false }>;

/** Searches for one code that are under way at once: what they find, the others need not search for. */
const AT_ONCE = 10;
/** Searches for one code, in one push, that know nothing yet; after those only fields found before are suspected. */
const MOST_BLIND = 25;

interface Active {
  readonly search: FieldSearch;
  readonly code: string;
  readonly blind: boolean;
  /** Nothing more is spent on it in the next cycles: what is left in the end is refused together. */
  readonly last: boolean;
  next: readonly string[];
  calls: number;
}

interface Waiting {
  readonly fields: readonly string[];
  readonly answer: RefusedAnswer;
}

/** What refusals of one code have taught. */
interface Lesson {
  readonly suspects: Set<string>;
  blind: number;
}

export interface Concluded extends FieldsFound {
  /** What the unresolved fields are refused with now; without it they are tried in the next cycle. */
  readonly unresolvedAnswer?: RefusedAnswer;
}

/**
 * The searches of one push for the fields that refusals do not name. Many records refused for one cause do not search side
 * by side: the first ten do, and the others begin with what those have found. So a cause costs at most 25 searches of
 * `mostSearchCalls` writes, and two writes for each record besides.
 */
export class FieldSearches {
  readonly #active = new Map<number, Active>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #lessons = new Map<string, Lesson>();

  /** The fields that the record's next write carries: all where nothing is searched, none while it waits. */
  next(linkId: number, planned: readonly string[]): readonly string[] {
    if (this.#waiting.has(linkId)) return [];
    const active = this.#active.get(linkId);
    const fields = active?.next.filter((field) => planned.includes(field)) ?? planned;
    if (fields.length > 0) return fields;
    // What was asked about needs no write any more: the rest goes as one.
    this.#active.delete(linkId);
    return planned;
  }

  /**
   * Takes a refusal of several fields that names none.
   * @param likely fields that such a refusal is usually about
   */
  begin(
    linkId: number,
    fields: readonly string[],
    answer: RefusedAnswer,
    likely: readonly string[] = [],
  ): void {
    const lesson = this.#lesson(answer.code);
    for (const field of likely) if (fields.includes(field)) lesson.suspects.add(field);
    this.#waiting.set(linkId, { fields, answer });
  }

  /**
   * Lets records that wait begin, as far as the bounds allow.
   * @returns what is refused as a whole, because nothing was found for its code in all those searches.
   */
  admit(linkIds: readonly number[]): ReadonlyMap<number, Concluded> {
    const refused = new Map<number, Concluded>();
    for (const linkId of linkIds) {
      const waiting = this.#waiting.get(linkId);
      if (waiting === undefined) continue;
      const { fields, answer } = waiting;
      const lesson = this.#lesson(answer.code);
      const under = [...this.#active.values()].filter(
        ({ code, blind }) => blind && code === answer.code,
      ).length;
      const suspects = fields.filter((field) => lesson.suspects.has(field));
      if (suspects.length === 0 && under >= AT_ONCE) continue;
      this.#waiting.delete(linkId);
      const exhausted = lesson.blind + under >= MOST_BLIND;
      if (suspects.length > 0 && suspects.length < fields.length)
        this.#start(linkId, waiting, suspects, exhausted);
      else if (!exhausted) this.#start(linkId, waiting, [], false);
      else refused.set(linkId, { guilty: [], whole: { fields, answer }, unresolved: [] });
    }
    return refused;
  }

  isSearching(linkId: number): boolean {
    return this.#active.has(linkId) || this.#waiting.has(linkId);
  }

  /** Takes the answer to the write of `next`. @returns what was found, once the search is over. */
  answer(linkId: number, answer: FieldAnswer): Concluded | undefined {
    const active = this.#active.get(linkId);
    if (active === undefined) return undefined;
    active.calls += 1;
    const step = active.search.next(answer);
    if (step.done !== true) {
      active.next = step.value;
      return undefined;
    }
    this.#active.delete(linkId);
    this.#learn(active, step.value);
    const refusedNow = active.last && step.value.unresolved.length > 0 && !answer.passed ? answer : undefined;
    return refusedNow === undefined ? step.value : { ...step.value, unresolvedAnswer: refusedNow };
  }

  /** The record is refused for another reason, which names its field: what is left begins anew. */
  drop(linkId: number): void {
    this.#active.delete(linkId);
    this.#waiting.delete(linkId);
  }

  #start(linkId: number, { fields, answer }: Waiting, suspects: readonly string[], exhausted: boolean): void {
    const known = suspects.length > 0;
    const few = 2 + (suspects.length > 1 ? mostSearchCalls(suspects.length) : 0);
    const search = searchFields(fields, suspects, exhausted ? few : undefined);
    const step = search.next(PASSED);
    if (step.done === true) return;
    const active = { search, code: answer.code, blind: !known, last: exhausted, next: step.value, calls: 0 };
    this.#active.set(linkId, active);
  }

  #learn({ code, blind, calls }: Active, { guilty }: FieldsFound): void {
    const lesson = this.#lesson(code);
    if (blind || calls > 2) lesson.blind += 1;
    for (const { field, code: found } of guilty) this.#lesson(found).suspects.add(field);
  }

  #lesson(code: string): Lesson {
    const known = this.#lessons.get(code) ?? { suspects: new Set<string>(), blind: 0 };
    this.#lessons.set(code, known);
    return known;
  }
}

/** A generator ignores what its first step is given. */
const PASSED: FieldAnswer = { passed: true };
