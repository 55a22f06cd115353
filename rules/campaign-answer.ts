import type { Kind } from './terms.js';

/** What became of a person, as a campaign is told. */
export interface CampaignOutcome {
  readonly marketoId: number;
  readonly outcome: string;
  readonly kind: Kind | null;
  readonly dynamicsId: string | null;
  /** Code of a refusal. */
  readonly code: string | null;
  /** The refusal in Dynamics' own words, where they are known. */
  readonly words: string | null;
}

/** Why there is no record, with a code of our own that a campaign can filter by (docs/campaigns.md). */
interface Reason {
  readonly errorCode: string;
  readonly reason: string;
}

/** One person's part of a callback, in the form of Marketo's self-service flow steps. */
export interface AnsweredPerson {
  readonly leadData: Readonly<Record<string, string | number>>;
  readonly activityData: Readonly<Record<string, string | boolean>>;
}

/** Longest text that Marketo takes for a string attribute, in bytes. */
const LONGEST = 255;

/** There is a record in Dynamics, and the person belongs to it. */
const SUCCEEDED: ReadonlySet<string> = new Set(['created', 'linked', 'already-there']);

/**
 * What is told of one person. Fields are written only where there is a record of its own; JSON null would not clear one
 * (Adobe: known issue), and nothing is to be cleared.
 */
export const answerPerson = (outcome: CampaignOutcome): AnsweredPerson => {
  const { marketoId, kind, dynamicsId } = outcome;
  const success = SUCCEEDED.has(outcome.outcome);
  const record = dynamicsId === null || kind === null ? undefined : { dynamicsId, kind };
  return {
    leadData: {
      id: marketoId,
      ...(success && record !== undefined && { dynamicsId: record.dynamicsId, dynamicsType: record.kind }),
    },
    activityData: {
      success,
      dynamicsOutcome: outcome.outcome,
      ...(record !== undefined && { dynamicsRecordId: record.dynamicsId, dynamicsRecordType: record.kind }),
      ...(success ? {} : { ...reasonOf(outcome) }),
    },
  };
};

const reasonOf = ({ outcome, code, words }: CampaignOutcome): Reason => {
  switch (outcome) {
    case 'refused':
      return refusal(code ?? 'refused', words);
    case 'ambiguous':
      return {
        errorCode: 'AMBIGUOUS',
        reason: 'Several records have this e-mail address: merge them, then ask again.',
      };
    case 'merged-away':
      return {
        errorCode: 'MERGED_AWAY',
        reason: 'The record was merged into one that belongs to another person: merge the two persons.',
      };
    case 'out-of-scope':
      return {
        errorCode: 'OUT_OF_SCOPE',
        reason: 'The person, or the record with its e-mail address, is left out of the sync.',
      };
    case 'not-found':
      return { errorCode: 'NOT_FOUND', reason: 'Marketo has no such person (any more).' };
    default:
      return { errorCode: 'NOT_DONE', reason: `Nothing was created: ${outcome}.` };
  }
};

/** Codes of ours, for what the flow step was given. */
const GIVEN: Readonly<Record<string, string>> = {
  'invalid-sync-as': 'Sync As has to be lead or contact.',
  'invalid-assign-to':
    'Assign To has to be chosen from the list, or be the id of a user, or team: and the id of a team.',
};

const refusal = (code: string, words: string | null): Reason => {
  const given = GIVEN[code];
  if (given !== undefined) return { errorCode: 'INVALID_PARAMETER', reason: given };
  const text = words === null ? `Dynamics refused the record (${code}).` : `${words} (${code})`;
  return { errorCode: 'REFUSED', reason: cut(text) };
};

/** Marketo cuts by bytes; we do it between characters. */
const cut = (text: string): string => {
  const encoder = new TextEncoder();
  if (encoder.encode(text).length <= LONGEST) return text;
  let kept = '';
  let bytes = 3;
  for (const character of text) {
    bytes += encoder.encode(character).length;
    if (bytes > LONGEST) break;
    kept += character;
  }
  return `${kept}…`;
};
