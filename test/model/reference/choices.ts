/** One of these is the case, and the model does not know which: each is looked at. */
export type Pick = <T>(options: readonly [T, ...T[]]) => T;

/** Runs `work` once for every way in which its picks can come out, and gives back what each came to. */
export const everyWay = <R>(work: (pick: Pick) => R): R[] => {
  const results: R[] = [];
  for (let next: number[] | undefined = []; next !== undefined;) {
    const taken: number[] = next;
    const sizes: number[] = [];
    results.push(
      work((options) => {
        const at = sizes.push(options.length) - 1;
        taken[at] ??= 0;
        return options[taken[at]] ?? options[0];
      }),
    );
    next = following(taken.slice(0, sizes.length), sizes);
  }
  return results;
};

/** The next combination in counting order; the last pick turns fastest. */
const following = (taken: readonly number[], sizes: readonly number[]): number[] | undefined => {
  for (let at = taken.length - 1; at >= 0; at -= 1) {
    const value = (taken[at] ?? 0) + 1;
    if (value < (sizes[at] ?? 0)) return [...taken.slice(0, at), value];
  }
  return undefined;
};
