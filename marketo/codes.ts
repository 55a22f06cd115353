import { FAILURES, TRANSIENT, type FailureType } from '../rules/failures.js';

/** What one of Marketo's codes means when it stands on a whole call. */
export interface Verdict {
  readonly type: FailureType;
  /** What to do about it. */
  readonly advice: string;
  /** Marketo may have executed the call before it answered with this. */
  readonly mayHaveRun?: true;
  /** What keeps the call from passing takes about this long to end. */
  readonly waitMs?: number;
}

const MINUTE = 60_000;
const LATER = 'it is tried again later';
const PROXY = 'this product sends no such call: check any proxy or gateway that rewrites calls to Marketo';
const NOT_OURS = 'no call of this product should meet it: tell its authors, with the request id';

const unwell: Verdict = { type: FAILURES.unavailable, advice: LATER };
const inDoubt: Verdict = { ...unwell, mayHaveRun: true };
const refused = (advice: string): Verdict => ({ type: FAILURES.refusedCall, advice });
const misconfigured = (advice: string): Verdict => ({ type: FAILURES.misconfigured, advice });
const busy = (waitMs: number, advice: string): Verdict => ({ type: FAILURES.busy, advice, waitMs });
const token: Verdict = {
  type: FAILURES.unauthorized,
  advice: 'check that MARKETO_ENDPOINT and MARKETO_IDENTITY belong to one subscription',
};
/** A token that was good: time brings its successor, and there is nothing to mend. */
const expired: Verdict = { type: FAILURES.unavailable, advice: 'it is tried again later, with a new token' };
const merge = refused('merge the persons in Marketo by hand, and look there for what it objects to');

/**
 * Every code of Adobe's list (Adobe REST docs, "Error codes"), as it stands on a whole call. Marketo's text plays no
 * part: one code, one meaning. 500, 502 and 604 are known to come after a write was executed; 611 and 713 are
 * "unhandled" and "transient" errors of which nothing says how far the call had come. All others say that nothing was
 * executed.
 *
 * 1029 has three meanings that only its text tells apart: the queue of bulk jobs is full, the day's export quota is used
 * up, this job is queued already. The verdict suits all three: nothing was queued by this call, and whoever reads the
 * list of jobs before asking again finds which it is. No call of today's connector can meet it.
 */
