/**
 * The words of the product, as types. docs/architecture.md has the glossary.
 */

/** One of the two systems that the sync keeps true to each other. */
export type Side = 'marketo' | 'dynamics';

/** The Dynamics table that a link stands on. */
export type Kind = 'lead' | 'contact';

export const KINDS = ['lead', 'contact'] as const satisfies readonly Kind[];

/** The side across from `side`. */
export const across = (side: Side): Side => (side === 'marketo' ? 'dynamics' : 'marketo');

/** A field value in the form in which one side's API gives and takes it. */
export type FieldValue = string | number | boolean | null;

/** Field values by field: keyed by the *Marketo REST name* of the mapped field, whichever side holds the value. */
export type FieldValues = Readonly<Record<string, FieldValue>>;

/** Which way a mapped field travels; `both` unless the configuration says otherwise. */
export type Direction = 'both' | 'toMarketo' | 'toDynamics';

/** Whose call it is: requests of campaigns first, then the cycle, then backfill. */
export type Lane = 'on-demand' | 'cycle' | 'backfill';

/** An instant as ISO 8601 in UTC. */
export type IsoInstant = string;
