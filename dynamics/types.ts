import type { CallBudget } from '../rules/budget.js';
import type { DynamicsColumn } from '../rules/catalog.js';
import type { FailureDetails } from '../rules/failures.js';
import type { FieldValue, IsoInstant, Kind, Lane } from '../rules/terms.js';

/** Where the environment is and how to sign in to it. Exactly one of `clientSecret` and `certificate`. */
export interface DynamicsSettings {
  /** Origin of the environment, e.g. `https://contoso.crm.dynamics.com` (`DATAVERSE_URL`). */
  readonly url: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly certificate?: {
    readonly thumbprintSha256: string;
    /** PEM, `-----BEGIN PRIVATE KEY-----`. */
    readonly privateKey: string;
    readonly x5c?: string;
  };
  /** Another token endpoint than Entra's, used without any discovery (`ENTRA_TOKEN_ENDPOINT`). */
  readonly tokenEndpoint?: string;
}

/** How long one HTTP call may take, in milliseconds. */
export interface Deadlines {
  readonly readMs: number;
  readonly writeMs: number;
  readonly signInMs: number;
}

export interface DynamicsOptions {
  readonly budget: CallBudget;
  /** `cycle` unless said otherwise. */
  readonly lane?: Lane;
  /** 120 s for reads, 130 s for writes and batches (a plug-in may run 2 minutes), 30 s to sign in. */
  readonly deadlines?: Partial<Deadlines>;
}

/** One row as read. */
export interface Row {
  /** GUID in lower case. */
  readonly id: string;
  /** Opaque: compare for equality alone, and send back as `If-Match`. */
  readonly etag: string;
  /**
   * By the names that were selected. A column that is absent was not in the answer; `null` is blank *or* a secured
   * column that the sync user may not read. A lookup is selected, and comes, as `_name_value` (see `lookupColumn`), or
   * by the name of what it points at (see `lookupName`).
   */
  readonly values: Readonly<Record<string, FieldValue>>;
}

/** One page of a table's changes. */
export interface ChangePage {
  /** Created and updated rows, which look the same, with their current values. */
  readonly rows: readonly Row[];
  /** GUIDs of deleted rows, some of which were perhaps never seen before. */
  readonly deleted: readonly string[];
  /** The next page; a place to resume at. */
  readonly nextLink?: string;
  /** On the last page alone: the cursor for the next time. Absent: keep the one you have. */
  readonly deltaLink?: string;
  /** The server's clock when it answered, in whole seconds. */
  readonly serverTime: IsoInstant;
}

/**
 * Where to start reading changes: a first full read of some columns, or a link of an earlier page. The columns are in
 * the link; `select` beside it says again which lookups are wanted by name.
 */
export type ChangesFrom =
  { readonly select: readonly string[] } | { readonly link: string; readonly select?: readonly string[] };

export interface RowUpdate {
  readonly type: 'update';
  readonly kind: Kind;
  readonly id: string;
  /** Sent as `If-Match`: a row that changed since, or was deleted, is not written. */
  readonly etag: string;
  readonly values: Readonly<Record<string, FieldValue>>;
  /** Asks for the new etag, at the price of a read on the server. */
  readonly returnEtag?: boolean;
  /** Has published duplicate detection rules passed over, which are asked to run otherwise. */
  readonly duplicatesAllowed?: true;
}

export interface RowCreate {
  readonly type: 'create';
  readonly kind: Kind;
  /** Our own GUID, sent with `If-None-Match: *`: a repeated create makes no second row. */
  readonly id: string;
  readonly values: Readonly<Record<string, FieldValue>>;
  /** Lookups by navigation property, which is case-sensitive: `{ 'ownerid@odata.bind': '/systemusers(guid)' }`. */
  readonly binds?: Readonly<Record<`${string}@odata.bind`, string>>;
  readonly returnEtag?: boolean;
  readonly duplicatesAllowed?: true;
}

export type RowWrite = RowUpdate | RowCreate;

/**
 * What a refusal is about: this record; the sync user's right to a secured column; its rights on the table; or a column
 * or option that the environment does not have (any longer), so that the catalog should be read again.
 */
export type RefusalScope = 'record' | 'column-rights' | 'table-rights' | 'schema';

export interface Refusal {
  readonly status: 'refused';
  /** Dataverse's code, lower case (`0x80044331`), or `HTTP 400` where it gave none. */
  readonly code: string;
  /** Dataverse's own words, or a plug-in author's; may hold values of the record. */
  readonly message: string;
  /** The one written column that a validation error names. */
  readonly column?: string;
  /** The row that is in the way (duplicate detection, alternate key), where the message names exactly one. */
  readonly twin?: string;
  /** Logical name of the twin's table, where the message tells it. */
  readonly twinTable?: string;
  /** It is about the row as it stands, whatever is written of it (inactive, closed, not shared with us). */
  readonly whole?: true;
  readonly scope: RefusalScope;
}

/**
 * What became of one write: `changed` (its etag is stale), `exists` (a create's GUID is taken), `gone` (the row is
 * deleted), or `transient`: nobody knows the row's answer. `failure.effect` says whether the row may have been written,
 * `failure.type` why; it is a lasting one (`Unauthorized`) only inside a batch.
 *
 * `exists` is no proof that the row is there, nor `gone` with `otherwise` that it is not: the words may be about another
 * row, which a plug-in missed or met. Read the row; should it be otherwise, `otherwise` is what the answer means.
 */