const VERDICTS: Readonly<Record<string, Verdict>> = {
  '500': inDoubt,
  '502': inDoubt,
  '600': token,
  '601': token,
  '602': expired,
  '603': {
    type: FAILURES.forbidden,
    advice:
      'give the role of the API user the right for this call, or allow this address (IP allowlist); if both are right, a proxy may strip the Authorization header',
  },
  '604': inDoubt,
  '605': misconfigured(PROXY),
  '606': { type: FAILURES.rateLimited, advice: 'it is sent again when the 20 s window has passed' },
  '607': {
    type: FAILURES.quotaExhausted,
    advice:
      'nothing more until 00:00 US Central; see which integrations use the quota, or ask Adobe for more',
  },
  '608': unwell,
  '609': refused('Marketo cannot read what was sent: its records are sent apart'),
  '610': misconfigured('check MARKETO_ENDPOINT (it ends in /rest)'),
  '611': inDoubt,
  '612': misconfigured(PROXY),
  '613': misconfigured(PROXY),
  '614': unwell,
  '615': { type: FAILURES.rateLimited, advice: 'it is sent again in a moment' },
  '616': misconfigured('the subscription is of a type that lacks this feature: ask Adobe'),
  '701': refused(NOT_OURS),
  '702': refused('Marketo holds nothing by that name: check that it was not deleted there'),
  '703': misconfigured('the subscription lacks this feature: ask Adobe to switch it on'),
  '704': refused(NOT_OURS),
  '709': refused('a rule of Marketo forbids it: its own text says which'),
  '710': refused(NOT_OURS),
  '711': refused(NOT_OURS),
  '712': merge,
  '713': inDoubt,
  '714': merge,
  '718': refused('create the sales person in Marketo first'),
  '719': busy(MINUTE, 'somebody else holds a lock in Marketo: it is tried again soon'),
  '1001': refused('a value is of another type than Marketo asks for: compare the field types of both sides'),
  '1002': refused(NOT_OURS),
  '1003': refused('a value or the size of the call does not suit Marketo: its records are sent apart'),
  '1004': refused('the person is gone from Marketo: it was deleted or merged'),
  '1005': refused('the person is there already'),
  '1006': misconfigured('check the name of the field, and that the role of the API user may see it'),
  '1007': refused('several persons hold this key: merge them in Marketo, or change the key of all but one'),
  '1008': refused('give the API user access to the partition'),
  '1009': refused('give the API user a workspace with one partition, so that none has to be named'),
  '1010': refused('the person is in another partition: move it in Marketo'),
  '1011': misconfigured('use a searchable field (a custom one of type string, email or integer)'),
  '1012': refused(NOT_OURS),
  '1013': refused('what it names is not in Marketo: check that it was not deleted there'),
  '1014': unwell,
  '1015': refused('the person is not in the list: nothing is left to do'),
  '1016': busy(2 * MINUTE, 'Marketo works on ten imports: it is tried again when one has ended'),
  '1017': refused('it is there already: nothing is left to do'),
  '1018': misconfigured("switch off Marketo's native CRM sync, which this product replaces"),
  '1019': busy(MINUTE, 'an import into that list is under way: it is tried again when it has ended'),
  '1020': busy(60 * MINUTE, 'Marketo makes too many clones: it is tried again in an hour'),
  '1021': refused('company fields of this person belong to its company: leave them out of the mapping'),
  '1022': busy(MINUTE, 'it is in use in Marketo: take it out of campaigns and lists; it is tried again soon'),
  '1025': refused('the program has no such status: check it in Marketo'),
  '1026': misconfigured('custom objects are not switched on: ask Adobe'),
  '1027': misconfigured('the subscription has all the custom activity types it may have: delete one'),
  '1028': misconfigured('the custom activity type has all the attributes it may have: delete one'),
  '1029': busy(
    15 * MINUTE,
    'look at the list of bulk jobs before asking again: its queue is full, the export quota of the day is used up, or this job is queued already',
  ),
  '1035': misconfigured('the subscription does not take this filter: ask Adobe to switch it on'),
  '1036': refused('one key was sent twice in one call'),
  '1037': refused('the person has this status, or is past it: nothing is left to do'),
  '1042': refused(NOT_OURS),
  '1048': refused('discard the draft in Marketo by hand'),
  '1049': refused('the attributes of the activity are larger than 65,536 bytes: shorten them'),
  '1076': merge,
  '1077': merge,
  '1078': merge,
  '1079': merge,
  '1080': refused('at most 25 persons go into another in one call'),
};

/**
 * A code that Adobe does not list. The envelope is taken at its word, that the call was refused as a whole; it may pass
 * all the same, so it is sent again a few times, and then whoever called sets its record aside.
 */
const UNLISTED = refused(
  "Adobe's list of error codes does not have it: it was sent again in vain; ask Adobe's support, with the request id",
);

/** The same of a call that must not be executed twice. */
const UNLISTED_ONCE: Verdict = {
  ...inDoubt,
  advice:
    "Adobe's list of error codes does not have it, so it may have been executed, and is not sent again before that is known; if it stays so, ask Adobe's support, with the request id",
};

/** Whether Adobe lists the code, or its kind (5xx). */
export const isListed = (code: string): boolean => verdictOf(code) !== UNLISTED;

/** @param once of a call that must not be executed twice */
export function verdictOf(code: string, once = false): Verdict {
  // `Object.hasOwn`: a code is text from outside, and may be the name of a member that every object has.
  const listed = Object.hasOwn(VERDICTS, code) ? VERDICTS[code] : undefined;
  return listed ?? (/^5\d\d$/.test(code) ? inDoubt : once ? UNLISTED_ONCE : UNLISTED);
}

/** Code of one record: its person does not exist (Adobe REST docs, "Error codes"). */
export const PERSON_NOT_FOUND = '1004';

/** Whether a record that was skipped with this code may be taken another time, though nothing of it changes. */
export const mayPassLater = (code: string): boolean => TRANSIENT.has(verdictOf(code).type);
