/**
 * Bytes of records to one call. Marketo takes a body of 1 MB and refuses a larger one as a whole (413); this leaves room
 * for what surrounds the records (Adobe REST docs, "Error codes").
 */
export const MOST_BYTES = 950_000;

/**
 * Parts items into calls, in their order: at most `most` to one, and together within `MOST_BYTES` as JSON. One that is
 * larger by itself stands alone: Marketo's refusal concerns nobody else then.
 *
 * @param wireOf what is sent for an item
 */
export function inCalls<T>(items: readonly T[], most: number, wireOf: (item: T) => object): T[][] {
  const calls: T[][] = [];
  let call: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = Buffer.byteLength(JSON.stringify(wireOf(item))) + 1;
    if (call.length > 0 && (call.length === most || bytes + size > MOST_BYTES)) {
      calls.push(call);
      call = [];
      bytes = 0;
    }
    call.push(item);
    bytes += size;
  }
  if (call.length > 0) calls.push(call);
  return calls;
}
