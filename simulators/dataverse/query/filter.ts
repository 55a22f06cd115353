import { badQuery } from '../errors.js';
import type { Comparison, Filter } from './filter-parse.js';
import { isCalendarDay, parseDateTime, type ColumnValue } from '../rows/values.js';

/** How values of a property compare. */
export type Sort = 'text' | 'number' | 'boolean' | 'guid' | 'day' | 'moment';

/** What a filter asks about: a way to read a property, prepared once for many rows. */
export interface Subject<T> {
  sort(property: string): Sort;
  read(property: string): (item: T) => ColumnValue;
  /** Rows on the other side of a collection-valued navigation property. */
  related?(navigation: string): Related<T>;
}

/** Children of an item, as a filter on them sees them. */
export interface Related<T> {
  readonly subject: Subject<T>;
  rows(item: T): readonly T[];
}

export type Test<T> = (item: T) => boolean;

/** Date-times as text without zone, whole seconds in 19 characters, so that they compare as text. */
const momentKey = (text: string): string => {
  const epoch = parseDateTime(text);
  if (epoch === undefined) throw badQuery(`'${text}' is not a date-time.`);
  return new Date(epoch).toISOString().replace(/(\.000)?Z$/, '');
};

/** A literal in the form that comparisons of this sort use; a literal of another type is a 400. */
const operand = (sort: Sort, value: ColumnValue, property: string): ColumnValue => {
  if (value === null) return null;
  if (sort === 'text' && typeof value === 'string') return value.toLowerCase();
  if (sort === 'number' && typeof value === 'number') return value;
  if (sort === 'boolean' && typeof value === 'boolean') return value;
  if (sort === 'guid' && typeof value === 'string') return value.toLowerCase();
  if (sort === 'day' && typeof value === 'string' && isCalendarDay(value)) return value;
  if (sort === 'moment' && typeof value === 'string') return momentKey(value);
  throw badQuery(`A binary operator with incompatible types was detected on '${property}'.`);
};

const comparable = (sort: Sort, value: ColumnValue): ColumnValue => {
  if (typeof value !== 'string') return value;
  if (sort === 'text') return value.toLowerCase();
  return sort === 'moment' ? value.slice(0, 19) : value;
};

/** Nulls first, then by value; text without regard to case. */
export const compareValues = (sort: Sort, left: ColumnValue, right: ColumnValue): number => {
  const [a, b] = [comparable(sort, left), comparable(sort, right)];
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
};

const holds: Record<Exclude<Comparison, 'eq' | 'ne'>, (order: number) => boolean> = {
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
  lt: (order) => order < 0,
  le: (order) => order <= 0,
};

const compareTest = <T>(subject: Subject<T>, filter: Filter & { kind: 'compare' }): Test<T> => {
  const sort = subject.sort(filter.property);
  const read = subject.read(filter.property);
  const wanted = operand(sort, filter.value, filter.property);
  const { operator } = filter;
  if (operator === 'eq') return (item) => comparable(sort, read(item)) === wanted;
  if (operator === 'ne') return (item) => comparable(sort, read(item)) !== wanted;
  return (item) => {
    const value = comparable(sort, read(item));
    if (value === null || wanted === null) return false;
    return holds[operator](value === wanted ? 0 : value < wanted ? -1 : 1);
  };
};

const textTest = <T>(
  subject: Subject<T>,
  property: string,
  test: (value: string, wanted: string) => boolean,
  text: string,
): Test<T> => {
  if (subject.sort(property) !== 'text') {
    throw badQuery(`No function signature matches the specified arguments for '${property}'.`);
  }
  const read = subject.read(property);
  const wanted = text.toLowerCase();
  return (item) => {
    const value = read(item);
    return typeof value === 'string' && test(value.toLowerCase(), wanted);
  };
};

const inTest = <T>(subject: Subject<T>, property: string, values: readonly string[]): Test<T> => {
  const sort = subject.sort(property);
  const read = subject.read(property);
  const keys = new Set(values.map((value) => (sort === 'moment' ? momentKey(value) : value.toLowerCase())));
  return (item) => {
    const value = comparable(sort, read(item));
    return value !== null && keys.has(String(value));
  };
};

const lambdaTest = <T>(subject: Subject<T>, filter: Filter & { kind: 'any' | 'all' }): Test<T> => {
  const related = subject.related?.(filter.navigation);
  if (related === undefined) throw badQuery(`'${filter.navigation}' is not a collection of related rows.`);
  const inner = filter.inner === null ? () => true : compileFilter(filter.inner, related.subject);
  return (item) => (filter.kind === 'any' ? related.rows(item).some(inner) : related.rows(item).every(inner));
};

/** Turns a filter into a test of one row. Unknown properties are refused by the subject. */
export const compileFilter = <T>(filter: Filter, subject: Subject<T>): Test<T> => {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const [left, right] = [compileFilter(filter.left, subject), compileFilter(filter.right, subject)];
      return filter.kind === 'and'
        ? (item) => left(item) && right(item)
        : (item) => left(item) || right(item);
    }
    case 'not': {
      const inner = compileFilter(filter.inner, subject);
      return (item) => !inner(item);
    }
    case 'compare':
      return compareTest(subject, filter);
    case 'contains':
      return textTest(subject, filter.property, (value, part) => value.includes(part), filter.value);
    case 'startswith':
      return textTest(subject, filter.property, (value, part) => value.startsWith(part), filter.value);
    case 'endswith':
      return textTest(subject, filter.property, (value, part) => value.endsWith(part), filter.value);
    case 'any':
    case 'all':
      return lambdaTest(subject, filter);
    case 'in':
      return inTest(subject, filter.property, filter.values);
  }
};
