import { errorDetails } from './error-details.js';

/** A refusal in the Web API's own words: HTTP status, hex code, message. */
export class DataverseError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'DataverseError';
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export const unknownProperty = (property: string, type: string): DataverseError =>
  new DataverseError(
    400,
    '0x80060888',
    `Could not find a property named '${property}' on type 'Microsoft.Dynamics.CRM.${type}'.`,
  );

export const badQuery = (message: string): DataverseError => new DataverseError(400, '0x80060888', message);

/** Input nested deeper than it is read (the OData library's own words). */
export const tooDeep = (): DataverseError => badQuery('Recursion depth exceeded allowed limit.');

export const resourceNotFound = (segment: string): DataverseError =>
  new DataverseError(404, '0x8006088a', `Resource not found for the segment '${segment}'.`);

export const rowNotFound = (table: string, id: string): DataverseError =>
  new DataverseError(404, '0x80040217', `${table} With Id = ${id} Does Not Exist`);

export const payloadError = (entitySet: string, reason: string): DataverseError =>
  new DataverseError(
    400,
    '0x80048d19',
    `Error identified in Payload provided by the user for Entity :'${entitySet}', For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : Microsoft.OData.ODataException: ${reason}`,
  );

export const versionMismatch = (): DataverseError =>
  new DataverseError(
    412,
    '0x80060882',
    "The version of the existing record doesn't match the RowVersion property provided.",
  );

export const duplicateKey = (): DataverseError =>
  new DataverseError(412, '0x80040237', 'A record with matching key values already exists.');

/** The error object of the Web API; with all annotations asked for it names its kind in extra strings. */
export const errorBody = (error: DataverseError, annotated: boolean): string => {
  const plain = { code: error.code, message: error.message };
  if (!annotated) return JSON.stringify({ error: plain });
  return JSON.stringify({ error: { ...plain, ...errorDetails(error) } });
};
