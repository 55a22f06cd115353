/** What is to be done about a code: repeat, resolve by reading, record-level refusal, column left out, stop and tell. */
export type Act = 'R' | 'C' | 'N' | 'column' | 'A';

/** One line of Microsoft's web service error codes, as far as this product can meet them. */
export interface DocumentedError {
  readonly codes: readonly string[];
  readonly name: string;
  readonly status: number;
  readonly act: Act;
  /** The verdict, as `shortVerdict` in error-codes.test.ts writes it. */
  readonly means: string;
}

const line = (
  codes: string | readonly string[],
  name: string,
  status: number,
  act: Act,
  means: string,
): DocumentedError => ({ codes: typeof codes === 'string' ? [codes] : codes, name, status, act, means });

/**
 * Microsoft: "Web service error codes", "Compose HTTP requests and handle errors", "Service protection API limits".
 * Written down here a second time, on purpose: the product's own table is what is tested.
 */
export const DOCUMENTED: readonly DocumentedError[] = [
  line('0x80040217', 'ObjectDoesNotExist', 404, 'C', 'gone'),
  line('0x8006088a', 'CrmHttpError', 404, 'A', 'Misconfigured'),
  line('0x80060891', 'RecordNotFoundByEntityKey', 404, 'C', 'gone'),
  line('0x80060890', 'EntityKeyNotDefined', 400, 'A', 'Misconfigured'),
  line('0x80040237', 'DuplicateRecord', 412, 'C', 'duplicate'),
  line('0x80060892', 'DuplicateRecordEntityKey', 412, 'C', 'refused record'),
  line('0x80073002', 'CrmSQLUniqueIndexOrConstraintViolation', 400, 'N', 'refused record'),
  line('0x80040333', 'DuplicateRecordsFound', 412, 'C', 'refused record'),
  line('0x80060882', 'ConcurrencyVersionMismatch', 412, 'C', 'changed'),
  line('0x8006088d', 'OptimisticConcurrencyNotEnabled', 400, 'A', 'Misconfigured'),
  line('0x80060883', 'ConcurrencyVersionNotProvided', 400, 'A', 'Misconfigured'),
  line('0x80040265', 'IsvAborted', 400, 'N', 'refused record'),
  line('0x80044331', 'StringLengthTooLong', 400, 'N', 'refused record'),
  line('0x80044330', 'DecimalValueOutOfRange', 400, 'N', 'refused record'),
  line('0x8004432f', 'IntegerValueOutOfRange', 400, 'N', 'refused record'),
  line('0x8004431a', 'PicklistValueOutOfRange', 400, 'N', 'refused record'),
  line('0x80040239', 'InvalidDateTime', 400, 'N', 'refused record'),
  line('0x80044354', 'IncorrectAttributeValueType', 400, 'N', 'refused record'),
  line('0x80040200', 'RequiredFieldMissing', 400, 'N', 'refused record'),
  line('0x80040203', 'InvalidArgument', 400, 'N', 'refused record'),
  line('0x80048d19', 'payload error', 400, 'N', 'refused record'),
  line('0x80060888', 'unknown property', 400, 'A', 'refused schema'),
  line('0x80048408', 'InvalidStateCodeStatusCode', 400, 'N', 'refused record'),
  line('0x80040230', 'CannotUpdateObjectBecauseItIsInactive', 400, 'N', 'refused record'),
  line('0x8004022e', 'CannotUpdateBecauseItIsReadOnly', 400, 'N', 'refused record'),
  line('0x80040519', 'LeadAlreadyInClosedState', 400, 'C', 'refused record'),
  line('0x80040518', 'LeadAlreadyInOpenState', 400, 'C', 'refused record'),
  line('0x80081018', 'CannotQualifyLead', 403, 'N', 'refused record'),
  line(['0x80045304', '0x80045305', '0x80045300'], 'merge refused', 400, 'N', 'refused record'),
  line('0x80045301', 'MergeSecurity', 403, 'N', 'refused record'),
  line('0x80040227', 'CannotDeleteDueToAssociation', 405, 'N', 'refused record'),
  line('0x80040220', 'PrivilegeDenied', 403, 'N', 'refused table-rights'),
  line('0x80048306', 'unManagedIdsAccessDenied', 403, 'N', 'refused record'),
  line('0x80040299', 'privilege check failed', 403, 'N', 'refused table-rights'),
  line('0x8004f507', 'AttributePermissionUpdateIsMissing', 403, 'column', 'refused column-rights'),
  line('0x8004f502', 'AttributePrivilegeCreateIsMissing', 403, 'column', 'refused column-rights'),
  line('0x8004f504', 'AttributePermissionReadIsMissing', 403, 'column', 'refused column-rights'),
  line('0x8004f506', 'QueryContainedSecuredAttribute', 403, 'column', 'refused column-rights'),
  line('0x8004f503', 'AttributePermissionUpdateIsMissingDuringShare', 403, 'column', 'refused column-rights'),
  line('0x8004a110', 'CannotActOnBehalfOfAnotherUser', 403, 'A', 'Unauthorized'),
  line(
    ['0x8004a100', '0x8004a101', '0x8004a102', '0x8004a103', '0x8004a105', '0x80044302'],
    'authentication ticket',
    401,
    'A',
    'Unauthorized',
  ),
  line('0x80040277', 'UnauthorizedAccess', 401, 'A', 'Unauthorized'),
  line('0x8004a104', 'OrganizationDisabled', 503, 'R', 'Unavailable'),
  line('0x80072560', 'not a member of the organization', 403, 'A', 'Unauthorized'),
  line(['0x80040225', '0x8004a112'], 'disabled user', 403, 'A', 'Unauthorized'),
  line(['0x80072321', '0x80072322', '0x80072326'], 'service protection', 429, 'R', 'RateLimited'),
  line('0x8005f103', 'Throttling', 429, 'R', 'RateLimited'),
  line(['0x80072323', '0x80072324'], 'Azure SQL limit', 503, 'R', 'Unavailable'),
  line('0x80044150', 'SQL error', 500, 'R', 'Unavailable'),
  line('0x80044151', 'SQL timeout', 500, 'R', 'Unavailable'),
  line(['0x80040255', '0x80040251'], 'transaction', 500, 'R', 'Unavailable'),
  line('0x80040216', 'UnExpected', 500, 'R', 'Unavailable'),
  line(
    ['0x80044171', '0x80044172', '0x80044173', '0x80081111', '0x8004418d', '0x8004418e'],
    'sandbox of plug-ins',
    500,
    'R',
    'Unavailable',
  ),
  line('0x8004418a', 'RequestLengthTooLarge', 413, 'N', 'RefusedCall'),
  line('0x80044352', 'ExpiredVersionStamp', 400, 'C', 'CursorInvalid'),
  line(['0x80072491', '0x80072492'], 'ChangeTrackingNotEnabled', 400, 'A', 'Misconfigured'),
];
