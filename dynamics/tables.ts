import type { Kind } from '../rules/terms.js';

/** Names of a table in the Web API (case-sensitive; Microsoft: entity reference, "EntitySetName"). */
export interface Table {
  readonly set: string;
  readonly key: string;
  /** As in the names of its privileges, `prvReadLead`. */
  readonly privilege: string;
}

export const TABLES: Readonly<Record<Kind, Table>> = {
  lead: { set: 'leads', key: 'leadid', privilege: 'Lead' },
  contact: { set: 'contacts', key: 'contactid', privilege: 'Contact' },
};

/** The name under which a lookup column is selected, filtered and read: `masterid` -> `_masterid_value`. */
export const lookupColumn = (column: string): string => `_${column}_value`;

const GUID = /^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$/i;
const GUIDS = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;

/** A GUID in lower case without braces, or `undefined` for anything else. */
export const guid = (text: unknown): string | undefined =>
  typeof text === 'string' ? GUID.exec(text)?.[1]?.toLowerCase() : undefined;

/** Every GUID in a text, in lower case. */
export const guidsIn = (text: string): string[] =>
  [...text.matchAll(GUIDS)].map(([found]) => found.toLowerCase());
