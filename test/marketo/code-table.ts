/**
 * How a code may be answered: `again` with some patience, `signIn` with a new token, `later` in hours, `never` before
 * somebody has mended something.
 */
export type Retry = 'again' | 'signIn' | 'later' | 'never';

/**
 * Codes of Adobe's list (Adobe REST docs, "Error codes"): where they stand (`C` on a whole call, `R` on one record), how
 * they may be retried, their gist. `!` marks those after which a write may have been executed. Written from the docs,
 * not from the connector.
 */
const TABLE = `
500  C   again  !  internal error
502  C   again  !  bad gateway
600  C   signIn    empty access token
601  C   signIn    access token invalid
602  C   signIn    access token expired
603  C   never     access denied
604  C   again  !  request timed out
605  C   never     HTTP method not supported
606  C   again     max rate limit '100' exceeded with in '20' secs
607  C   later     daily quota reached
608  C   again     API temporarily unavailable
609  C   never     invalid JSON
610  C   never     requested resource not found
611  C   again  !  system error
612  C   never     invalid content type
613  C   never     invalid multipart request
614  C   again     invalid subscription
615  C   again     concurrent access limit '10' reached
616  C   never     invalid subscription type
701  C   never     '%s' cannot be blank
702  C   never     no data found
703  C   never     feature not enabled
704  C   never     invalid date format
709  C   never     business rule violation
710  C   never     parent folder not found
711  C   never     wrong folder type
712  C   never     merge of SFDC person accounts
713  C   again  !  transient error
714  C   never     default record type not found
718  C/R never     externalSalesPersonId not found
719  C   again     lock wait timeout
1001 C/R never     invalid value '%s', required of type '%s'
1002 C/R never     missing value for required parameter '%s'
1003 C/R never     invalid data; too many results match the filter
1004 C/R never     lead not found
1005 R   never     lead already exists
1006 C   never     field '%s' not found
1007 R   never     multiple lead match lookup criteria
1008 R   never     access denied to partition '%s'
1009 C/R never     partition name must be specified
1010 R   never     partition update not allowed
1011 C   never     field '%s' not supported
1012 C   never     invalid cookie value
1013 C/R never     object not found
1014 C/R again     failed to create object
1015 R   never     lead not in list
1016 C   again     too many imports
1017 C/R never     object already exists
1018 C   never     CRM enabled
1019 C   again     import in progress
1020 C   later     too many clones to program
1021 R   never     company update not allowed
1022 R   again     object in use
1025 R   never     program status not found
1026 C   never     custom object not enabled
1027 C   never     max custom activity types
1028 C   never     max 20 attributes
1029 C   later     too many jobs in queue; export daily quota exceeded; job already queued
1035 C   never     unsupported filter type for target subscription
1036 R   never     duplicate object found in input
1037 R   never     lead was skipped (already in or past status)
1042 C   never     invalid runAt date
1048 C/R never     draft discard failed
1049 C/R never     failed to create activity
1076 C   never     merge in CRM failed
1077 C   never     merge in CRM failed
1078 C   never     personalised URL conflict
1079 C   never     merge in CRM failed
1080 C   never     merge with more than 25 persons
`;

export interface ListedCode {
  readonly code: string;
  readonly level: 'C' | 'R' | 'C/R';
  readonly retry: Retry;
  readonly mayHaveRun: boolean;
  readonly gist: string;
}

const ROW = /^(\d+) +(C|R|C\/R) +(again|signIn|later|never) +(!?) +(.+)$/;

export const CODE_TABLE: readonly ListedCode[] = TABLE.trim()
  .split('\n')
  .map((line) => {
    const [, code, level, retry, doubt, gist] = ROW.exec(line) ?? [];
    if (code === undefined || gist === undefined) throw new Error(`no row of the table: ${line}`);
    return {
      code,
      level: level as ListedCode['level'],
      retry: retry as Retry,
      mayHaveRun: doubt === '!',
      gist,
    };
  });
