import { decodeToken, encodeToken } from '../activities/paging-token.js';
import { batchSize, list, wrongType, type Answer, type Call } from './endpoint.js';

/** What the lists of static lists and of campaigns can be filtered by. */
interface Filterable {
  readonly id: number;
  readonly name: string;
  readonly programName?: string;
  readonly workspaceName: string;
}

const FILTERS = ['name', 'programName', 'workspaceName'] as const;

/** Those that fit the filters `id`, `name`, `programName` and `workspaceName` of a call, each with several values. */
export function filtered<T extends Filterable>(call: Call, all: readonly T[]): T[] {
  const ids = list(call, 'id').map((id) => wholeNumber(id));
  return all.filter(
    (item) =>
      (ids.length === 0 || ids.includes(item.id)) &&
      FILTERS.every((name) => {
        const wanted = list(call, name);
        return wanted.length === 0 || wanted.includes(item[name] ?? '');
      }),
  );
}

/** One page of things in the order of their ids, from the place that the call's paging token names. */
export function pageById<T extends { readonly id: number }>(
  call: Call,
  all: readonly T[],
  shown: (item: T) => unknown,
): Answer {
  const after = afterId(call);
  const size = batchSize(call);
  const rest = all.filter(({ id }) => id > after);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  if (rest.length <= size || !last) return { result: page.map(shown) };
  return {
    result: page.map(shown),
    moreResult: true,
    nextPageToken: encodeToken({ kind: 'after', id: last.id }),
  };
}

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw wrongType(text, 'Integer');
  return Number(text);
}

function afterId(call: Call): number {
  const text = call.query['nextPageToken'];
  if (text === undefined) return 0;
  const token = decodeToken(text);
  if (token?.kind !== 'after') throw wrongType(text, 'PagingToken');
  return token.id;
}
