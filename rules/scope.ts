import type { FieldValue, IsoInstant, Kind } from './terms.js';

/** The record filter of `sync.config.yaml`: by which flags people leave records out. */
export interface ScopeChoice {
  /** Boolean columns of rows: only an explicit No leaves a row out. */
  readonly lead?: string;
  readonly contact?: string;
  /** Boolean person field: true leaves a person out, because Marketo never reads null for one. */
  readonly person?: string;
}

/** A flag as both schemas and the rights let us read it. */
export interface ScopeFlag {
  readonly name: string;
  /** False while it cannot be read: what was known stands then. */
  readonly readable: boolean;
}

/** The flags that count; null where none is configured. */
export type Scope = Readonly<Record<Kind | 'person', ScopeFlag | null>>;

export const NO_SCOPE: Scope = { lead: null, contact: null, person: null };

/** Since when a record's own flag leaves it out. */
export interface LeftOut {
  readonly since: IsoInstant;
  /** The flag could not be read when the record was first met: it waits until it can. */
  readonly unread?: true;
}

/** An operator set this one aside. */
export interface Hold {
  readonly since: IsoInstant;
  readonly by: string;
  readonly note: string | null;
}

/** Why nothing of a pair is written; each cause ends by itself. */
export interface OutOfScope {
  readonly row?: LeftOut;
  readonly person?: LeftOut;
  readonly hold?: Hold;
}

export const SCOPE_CAUSES = ['row', 'person', 'hold'] as const satisfies readonly (keyof OutOfScope)[];
export type ScopeCause = (typeof SCOPE_CAUSES)[number];

/** What of a link the scope concerns. */
interface Scoped {
  readonly outOfScope: OutOfScope | null;
  readonly dirty: boolean;
}

export const isInScope = ({ outOfScope }: Pick<Scoped, 'outOfScope'>): boolean => outOfScope === null;

/** One flag of one record as it was read; `undefined` where the answer did not have it. */
export interface FlagRead {
  readonly cause: 'row' | 'person';
  readonly flag: ScopeFlag | null;
  readonly value: FieldValue | undefined;
  readonly at: IsoInstant;
}

/** The value by which each side's flag leaves a record out. */
const LEAVES_OUT = { row: false, person: true } as const;

/**
 * The link as a record's flag has it. A flag that cannot be read changes nothing of what was known, so that neither a
 * lost right nor a null lets anybody in; a record that is new then waits.
 *
 * @param isNew the record was never read with this flag before.
 */
export const withFlag = <T extends Scoped>(link: T, read: FlagRead, isNew = false): T => {
  const { cause, flag, value, at } = read;
  const known = link.outOfScope?.[cause];
  if (flag === null) return without(link, cause);
  if (!flag.readable || value === undefined) {
    return isNew && known === undefined ? withCause(link, { [cause]: { since: at, unread: true } }) : link;
  }
  if (value !== LEAVES_OUT[cause]) return without(link, cause);
  const since = known === undefined || known.unread === true ? at : known.since;
  return withCause(link, { [cause]: { since } });
};

/** A hold that stands already stays as it is. */
export const withHold = <T extends Scoped>(link: T, hold: Hold): T =>
  link.outOfScope?.hold === undefined ? withCause(link, { hold }) : link;

const withCause = <T extends Scoped>(link: T, cause: OutOfScope): T => ({
  ...link,
  outOfScope: { ...link.outOfScope, ...cause },
});

/** One cause less. A link that no cause is left for is dirty: what was edited meanwhile is merged as if seen then. */
export const without = <T extends Scoped>(link: T, cause: ScopeCause): T => {
  if (link.outOfScope?.[cause] === undefined) return link;
  const left = Object.fromEntries(Object.entries(link.outOfScope).filter(([name]) => name !== cause));
  const isBack = Object.keys(left).length === 0;
  return { ...link, outOfScope: isBack ? null : left, dirty: link.dirty || isBack };
};
