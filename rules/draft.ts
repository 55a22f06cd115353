import type { Link, Write } from './link.js';
import type { FieldValue, Side } from './terms.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A link being changed by the rules: same shape as {@link Link}, own copies of what may change. */
export interface Draft extends Mutable<
  Omit<Link, 'agreed' | 'seen' | 'writes' | 'overtaken' | 'parked' | 'causes'>
> {
  agreed: Record<Side, Record<string, FieldValue>>;
  seen: Record<Side, Record<string, FieldValue>>;
  writes: Write[];
  overtaken: Record<string, Link['overtaken'][string]>;
  parked: Record<string, Link['parked'][string]>;
  causes: Record<string, Link['causes'][string]>;
}

export const draftOf = (link: Link): Draft => ({
  ...link,
  agreed: { marketo: { ...link.agreed.marketo }, dynamics: { ...link.agreed.dynamics } },
  seen: { marketo: { ...link.seen.marketo }, dynamics: { ...link.seen.dynamics } },
  writes: [...link.writes],
  overtaken: { ...link.overtaken },
  parked: { ...link.parked },
  causes: { ...link.causes },
});

/** Takes a key out of a record without `delete` on the caller's side. */
export const omit = (record: Record<string, unknown>, key: string): void => {
  Reflect.deleteProperty(record, key);
};
