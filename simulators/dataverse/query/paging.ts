import { DataverseError } from '../errors.js';
import type { ColumnValue } from '../rows/values.js';

/** Where the next page of a read begins. */
export type Position =
  | {
      readonly kind: 'rows';
      readonly page: number;
      /** Sort values and key of the last row given. */
      readonly after: readonly ColumnValue[];
    }
  | { readonly kind: 'firstLoad'; readonly page: number; readonly after: string; readonly version: number }
  | {
      readonly kind: 'delta';
      readonly page: number;
      readonly phase: 'rows' | 'deleted';
      /** Version of the last entry given. */
      readonly after: number;
      /** Version that the new delta token stands for. */
      readonly until: number;
    };

const mostRows = 5000;

/** Whether a preferred page size is followed: 1 to 5,000 rows. */
export const isPageSize = (preferred: string): boolean =>
  /^[1-9]\d*$/.test(preferred) && Number(preferred) <= mostRows;

/** Pages have 5,000 rows where nothing else that is possible is asked for. */
export const pageSize = (preferred: string | undefined): number =>
  preferred !== undefined && isPageSize(preferred) ? Number(preferred) : mostRows;

/** The cookie that the product puts into `$skiptoken`; our state is inside `pagingcookie`. */
export const writeCookie = (position: Position): string => {
  const state = Buffer.from(JSON.stringify(position)).toString('base64url');
  const tracking = position.kind === 'rows' ? 'False' : 'True';
  return encodeURIComponent(
    `<cookie pagenumber="${position.page}" pagingcookie="${state}" istracking="${tracking}" />`,
  );
};

/** Reads a cookie of ours; any other text is a 400. */
export const readCookie = (text: string): Position => {
  const state = /pagingcookie="([\w-]+)"/.exec(text)?.[1];
  if (state !== undefined) {
    try {
      return JSON.parse(Buffer.from(state, 'base64url').toString()) as Position;
    } catch {
      // Falls through to the refusal of a malformed cookie.
    }
  }
  throw new DataverseError(400, '0x80040203', 'Malformed XML in the Paging Cookie');
};
