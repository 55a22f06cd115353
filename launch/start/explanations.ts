import type { Explanation } from '../../simulators/compare/index.js';
import type { ClaimedLink } from '../../simulators/compare/index.js';
import { WHOLE_RECORD, type Link } from '../../rules/link.js';
import { AMBIGUITY_TEXTS, SCOPE_NAMES } from '../../client/why/words.js';
import { causeOf } from '../../rules/ambiguous-groups.js';
import { SCOPE_CAUSES, type OutOfScope } from '../../rules/scope.js';
import type { Kind, Side } from '../../rules/terms.js';
import type { Database } from '../../store/database.js';

/** What the store says of one link. */
export interface KnownLink {
  readonly id: number;
  readonly kind: Kind;
  readonly status: Link['status'];
  readonly marketoId: number | null;
  readonly dynamicsId: string | null;
  readonly parked: Link['parked'];
  readonly ambiguity?: Link['ambiguity'];
  readonly outOfScope?: Link['outOfScope'];
}

/** A refused write that still stands. */
export interface OpenRejection {
  readonly id: string;
  readonly linkId: number;
  readonly side: Side;
  /** Null: the record as a whole. */
  readonly field: string | null;
  readonly code: string;
  readonly message: string;
}

/** A field that is not synced, or one way only, for every link of a kind. */
export interface KnownNotice {
  readonly kind: Kind;
  readonly field: string;
  readonly message: string;
}

/** What the sync says about itself: its links, and all that it lists as set aside. */
export interface Account {
  readonly links: readonly KnownLink[];
  readonly rejections: readonly OpenRejection[];
  readonly notices: readonly KnownNotice[];
}

export const readAccount = async (db: Database): Promise<Account> => {
  const [links, rejections, notices] = await Promise.all([
    db
      .selectFrom('links')
      .select(['id', 'kind', 'status', 'marketo_id', 'dynamics_id', 'parked', 'ambiguity', 'out_of_scope'])
      .orderBy('id')
      .execute(),
    db
      .selectFrom('rejections')
      .select(['id', 'link_id', 'side', 'field', 'code', 'message'])
      .where('closed_at', 'is', null)
      .orderBy('at')
      .execute(),
    db.selectFrom('field_notices').select(['kind', 'field', 'message']).execute(),
  ]);
  return {
    links: links.map(({ id, kind, status, marketo_id, dynamics_id, parked, ambiguity, out_of_scope }) => ({
      ...{ id, kind, status, parked, ambiguity, outOfScope: out_of_scope },
      marketoId: marketo_id,
      dynamicsId: dynamics_id,
    })),
    rejections: rejections.map(({ link_id, ...rejection }) => ({ ...rejection, linkId: link_id })),
    notices,
  };
};

export const claimsOf = ({ links }: Account): ClaimedLink[] =>
  links.map(({ kind, status, marketoId, dynamicsId }) => ({ kind, marketoId, dynamicsId, state: status }));

const NAMES: Readonly<Record<Side, string>> = { marketo: 'Marketo', dynamics: 'Dynamics' };

const recordOf = ({ marketoId, dynamicsId }: KnownLink) => ({
  ...(marketoId === null ? {} : { marketoId }),
  ...(dynamicsId === null ? {} : { dynamicsId }),
});

/** One reason for all rejections of a cause, in the words of the first: their messages may quote values. */
const reasonsOf = (rejections: readonly OpenRejection[]): ((rejection: OpenRejection) => string) => {
  const words = new Map<string, string>();
  const causeOf = ({ side, field, code }: OpenRejection): string => `${side} ${field ?? ''} ${code}`;
  for (const rejection of rejections) {
    const cause = causeOf(rejection);
    const { side, field, code, message } = rejection;
    if (!words.has(cause)) {
      words.set(cause, `refused by ${NAMES[side]}, ${field ?? 'the record'} (${code}): ${message}`);
    }
  }
  return (rejection) => words.get(causeOf(rejection)) ?? rejection.code;
};

/** A parked field, with the refusal that parked it; a field only, never the whole record. */
const parkedFields = (
  link: KnownLink,
  rejections: ReadonlyMap<string, OpenRejection>,
  reasonOf: (rejection: OpenRejection) => string,
): Explanation[] =>
  Object.entries(link.parked).flatMap(([field, { reason, rejectionId }]) => {
    if (field === WHOLE_RECORD) return [];
    if (reason === 'quarantined')
      return [{ ...recordOf(link), field, reason: 'quarantined: the value did not come to rest' }];
    if (reason === 'discarded')
      return [{ ...recordOf(link), field, reason: 'given up by decision on a stop of the guard' }];
    const rejection = rejectionId === null ? undefined : rejections.get(rejectionId);
    // A refusal that nobody can read of explains nothing.
    return rejection === undefined ? [] : [{ ...recordOf(link), field, reason: reasonOf(rejection) }];
  });

/**
 * Why records or fields may differ, each as narrow as the sync itself lists it: a parked field of one link, a record
 * whose creation was refused, a row of an ambiguous group, a field that cannot be synced for a kind.
 */
export const explanationsOf = ({ links, rejections, notices }: Account): Explanation[] => {
  const byId = new Map(rejections.map((rejection) => [rejection.id, rejection]));
  const reasonOf = reasonsOf(rejections);
  const byLink = new Map(rejections.map((rejection) => [rejection.linkId, rejection]));
  return links.flatMap((link): Explanation[] => {
    if (link.marketoId === null && link.dynamicsId === null) return [];
    if (link.outOfScope != null && isLiving(link))
      return [{ ...recordOf(link), reason: outOfScopeReason(link.outOfScope) }];
    const refused = byLink.get(link.id);
    switch (link.status) {
      case 'merged-away':
        return [{ ...rowOf(link), reason: 'merged away: the other side still has to merge its two records' }];
      case 'ambiguous':
        return [
          { ...rowOf(link), reason: `ambiguous: ${AMBIGUITY_TEXTS[causeOf({ ambiguity: null, ...link })]}` },
        ];
      case 'unmatched':
        return refused === undefined ? [] : [{ ...rowOf(link), reason: reasonOf(refused) }];
      case 'linked': {
        const unsynced = notices
          .filter(({ kind }) => kind === link.kind)
          .map(({ field, message }) => ({ ...recordOf(link), field, reason: `not synced: ${message}` }));
        return [...parkedFields(link, byId, reasonOf), ...unsynced];
      }
      case 'ended':
      case 'tombstone':
      case 'excluded':
        return [];
    }
  });
};

/** Its records may differ for as long as it is out of scope; one that ended claims nothing. */
const isLiving = ({ status }: KnownLink): boolean => status === 'linked' || status === 'unmatched';

const outOfScopeReason = (scope: OutOfScope): string =>
  `out of scope: ${SCOPE_CAUSES.filter((cause) => scope[cause] !== undefined)
    .map((cause) => SCOPE_NAMES[cause])
    .join(', ')}`;

/** The row where there is one; a person who waits for a row else. */
const rowOf = ({ marketoId, dynamicsId }: KnownLink): { dynamicsId: string } | { marketoId: number } =>
  dynamicsId === null ? { marketoId: marketoId ?? 0 } : { dynamicsId };
