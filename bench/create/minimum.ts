/** Calls that some work takes, by remote. */
export interface Calls {
  readonly marketo: number;
  readonly dynamics: number;
}

/** Persons that one call of Marketo takes (Adobe REST docs, "Leads", "Activities"). */
const PERSONS = 300;
/** Rows that one batch makes: more would only take longer, as its parts run one after the other. */
const PARTS = 40;
/** Bytes of addresses that are asked for in one call: proxies and servers take 8 KB of a URL. */
const FILTER = 8_000;
/** Quotes and comma around an address, encoded. */
const AROUND = 9;

/**
 * The least for persons whom nobody knows in Dynamics and who come one at a time, each by itself: Marketo is asked for the
 * person, and told its key and the entry of its log; Dynamics is asked for leads and for contacts with its e-mail, and makes
 * the row. Leaving one out means a twin, a person without its key, or an author who is not told.
 */
export const oneByOne = (persons: number): Calls => ({ marketo: 3 * persons, dynamics: 3 * persons });

/** The same for chunks, with as many persons in each call as it takes. */
export const inChunks = (chunks: readonly (readonly string[])[]): Calls => ({
  marketo: sum(chunks.map((emails) => 3 * Math.ceil(emails.length / PERSONS))),
  dynamics: sum(chunks.map((emails) => 2 * searches(emails) + Math.ceil(emails.length / PARTS))),
});

const searches = (emails: readonly string[]): number =>
  Math.ceil(sum(emails.map((email) => encodeURIComponent(email).length + AROUND)) / FILTER);

const sum = (numbers: readonly number[]): number => numbers.reduce((before, number) => before + number, 0);
