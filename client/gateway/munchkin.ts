/** The id of the subscription that a REST endpoint belongs to: `https://123-abc-456.mktorest.com/rest` has it as its name. */
export const munchkinOf = (endpoint: string): string | undefined =>
  /^([^.]+)\.mktorest\.com$/.exec(new URL(endpoint).hostname)?.[1]?.toLowerCase();
