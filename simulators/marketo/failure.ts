/** A whole call that fails with one of Marketo's codes: HTTP 200, `success: false`, nothing executed. */
export class ApiFailure extends Error {
  readonly code: string;

  constructor(code: string, message = MESSAGES[code] ?? 'Unknown error') {
    super(message);
    this.name = 'ApiFailure';
    this.code = code;
  }
}

/** The reason why one record of a call was skipped. */
export interface Reason {
  readonly code: string;
  readonly message: string;
}

/** Texts of the codes whose text does not depend on the call (Adobe REST docs, "Error Codes"). */
const MESSAGES: Readonly<Record<string, string>> = {
  '500': 'Internal error',
  '502': 'Bad Gateway',
  '601': 'Access token invalid',
  '602': 'Access token expired',
  '603': 'Access denied',
  '604': 'Request timed out',
  '606': "Max rate limit '100' exceeded with in '20' secs",
  '607': 'Daily quota reached',
  '608': 'API Temporarily Unavailable',
  '609': 'Invalid JSON',
  '610': 'Requested resource not found',
  '611': 'System error',
  '612': 'Invalid Content Type',
  '614': 'Invalid Subscription',
  '615': "Concurrent access limit '10' reached",
  '702': 'No data found',
  '713': 'Transient Error',
  '719': 'Lock wait timeout exception',
  '1004': 'Lead not found',
  '1005': 'Lead already exists',
  '1007': 'Multiple lead match lookup criteria',
  '1013': 'Object not found',
  '1014': 'Failed to create Object',
  '1017': 'Object already exists',
  '1018': 'CRM Enabled',
  '1029': 'Export daily quota exceeded',
};

export const reason = (code: string, message = MESSAGES[code] ?? 'Unknown error'): Reason => ({
  code,
  message,
});

/** Answers with these codes consume neither quota nor rate (Adobe REST docs, "Error Codes"). */
export const FREE_CODES: ReadonlySet<string> = new Set(['601', '602', '604', '605', '608', '611']);
