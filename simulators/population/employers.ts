import { seededRandom } from './random.js';
import type { SeedRow } from './records.js';

/** The accounts of a Dynamics environment, and contacts that point at them. */
export interface Employed {
  readonly accounts: SeedRow[];
  readonly contacts: SeedRow[];
}

/**
 * Puts contacts under their companies: an account for each company that employs one, in the order of their first
 * contact, and the contacts with its id as `parentcustomerid`. Pure: the same arguments make the same accounts.
 *
 * @param employers company by the id of a contact; a contact without one gets no parent
 */
export function underEmployers(
  contacts: readonly SeedRow[],
  employers: ReadonlyMap<string, string>,
  seed: string | number,
): Employed {
  // A sequence of its own: people are the same with and without accounts.
  const random = seededRandom(`${seed} accounts`);
  const ids = new Map<string, string>();
  const idOf = (company: string): string => {
    const id = ids.get(company) ?? random.guid();
    ids.set(company, id);
    return id;
  };
  const employed = contacts.map((contact) => {
    const company = employers.get(String(contact['contactid']));
    return company === undefined ? contact : { ...contact, parentcustomerid: idOf(company) };
  });
  const accounts = [...ids].map(([name, accountid]) => ({ accountid, name }));
  return { accounts, contacts: employed };
}
