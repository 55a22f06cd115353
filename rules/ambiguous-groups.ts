import type { Ambiguity } from './ambiguity.js';
import type { Candidate, Link } from './link.js';

/** Records that cannot be told apart, as the store has them. */
export interface Group {
  readonly why: Ambiguity;
  /** What they have in common, where it is an e-mail. */
  readonly emailKey: string | null;
  /** The ambiguous links: rows without a person, or the pair of a qualified lead. */
  readonly links: readonly Link[];
  /** Persons that may belong to them. */
  readonly persons: readonly number[];
}

/** What an operator may decide about a group. */
export const DECISIONS = {
  'same-email': { link: 'candidates', separate: true },
  'same-key': { link: 'candidates', separate: false },
  'key-held': { link: 'nobody', separate: true },
  'too-many': { link: 'anybody', separate: true },
  comma: { link: 'anybody', separate: true },
  qualified: { link: 'nobody', separate: true },
} as const satisfies Record<
  Ambiguity,
  { readonly link: 'candidates' | 'anybody' | 'nobody'; readonly separate: boolean }
>;

/** Causes for which all links of one e-mail are one group; any other link is a group of its own. */
const BY_EMAIL: ReadonlySet<Ambiguity> = new Set(['same-email', 'too-many', 'comma']);

/** Parts ambiguous links into their groups, in their order. */
export const groupsOf = (links: readonly Link[]): Group[] => {
  const groups = new Map<string, Link[]>();
  for (const link of links) {
    const key = isByEmail(link) ? `${causeOf(link)} ${link.emailKey ?? ''}` : String(link.id);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [link]);
    else group.push(link);
  }
  return [...groups.values()].flatMap((members) => {
    const [first] = members;
    if (first === undefined) return [];
    const persons = new Set(members.flatMap(personsOf));
    const emailKey = isByEmail(first) ? first.emailKey : null;
    return [{ why: causeOf(first), emailKey, links: members, persons: [...persons].sort((a, b) => a - b) }];
  });
};

/** Links that were set aside before causes were kept share an e-mail, or have a person of their own. */
export const causeOf = ({ ambiguity, marketoId }: Pick<Link, 'ambiguity' | 'marketoId'>): Ambiguity =>
  ambiguity ?? (marketoId === null ? 'same-email' : 'qualified');

const isByEmail = (link: Link): boolean => link.emailKey !== null && BY_EMAIL.has(causeOf(link));

const personsOf = ({ marketoId, candidates }: Link): number[] => [
  ...(marketoId === null ? [] : [marketoId]),
  ...(candidates ?? []).filter(isPerson).map(({ id }) => Number(id)),
];

const isPerson = ({ side }: Candidate): boolean => side === 'marketo';