export type RowOutcome =
  | { readonly status: 'done'; readonly etag?: string }
  | { readonly status: 'changed' }
  | { readonly status: 'exists'; readonly otherwise?: Refusal | InDoubt }
  | { readonly status: 'gone'; readonly otherwise?: Refusal }
  | Refusal
  | InDoubt;

export interface InDoubt {
  readonly status: 'transient';
  readonly failure: FailureDetails;
}

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called as each batch ends, so that outcomes are kept early; `indexes` point into the operations. */
  readonly onOutcomes?: (indexes: readonly number[], outcomes: readonly RowOutcome[]) => Promise<void>;
}

/** What the sync user may do with one column. */
export interface ColumnAccess {
  readonly readable: boolean;
  readonly creatable: boolean;
  readonly updatable: boolean;
  readonly secured: boolean;
  /** Why a right is withheld, and what to do, where the column alone does not explain it. For people. */
  readonly withheld?: string | undefined;
}

/** Rights by kind and column. A column that is absent may not be used at all. */
export type Access = Readonly<Record<Kind, Readonly<Record<string, ColumnAccess>>>>;

export interface Identity {
  /** Row id of the application user, lower case. */
  readonly userId: string;
  readonly organizationId: string;
  /** The degree of parallelism that the environment advises. */
  readonly parallelism: number | undefined;
}

/** Who may own a row. */
export interface Owner {
  readonly type: 'systemuser' | 'team';
  readonly id: string;
  readonly name: string;
}

export interface TableTraits {
  /** Without it `changes` is refused. */
  readonly changeTracking: boolean;
  /** The table takes an etag in `If-Match`; without that every update is refused. */
  readonly optimisticConcurrency: boolean;
}

/**
 * The Dataverse Web API (v9.2) as this product uses it. A call that fails as a whole throws `RemoteFailure`; an abort
 * throws the signal's reason. Nothing is repeated here but a call after a 401, once, with a fresh token, and rows of a
 * batch that certainly were not run.
 */
export interface Dynamics {
  /** The same connection, its calls queued in another lane. */
  onLane(lane: Lane): Dynamics;

  whoAmI(signal?: AbortSignal): Promise<Identity>;

  /** What the table is set to, of the things that the sync cannot do without. One call. */
  tableTraits(kind: Kind, signal?: AbortSignal): Promise<TableTraits>;

  /**
   * Every usable column of a table with its type, limits, options and the user's rights. One call.
   * @param options.strong reads past the server's metadata cache, which can be 30 s old
   */
  columns(
    kind: Kind,
    userId: string,
    options?: { readonly strong?: boolean },
    signal?: AbortSignal,
  ): Promise<DynamicsColumn[]>;

  /**
   * What the user may read and write at this moment (`Consistency: Strong`), in one call; in two where the environment
   * does not name privileges, refuses the function for secured columns, or knows masks and a secured text may be read.
   * What is not said is not granted: Read on the table counts at organization level alone, and a column that may be
   * masked is not readable. Kinds not asked for are empty.
   */
  access(userId: string, kinds: readonly Kind[], signal?: AbortSignal): Promise<Access>;

  /**
   * Changes page by page, following the server's links to the last page. A cursor that the server refuses, or that
   * belongs to another environment, throws `CursorInvalid`.
   */
  changes(kind: Kind, from: ChangesFrom, signal?: AbortSignal): AsyncIterable<ChangePage>;

  /** Rows by id, any number, in no order; an id without a row is simply absent. */
  readRows(
    kind: Kind,
    ids: readonly string[],
    select: readonly string[],
    signal?: AbortSignal,
  ): Promise<Row[]>;

  /** One row, or `undefined` where Dataverse says that it does not exist. */
  readRow(kind: Kind, id: string, select: readonly string[], signal?: AbortSignal): Promise<Row | undefined>;

  /** Rows whose `emailaddress1` is one of these, in any case and any state. Blanks are left out. */
  findByEmail(
    kind: Kind,
    emails: readonly string[],
    select: readonly string[],
    signal?: AbortSignal,
  ): Promise<Row[]>;

  /** Users and teams who may own rows, at most so many. One call for each kind and page. */
  owners(most: number, signal?: AbortSignal): Promise<Owner[]>;

  /** Contacts that were made of one of these leads by qualification, with `_originatingleadid_value`, in any state. */
  contactsOf(leads: readonly string[], signal?: AbortSignal): Promise<Row[]>;

  /** Rows changed at or after an instant, oldest first, page by page. Deleted rows do not show. */
  modifiedSince(
    kind: Kind,
    since: IsoInstant,
    select: readonly string[],
    signal?: AbortSignal,
  ): AsyncIterable<readonly Row[]>;

  /**
   * Writes any number of rows in batches, several at once; the answer is aligned with `operations`. Of two operations
   * on one row the first is sent, and the second answered as the server would (`changed` or `exists`): two writers on
   * one row deadlock. Throws where the environment as a whole refuses us; outcomes up to then came by `onOutcomes`.
   */
  write(operations: readonly RowWrite[], options?: WriteOptions): Promise<RowOutcome[]>;

  /** Writes one row by one request of its own. */
  writeOne(operation: RowWrite, signal?: AbortSignal): Promise<RowOutcome>;

  /** Closes idle connections, for every lane. */
  close(): void;
}
