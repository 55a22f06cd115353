import { decodeToken, encodeToken } from '../activities/paging-token.js';
import { batchSize, wrongType, type Answer, type Call } from './endpoint.js';

/** The id after which a page of a search begins; 0 for the first page. */
export function afterId(call: Call): number {
  const text = call.query['nextPageToken'];
  if (text === undefined) return 0;
  const token = decodeToken(text);
  if (token?.kind !== 'after') throw wrongType(text, 'PagingToken');
  return token.id;
}

/** One page of what a search found, given in the order of ids, and what tells the caller that there is more. */
export function listSearchPage<Found extends { readonly id: number }>(
  call: Call,
  found: readonly Found[],
): { readonly page: readonly Found[]; readonly next: Pick<Answer, 'moreResult' | 'nextPageToken'> } {
  const size = batchSize(call);
  const after = afterId(call);
  const left = found.filter(({ id }) => id > after);
  const page = left.slice(0, size);
  if (left.length <= size) return { page, next: {} };
  const nextPageToken = encodeToken({ kind: 'after', id: page.at(-1)?.id ?? 0 });
  return { page, next: { moreResult: true, nextPageToken } };
}
