import { z } from 'zod';
import { AdminRefusal, enteredValues } from '../admin.js';
import { FILL_OUT_FORM } from '../activities/activity-log.js';
import { logNow } from '../activities/log-now.js';
import { FORM_SOURCE } from '../activities/origins.js';
import type { FieldValue } from '../fields/field.js';
import type { Instance } from '../instance.js';
import type { Person } from '../persons/person-table.js';

const FIRST_ID = 3001;
const EXAMPLE_PAGE = 'https://www.example.com/contact-us';

/** The forms that were ever filled in, by name, with their ids. */
export class Forms {
  readonly #ids = new Map<string, number>();

  idOf(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = FIRST_ID + this.#ids.size;
    this.#ids.set(name, id);
    return id;
  }

  entries(): readonly (readonly [name: string, id: number])[] {
    return [...this.#ids];
  }

  restore(entries: readonly (readonly [name: string, id: number])[]): void {
    for (const [name, id] of entries) this.#ids.set(name, id);
  }
}

/** What somebody entered on a web page. */
export const formFillSchema = z.strictObject({
  form: z.string().min(1).default('Contact us'),
  /** Field values by REST name, `email` among them. */
  values: z.record(z.string(), z.unknown()),
  /** The visitor's tracking cookie, which is the person's from now on. */
  cookie: z.string().min(1).exactOptional(),
  page: z.url().default(EXAMPLE_PAGE),
});

export type FormFill = z.infer<typeof formFillSchema>;

/** A person fills in a form: created or updated by e-mail address, logged as activity 2; campaigns hear of it. */
export function fillInForm(
  instance: Instance,
  { form, values, cookie, page }: FormFill,
): { readonly id: number; readonly created: boolean } {
  const { email } = values;
  if (typeof email !== 'string' || email === '') throw new AdminRefusal(400, 'values: email is missing');
  const entered = enteredValues(instance, values);
  const known = latestOf(instance, email);
  if (known) {
    const reason = `Form fill-out, URL: ${page}`;
    instance.people.update(known, entered, { source: FORM_SOURCE, reason });
  }
  const person = known ?? instance.people.create(entered, FORM_SOURCE);
  if (cookie !== undefined) instance.cookies.associate(cookie, person.id);
  logNow(instance, {
    leadId: person.id,
    typeId: FILL_OUT_FORM,
    detail: {
      kind: 'plain',
      primaryId: instance.forms.idOf(form),
      primaryValue: form,
      attributes: { 'Form Fields': JSON.stringify(shown(values)), 'Webpage URL': page },
    },
  });
  return { id: person.id, created: known === undefined };
}

/** Of several persons with one address the one that changed last (a choice of ours). */
function latestOf(instance: Instance, email: string): Person | undefined {
  return instance.people.table
    .find('email', email)
    .flatMap((id) => instance.people.table.get(id) ?? [])
    .sort((left, right) => right.updatedAt - left.updatedAt)[0];
}

const shown = (values: Readonly<Record<string, unknown>>): Record<string, FieldValue> =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, FieldValue] => typeof entry[1] !== 'object'),
  );
