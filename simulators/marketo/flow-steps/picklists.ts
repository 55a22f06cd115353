import { z } from 'zod';
import { AdminRefusal } from '../admin.js';
import { picked, type Choice, type FieldMapping } from './service.js';
import type { ServiceDefinition } from './definition.js';
import type { Access, ServiceCalls } from './service-calls.js';

const MOST_CHOICES = 1000;

const answerSchema = z.object({
  choices: z
    .array(
      z.object({
        displayValue: z.object({ en_US: z.string() }),
        submittedValue: z.union([z.string(), z.number(), z.boolean()]),
      }),
    )
    .max(MOST_CHOICES, `at most ${MOST_CHOICES} choices`),
});

type Mappings = Readonly<Record<'outgoing' | 'incoming', readonly FieldMapping[]>>;

/** The choices of everything that has a list of them, by kind and name. */
export async function fetchPicklists(
  calls: ServiceCalls,
  access: Access,
  definition: ServiceDefinition,
  { outgoing, incoming }: Mappings,
): Promise<Record<string, readonly Choice[]>> {
  const fieldMappingContext = { invocation: mapped(outgoing), callback: mapped(incoming) };
  const lists: Record<string, readonly Choice[]> = {};
  for (const { type, name } of picked(definition)) {
    const answer = await calls.json(access, 'POST', '/getPicklist', { name, type, fieldMappingContext });
    const parsed = answerSchema.safeParse(answer);
    if (!parsed.success)
      throw new AdminRefusal(400, `POST /getPicklist of '${name}': ${z.prettifyError(parsed.error)}`);
    lists[`${type}:${name}`] = parsed.data.choices.map(({ displayValue, submittedValue }) => ({
      displayValue: displayValue.en_US,
      submittedValue,
    }));
  }
  return lists;
}

const mapped = (mappings: readonly FieldMapping[]) =>
  mappings.flatMap(({ serviceAttribute, marketoAttribute, active }) =>
    marketoAttribute === null || !active ? [] : [{ marketoAttribute, serviceAttribute }],
  );
