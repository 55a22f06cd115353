import type { Dynamics } from '../../dynamics/index.js';
import { within } from './refused.js';
import { SYNC_AS, type Service } from './routes.js';
import type { Picklist } from './schemas.js';

/** Marketo takes so many choices. */
const MOST_CHOICES = 1_000;
/** Marketo asks nightly, and whenever an author presses the button. */
const FRESH_MS = 10 * 60_000;
const WAIT_MS = 10_000;

/** The choices of the flow step's parameters. Owners come from Dynamics, and are kept a while; old ones beat none. */
export const createPicklists = (
  dynamics: Pick<Dynamics, 'owners'>,
  now: () => number = Date.now,
): Service['picklist'] => {
  let kept: { readonly choices: Picklist; readonly at: number } | undefined;
  let asking: Promise<Picklist> | undefined;
  const ask = async (): Promise<Picklist> => {
    const owners = await dynamics.owners(MOST_CHOICES);
    const choices = owners.map(({ type, id, name }) => ({
      displayValue: { en_US: type === 'team' ? `Team: ${name}` : name },
      submittedValue: type === 'team' ? `team:${id}` : id,
    }));
    kept = { choices: { choices }, at: now() };
    return kept.choices;
  };
  const owners = async (): Promise<Picklist> => {
    if (kept !== undefined && now() - kept.at < FRESH_MS) return kept.choices;
    asking ??= ask().finally(() => (asking = undefined));
    try {
      return await within(WAIT_MS, 'asking Dynamics for owners', asking);
    } catch (error) {
      if (kept !== undefined) return kept.choices;
      throw error;
    }
  };
  return (name) => (name === 'syncAs' ? Promise.resolve(SYNC_AS) : owners());
};
