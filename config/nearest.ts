/** Edits (insert, delete, replace one character) between two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** ` Did you mean "…"?` for the candidate that is likely meant, or an empty text. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const asked = word.toLowerCase();
  const tolerance = word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3));
  const near = [...candidates]
    .map((candidate) => ({ candidate, edits: distance(asked, candidate.toLowerCase()) }))
    .filter(({ edits }) => edits <= tolerance)
    .sort((a, b) => a.edits - b.edits);
  return near[0] === undefined ? '' : ` Did you mean "${near[0].candidate}"?`;
}
