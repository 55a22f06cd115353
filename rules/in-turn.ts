import type { CallBudget, CallRequest } from './budget.js';

/** Where a remote's access token comes from. */
export interface Tokens {
  /** A token that is fresh, asked for where there is none. */
  readonly token: () => Promise<string>;
  /** The one that is there and still good. */
  readonly held: () => string | undefined;
}

/**
 * The budget paces grants, while remotes count arrivals: whoever waited for a token after the grant would arrive together
 * with others. So the token comes first, and a turn that finds it too old is left unused.
 */
export const inTurn = async <T extends object>(
  budget: CallBudget,
  request: CallRequest,
  { token, held }: Tokens,
  call: (token: string) => Promise<T>,
): Promise<T> => {
  await token();
  const first = await budget.run(request, () => {
    const good = held();
    return good === undefined ? Promise.resolve(undefined) : call(good);
  });
  if (first !== undefined) return first;
  // Once more with another one. Where tokens age as fast, the remote may say so itself.
  const another = await token();
  return budget.run(request, () => call(held() ?? another));
};
