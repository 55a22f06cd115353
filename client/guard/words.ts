import type { GuardReason, RecordIds } from '../../rules/guard.js';
import { across } from '../../rules/terms.js';
import { SIDE_NAMES } from '../why/words.js';

/** One reason of a stop as people read it, without a value of any record. */
export const reasonText = (reason: Omit<GuardReason, 'examples' | 'value'>): string => {
  const { measure, from, kind, field, count, of } = reason;
  const share = `${thousands(count)} of ${thousands(of)} ${kind}s (${percent(count / Math.max(of, 1))})`;
  const target = SIDE_NAMES[across(from)];
  switch (measure) {
    case 'clears':
      return `${field ?? ''} would be cleared in ${target} for ${share}, because ${SIDE_NAMES[from]} holds none now`;
    case 'sameValue':
      return `${field ?? ''} would get one and the same value in ${target} for ${share}, from ${SIDE_NAMES[from]}`;
    case 'writes':
      return `${share} would be written in ${target} with what was edited in ${SIDE_NAMES[from]}`;
    case 'deletes':
      return from === 'dynamics'
        ? `${share} are gone from Dynamics, and their persons would be flagged`
        : `the persons of ${share} are gone from Marketo, and their pairs would end`;
  }
};

/** What becomes of it, by decision. */
export const goOnText = ({ measure, from }: Pick<GuardReason, 'measure' | 'from'>): string => {
  if (measure !== 'deletes') return 'it is written as it stands; much more than this is asked again';
  return from === 'dynamics'
    ? 'persons whose row is gone are flagged (dynamicsDeleted)'
    : 'the pairs end; the rows stay in Dynamics';
};

export const discardText = ({
  measure,
  from,
  field,
}: Pick<GuardReason, 'measure' | 'from' | 'field'>): string => {
  if (measure !== 'deletes') {
    return `each side keeps what it has${field === null ? '' : ` in ${field}`}; a record is synced again once one of its values moves`;
  }
  return from === 'dynamics'
    ? 'no person is flagged; rows that a read still finds go on as before'
    : 'persons that a read still finds go on as before; the rows of the others stay in Dynamics';
};

const thousands = (count: number): string => count.toLocaleString('en-US');

/** Rounded down, so that not all is told as all: `100 %` is every one. */
const percent = (share: number): string => `${String(Math.floor(share * 100))} %`;

/** The records of a pair that are known. */
export const placesOf = ({ marketoId, dynamicsId }: RecordIds): string[] => [
  ...(marketoId === null ? [] : [`person ${String(marketoId)}`]),
  ...(dynamicsId === null ? [] : [`row ${dynamicsId}`]),
];

export const recordText = (ids: RecordIds): string => placesOf(ids).join(' and ');
