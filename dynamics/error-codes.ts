import { FAILURES, type FailureType } from '../rules/failures.js';
import type { RefusalScope } from './types.js';

/** What an error code means to us, whatever the HTTP status beside it. */
export type Verdict =
  /** The row does not exist. */
  | { readonly is: 'gone' }
  /** A row with this primary key exists. */
  | { readonly is: 'duplicate' }
  /** The etag is stale. */
  | { readonly is: 'changed' }
  /** Refused for good, for these values. */
  | {
      readonly is: 'refused';
      readonly scope: RefusalScope;
      readonly validation?: boolean;
      /** About the row as it stands, whatever is written of it. */
      readonly whole?: boolean;
    }
  /** The call failed; `advice` says what people can do. */
  | { readonly is: 'failure'; readonly type: FailureType; readonly advice?: string };

const record: Verdict = { is: 'refused', scope: 'record' };
const whole: Verdict = { is: 'refused', scope: 'record', whole: true };
/** The message of these names the column in quotes. */
const validation: Verdict = { is: 'refused', scope: 'record', validation: true };
const schema: Verdict = { is: 'refused', scope: 'schema', validation: true };
const columnRights: Verdict = { is: 'refused', scope: 'column-rights' };
const tableRights: Verdict = { is: 'refused', scope: 'table-rights' };
const failure = (type: FailureType, advice?: string): Verdict => ({
  is: 'failure',
  type,
  ...(advice !== undefined && { advice }),
});

const rateLimited = failure(FAILURES.rateLimited);
const unavailable = failure(FAILURES.unavailable);
const token = failure(FAILURES.unauthorized, 'Check DATAVERSE_URL, ENTRA_TENANT_ID and DATAVERSE_CLIENT_ID.');
const applicationUser = failure(
  FAILURES.unauthorized,
  'Add the app as an application user of this environment, enable it, and give it its security roles.',
);
const changeTracking = failure(
  FAILURES.misconfigured,
  'Turn on change tracking for the table (table properties, "Track changes").',
);
const product = failure(FAILURES.misconfigured, 'The environment does not offer what this product calls.');

/** Dataverse's code for an error that has none of its own. */
export const NO_CODE = '0x00000000';

/**
 * Dataverse's error codes, from Microsoft's web service error code list; HTTP statuses beside them vary between
 * versions, so that a known code outweighs its status. Keys are lower case with eight digits.
 */
