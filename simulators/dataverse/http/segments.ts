/** One step of a resource path: `contacts(...)` or `jobtitle`. */
export interface Segment {
  readonly name: string;
  /** What stands in the parentheses. */
  readonly key?: string;
}

/** Splits at slashes outside of quotes and parentheses: key values may hold both. */
const split = (path: string): string[] => {
  const pieces = [''];
  let [depth, quoted] = [0, false];
  for (const character of path) {
    if (character === "'") quoted = !quoted;
    if (!quoted && character === '(') depth += 1;
    if (!quoted && character === ')') depth -= 1;
    if (character === '/' && !quoted && depth === 0) pieces.push('');
    else pieces.push((pieces.pop() ?? '') + character);
  }
  return pieces;
};

/** The steps of a path below the API root, already decoded. */
export const segmentsOf = (path: string): Segment[] =>
  split(path).map((piece) => {
    const match = /^([$\w.]+)\((.*)\)$/s.exec(piece);
    return match === null ? { name: piece } : { name: match[1] ?? '', key: match[2] ?? '' };
  });
