/** Every text in a protocol message, payloads included as what they encode. */
export const textsIn = (value: unknown, seen = new Set<unknown>()): string[] => {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null || seen.has(value)) return [];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')];
  seen.add(value);
  return Object.entries(value).flatMap(([name, each]) => [name, ...textsIn(each, seen)]);
};
