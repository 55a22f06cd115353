import type { IsoInstant } from './terms.js';

/**
 * Why records cannot be told apart.
 *
 * - `same-email`: several rows or persons have one e-mail
 * - `same-key`: several persons carry the id of the row
 * - `key-held`: the person that carries the row's id belongs to another row
 * - `too-many`: more than 1,000 persons have the row's e-mail, so Marketo names none of them
 * - `comma`: the row's e-mail has a comma, so Marketo cannot be asked who has it
 * - `qualified`: a lead was qualified into a contact that has a person of its own
 */
export const AMBIGUITIES = ['same-email', 'same-key', 'key-held', 'too-many', 'comma', 'qualified'] as const;
export type Ambiguity = (typeof AMBIGUITIES)[number];

/** E-mails of which nobody can say who has them in Marketo, with the reason. */
export type UnknownHolders = ReadonlyMap<string, Extract<Ambiguity, 'too-many' | 'comma'>>;

/** What an operator decided about an ambiguous group, as each link of it keeps it. */
export interface GroupDecision {
  /** `linked`: the row belongs to the one person. `separated`: it belongs to none of them. */
  readonly what: 'linked' | 'separated';
  readonly persons: readonly number[];
  /** The e-mail under which they met; null where it was not the e-mail. */
  readonly emailKey: string | null;
  readonly by: string;
  readonly at: IsoInstant;
}

/** The persons that a row was decided not to belong to, and the e-mail under which that was decided. */
export type Apart = Pick<GroupDecision, 'persons' | 'emailKey'>;

export const apartOf = (decision: GroupDecision | null): Apart | null =>
  decision?.what === 'separated' ? decision : null;
