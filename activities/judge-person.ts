import { match, type FreePerson, type Matching } from '../rules/matching.js';
import type { UnknownHolders } from '../rules/ambiguity.js';
import { emailKey } from '../rules/email.js';
import type { Link } from '../rules/link.js';
import { isInScope, withFlag } from '../rules/scope.js';
import type { PersonRecord } from '../marketo/index.js';
import type { Database } from '../store/database.js';
import { linksByRow } from '../store/links.js';
import type { CreatePersonResult } from './contract.js';
import { personFlag } from './flags.js';
import type { FoundRow } from './free-records.js';
import { answer, type Request } from './request.js';
import { isGuid, textOf } from './rows.js';

/** Nothing is to be made or linked: this is what became of the request. */
interface Answered {
  readonly do: 'answer';
  readonly result: CreatePersonResult;
}

const answered = (result: CreatePersonResult): Answered => ({ do: 'answer', result });

/** What the person's own link has to say, before any record is looked for. */
export type OwnJudgement =
  | Answered
  /** Reserved by an earlier attempt: the row is made under the id that stands there. */
  | { readonly do: 'make'; readonly link: Link }
  | { readonly do: 'link-again'; readonly link: Link }
  /** Reserved by an earlier attempt, and out of scope since. */
  | { readonly do: 'withdraw'; readonly link: Link }
  | { readonly do: 'match' };

export const judgeOwn = (request: Request, own: Link | undefined, isHeld: boolean): OwnJudgement => {
  if (own?.status === 'linked') return answered(answer('already-there', own));
  if (own?.status === 'ambiguous' || own?.status === 'merged-away') return answered(heldBack(own));
  if (isHeld || isFlaggedOut(request, own))
    return own?.status === 'unmatched'
      ? { do: 'withdraw', link: own }
      : answered(answer('out-of-scope', undefined));
  if (own?.status === 'unmatched') return { do: 'make', link: own };
  // A tombstone stops the cycle, not a request: the person is there after all, and its row too.
  return own === undefined ? { do: 'match' } : { do: 'link-again', link: own };
};

const isFlaggedOut = ({ mapping, person }: Request, own: Link | undefined): boolean => {
  const known = { outOfScope: own?.outOfScope ?? null, dirty: false };
  return !isInScope(withFlag(known, personFlag(mapping.scope.person, person.values), own === undefined));
};

/** Its row was qualified or merged into one that belongs to another person: another row would be one too many. */
export const heldBack = ({ status, successor }: Link): CreatePersonResult => {
  if (status !== 'merged-away') return answer('ambiguous', undefined);
  return answer(
    'merged-away',
    successor === null ? undefined : { kind: successor.kind, dynamicsId: successor.id },
  );
};

/** Twins of persons that have the row already: another row would make the confusion worse. */
export const carriersOfForeignKeys = async (
  db: Database,
  persons: readonly PersonRecord[],
): Promise<Set<number>> => {
  const carried = persons.flatMap(({ id, values }) => {
    const key = textOf(values['dynamicsId'])?.toLowerCase() ?? '';
    return isGuid(key) ? [{ id, key }] : [];
  });
  const links = await linksByRow(
    db,
    carried.map(({ key }) => key),
  );
  const taken = carried.filter(({ id, key }) =>
    links.some((link) => link.dynamicsId === key && link.status === 'linked' && link.marketoId !== id),
  );
  return new Set(taken.map(({ id }) => id));
};

/** Records of both sides that some persons may belong to. */
export interface Candidates {
  readonly rows: readonly FoundRow[];
  readonly persons: readonly FreePerson[];
  readonly unknown: UnknownHolders;
}

/** Rows that are left out take no part. */
export const matchCandidates = ({ rows, persons, unknown }: Candidates): Matching =>
  match(
    rows.filter(({ outOfScope }) => !outOfScope).map(({ row }) => row),
    persons,
    unknown,
  );

/**
 * Those persons that one of the rows may belong to. Only of them it matters who else has their e-mail: without a row
 * nothing is ambiguous.
 */
export const contested = (
  persons: readonly PersonRecord[],
  rows: readonly FoundRow[],
): readonly PersonRecord[] =>
  persons.filter((person) => rows.some(({ outOfScope, row }) => !outOfScope && mayBelongTo(row, person)));

/** What the records that were found have to say of one person. */
export type FoundJudgement =
  Answered | { readonly do: 'link'; readonly row: FoundRow } | { readonly do: 'create' };

export const judgeFound = (
  { person }: Request,
  rows: readonly FoundRow[],
  { pairs, ambiguous }: Matching,
): FoundJudgement => {
  const pair = pairs.find((each) => each.person.marketoId === person.id);
  const there = rows.find(({ row }) => row === pair?.row);
  if (there !== undefined) return { do: 'link', row: there };
  const group = ambiguous.find((each) => each.persons.some(({ marketoId }) => marketoId === person.id));
  if (group !== undefined) return answered(answer('ambiguous', undefined));
  // A second row beside one that people left out would be a twin.
  const leftOut = rows.find(({ outOfScope, row }) => outOfScope && mayBelongTo(row, person));
  return leftOut === undefined ? { do: 'create' } : answered(answer('out-of-scope', leftOut.row));
};

/** By the key that the person carries, or by its e-mail. */
export const mayBelongTo = (
  row: Pick<FoundRow['row'], 'dynamicsId' | 'emailKey'>,
  { values }: PersonRecord,
): boolean =>
  row.dynamicsId === textOf(values['dynamicsId'])?.toLowerCase() ||
  (row.emailKey !== null && row.emailKey === emailKey(textOf(values['email'])));