export const VERDICTS: Readonly<Record<string, Verdict>> = {
  '0x80040217': { is: 'gone' }, // ObjectDoesNotExist
  '0x80060891': { is: 'gone' }, // RecordNotFoundByEntityKey
  '0x80040237': { is: 'duplicate' }, // DuplicateRecord: primary key
  '0x80060882': { is: 'changed' }, // ConcurrencyVersionMismatch

  '0x80060892': record, // DuplicateRecordEntityKey: alternate key
  '0x80073002': record, // CrmSQLUniqueIndexOrConstraintViolation
  '0x80040333': record, // DuplicateRecordsFound: duplicate detection rule
  '0x80040265': record, // IsvAborted: a plug-in or business rule
  '0x80044331': validation, // StringLengthTooLong
  '0x80044330': validation, // DecimalValueOutOfRange
  '0x8004432f': validation, // IntegerValueOutOfRange
  '0x8004431a': validation, // PicklistValueOutOfRange
  '0x80040239': validation, // InvalidDateTime
  '0x80044354': validation, // IncorrectAttributeValueType
  '0x80040200': validation, // RequiredFieldMissing
  '0x80040203': record, // InvalidArgument
  '0x80048d19': validation, // payload: a literal of the wrong type, an undeclared property
  '0x80048408': record, // InvalidStateCodeStatusCode
  '0x80040230': whole, // CannotUpdateObjectBecauseItIsInactive
  '0x8004022e': whole, // CannotUpdateBecauseItIsReadOnly
  '0x80040519': whole, // LeadAlreadyInClosedState
  '0x80040518': whole, // LeadAlreadyInOpenState
  '0x80081018': whole, // CannotQualifyLead
  '0x80045300': whole, // MergeCyclicalParenting
  '0x80045301': whole, // MergeSecurity
  '0x80045304': whole, // MergeEntityNotActive
  '0x80045305': whole, // MergeEntitiesIdentical
  '0x80040227': whole, // CannotDeleteDueToAssociation
  '0x80048306': whole, // unManagedIdsAccessDenied: this row is not shared with us

  [NO_CODE]: schema, // OData: "Could not find a property named …"
  '0x80060888': schema, // OData: the same, newer

  '0x8004f502': columnRights, // AttributePrivilegeCreateIsMissing
  '0x8004f503': columnRights, // AttributePermissionUpdateIsMissingDuringShare
  '0x8004f504': columnRights, // AttributePermissionReadIsMissing
  '0x8004f506': columnRights, // QueryContainedSecuredAttributeWithoutAccess
  '0x8004f507': columnRights, // AttributePermissionUpdateIsMissingDuringUpdate
  '0x80040220': tableRights, // PrivilegeDenied
  '0x80040299': tableRights, // a privilege check failed

  '0x8006088a': product, // CrmHttpError: no such table or message
  '0x80060890': product, // EntityKeyNotDefined
  '0x8006088d': product, // OptimisticConcurrencyNotEnabled
  '0x80060883': product, // ConcurrencyVersionNotProvided
  '0x80072491': changeTracking, // ChangeTrackingNotEnabledForEntity
  '0x80072492': changeTracking,
  '0x80044352': failure(FAILURES.cursorInvalid, 'The table has to be read again from the start.'), // ExpiredVersionStamp

  '0x8004a100': token, // InvalidAuthTicket
  '0x8004a101': token, // ExpiredAuthTicket
  '0x8004a102': token, // BadAuthTicket
  '0x8004a103': token, // InsufficientAuthTicket
  '0x8004a105': token, // TamperedAuthTicket
  '0x80044302': token, // RequestIsNotAuthenticated
  '0x80040277': token, // UnauthorizedAccess
  '0x8004a110': applicationUser, // CannotActOnBehalfOfAnotherUser
  '0x8004a112': applicationUser, // SystemUserDisabled
  '0x80040225': applicationUser, // disabled user
  '0x80072560': applicationUser, // not a member of the organization
  '0x8004a104': failure(FAILURES.unavailable, 'The environment is disabled or in administration mode.'),

  '0x80072321': rateLimited, // execution time
  '0x80072322': rateLimited, // number of requests
  '0x80072326': rateLimited, // concurrent requests
  '0x8005f103': rateLimited, // Throttling
  '0x80072323': unavailable, // Azure SQL resource limit
  '0x80072324': unavailable, // Azure SQL worker limit
  '0x80044150': unavailable, // SQL error, deadlocks above all
  '0x80044151': unavailable, // SQL timeout
  '0x80040255': unavailable, // TransactionAborted
  '0x80040251': unavailable, // TransactionNotStarted
  '0x80040216': unavailable, // UnExpected
  '0x80044171': unavailable, // sandbox
  '0x80044172': unavailable,
  '0x80044173': unavailable,
  '0x80081111': unavailable,
  '0x8004418d': unavailable,
  '0x8004418e': unavailable,
  '0x8004418a': failure(FAILURES.refusedCall), // RequestLengthTooLarge
};

/** The database gave up on a statement, or on a batch that was too large for its time. */
export const SQL_TIMEOUT = '0x80044151';

/** Too many requests at once: besides waiting, fewer at a time. */
export const TOO_CONCURRENT = '0x80072326';

/**
 * A code in the form of the table: lower case, eight digits. Dataverse varies the case, and some answers give the
 * number as a signed decimal. `undefined` for a missing or unreadable code.
 */
export function canonicalCode(code: unknown): string | undefined {
  const text = typeof code === 'number' ? String(code) : code;
  if (typeof text !== 'string') return undefined;
  const trimmed = text.trim();
  const hexadecimal = /^0x([0-9a-f]{1,8})$/i.exec(trimmed)?.[1];
  if (hexadecimal !== undefined) return `0x${hexadecimal.toLowerCase().padStart(8, '0')}`;
  if (!/^-\d{1,10}$/.test(trimmed)) return undefined;
  return `0x${(Number(trimmed) >>> 0).toString(16).padStart(8, '0')}`;
}
