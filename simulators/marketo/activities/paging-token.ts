const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/**
 * What a paging token stands for: a point in time, a place in the activity log (`since` kept from the point in time it
 * began with), or a place in a search result. Clients see an opaque base32 text that must be URL-encoded for its `=`.
 */
export type PagingToken =
  | { readonly kind: 'time'; readonly since: number }
  | { readonly kind: 'place'; readonly index: number; readonly since: number }
  | { readonly kind: 'after'; readonly id: number };

export function encodeToken(token: PagingToken): string {
  switch (token.kind) {
    case 'time':
      return base32(`T ${token.since}`);
    case 'place':
      return base32(`P ${token.index} ${token.since}`);
    case 'after':
      return base32(`A ${token.id}`);
  }
}

/** The reverse, or undefined for a text that no call of ours gave. */
export function decodeToken(text: string): PagingToken | undefined {
  const [kind, ...parts] = (unbase32(text) ?? '').trim().split(' ');
  const numbers = parts.map(Number);
  const [first, second] = numbers;
  if (first === undefined || numbers.some((number) => !Number.isSafeInteger(number))) return undefined;
  if (kind === 'T') return { kind: 'time', since: first };
  if (kind === 'A') return { kind: 'after', id: first };
  if (kind === 'P' && second !== undefined) return { kind: 'place', index: first, since: second };
  return undefined;
}

function base32(text: string): string {
  // A length that is no multiple of five always leaves padding, as the real tokens have.
  const padded = text.length % 5 === 0 ? `${text} ` : text;
  const bits = [...Buffer.from(padded)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const symbols = (bits.match(/.{1,5}/g) ?? []).map((five) =>
    ALPHABET.charAt(parseInt(five.padEnd(5, '0'), 2)),
  );
  return symbols.join('').padEnd(Math.ceil(symbols.length / 8) * 8, '=');
}

function unbase32(text: string): string | undefined {
  if (!/^[A-Z2-7]+=+$/.test(text)) return undefined;
  const symbols = Array.from(text.replace(/=+$/, ''));
  const bits = symbols.map((symbol) => ALPHABET.indexOf(symbol).toString(2).padStart(5, '0')).join('');
  const bytes = (bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2));
  return Buffer.from(bytes).toString('latin1');
}
