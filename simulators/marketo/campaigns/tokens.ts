import type { Field, FieldValue } from '../fields/field.js';
import { isoSeconds } from '../fields/values.js';
import type { Instance } from '../instance.js';
import type { Person } from '../persons/person-table.js';
import type { Campaign, Token } from './campaign.js';
import type { Run } from './party.js';

/** For whom, and in which run of which campaign, tokens are replaced. */
export interface TokenContext {
  readonly person: Person;
  readonly campaign: Campaign;
  readonly run: Run;
}

/** How the value of a token stands in the text around it. */
export type Encode = (value: FieldValue) => string;

/** As it is shown; nothing for an empty field. */
export const plainly: Encode = (value) => (value === null ? '' : String(value));

const TOKEN = /\{\{\s*(\w+)\.([^{}]+?)\s*\}\}/g;
const DEFAULT = /:\s*default\s*=\s*(.*)$/i;

/**
 * Replaces `{{lead.…}}` and `{{company.…}}` (by display name), `{{my.…}}`, `{{trigger.…}}`, `{{campaign.…}}`,
 * `{{program.…}}` and `{{system.…}}`. A token may end in `:default=text`, for when it has no value. One that stands for
 * nothing is empty.
 */
export const resolved = (
  instance: Instance,
  context: TokenContext,
  text: string,
  encode: Encode = plainly,
): string =>
  text.replace(TOKEN, (_all, kind: string, rest: string) => {
    const fallback = DEFAULT.exec(rest)?.[1]?.trim();
    const name = rest.replace(DEFAULT, '').trim();
    const value = valueOf(instance, context, kind.toLowerCase(), name);
    return encode((value === null || value === '') && fallback !== undefined ? fallback : value);
  });

/** Tokens of a text that name no person field, for whoever writes such a text. */
export const unknownTokens = (instance: Instance, text: string): string[] =>
  [...text.matchAll(TOKEN)].flatMap(([all, kind, rest = '']) =>
    ['lead', 'company'].includes(kind?.toLowerCase() ?? '') &&
    fieldShownAs(instance, rest.replace(DEFAULT, '').trim()) === undefined
      ? [all]
      : [],
  );

/** `{{my.name}}`, in any case: the run's own before the campaign's. */
export function myToken(campaign: Campaign, run: Run | undefined, name: string): Token | undefined {
  const wanted = `{{my.${name}}}`.toLowerCase();
  return [...(run?.tokens ?? []), ...campaign.tokens].find((each) => each.name.toLowerCase() === wanted);
}

/** The field of a display name, in any case. */
function fieldShownAs(instance: Instance, displayName: string): Field | undefined {
  const wanted = displayName.toLowerCase();
  return instance.fields.all().find((field) => field.displayName.toLowerCase() === wanted);
}

function valueOf(
  instance: Instance,
  { person, campaign, run }: TokenContext,
  kind: string,
  name: string,
): FieldValue {
  const asked = name.toLowerCase();
  switch (kind) {
    case 'lead':
    case 'company': {
      const field = fieldShownAs(instance, name);
      return field === undefined ? null : instance.people.read(person, field);
    }
    case 'my':
      return myToken(campaign, run, asked)?.value ?? null;
    case 'trigger':
      if (asked === 'name') return run.trigger?.name ?? null;
      return asked === 'trigger name' ? (run.trigger?.triggerName ?? null) : null;
    case 'campaign':
      return { id: campaign.id, name: campaign.name, description: campaign.description }[asked] ?? null;
    case 'program':
      return { id: campaign.programId, name: campaign.programName }[asked] ?? null;
    case 'system': {
      const now = isoSeconds(instance.now());
      return { datetime: now, date: now.slice(0, 10) }[asked] ?? null;
    }
    default:
      return null;
  }
}
