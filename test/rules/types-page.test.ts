import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import type { DynamicsColumn, MarketoField } from '../../rules/catalog.js';
import { reasonOf } from '../../rules/codecs/cannot-meet.js';
import { codecFor, meets } from '../../rules/codecs/index.js';
import { mapFields } from '../../rules/map-fields.js';
import { column, person } from './schema.js';
import { DYNAMICS, MARKETO } from './type-pairs.js';

const PAGE = new URL('../../docs/types.md', import.meta.url).pathname;

type Types = Readonly<{ marketo: MarketoField['type']; dynamics: DynamicsColumn['type'] }>;

const ARROWS = { both: '⇄', toMarketo: '←', toDynamics: '→' } as const;

/** Which way a pair travels when both ways are chosen and allowed; undefined where the types may not meet. */
const way = ({ marketo, dynamics }: Types): string | undefined => {
  const field = person(marketo, { name: 'f' });
  const mapping = mapFields({
    choices: [{ marketo: 'f', lead: 'c', direction: 'both', consent: false }],
    catalog: {
      marketo: { f: field },
      dynamics: { lead: { c: column(dynamics, { name: 'c' }) }, contact: {} },
    },
  });
  const [mapped] = mapping.fields.lead;
  return mapped && ARROWS[mapped.direction];
};

const refused: readonly Types[] = MARKETO.flatMap((marketo) =>
  DYNAMICS.map((dynamics) => ({ marketo, dynamics })),
).filter((types) => way(types) === undefined);

const REASONS = [...new Set(refused.map(({ marketo, dynamics }) => reasonOf(marketo, dynamics)))];

const cell = (types: Types): string =>
  way(types) ?? String(REASONS.indexOf(reasonOf(types.marketo, types.dynamics)) + 1);

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** What set-up says of the first pair that a reason is for. */
const example = (reason: string): string => {
  const found = refused.find(({ marketo, dynamics }) => reasonOf(marketo, dynamics) === reason);
  if (found === undefined) return '';
  const codec = codecFor(
    person(found.marketo, { name: 'personField' }),
    column(found.dynamics, { name: 'new_column' }),
  );
  return meets(codec) ? '' : codec.cannotMeet;
};

const page = (): string => `# Which types meet

<!-- Written by test/rules/types-page.test.ts from the rules themselves: run it with -u after a change. -->

A person field and a column can be mapped to each other where their types meet. Types of Marketo stand at the left, types
of Dynamics at the top. \`⇄\` syncs both ways, \`←\` to Marketo only (a notice tells so where both ways are chosen). A number
is the reason, below, why the two cannot meet: \`contact-sync setup\` refuses such a row of the selection with file, line
and key. \`unknown\` is a type that this version does not know.

${row(['', ...DYNAMICS.map((dynamics) => `\`${dynamics}\``)])}
${row(['---', ...DYNAMICS.map(() => ':-:')])}
${MARKETO.map((marketo) => row([`\`${marketo}\``, ...DYNAMICS.map((dynamics) => cell({ marketo, dynamics }))])).join('\n')}

Lookup, Customer and Owner columns are \`lookup\`. \`dateOnly\` is a column whose _behavior_ is Date Only; one of another
behavior is \`datetime\`, also where its _format_ shows the date alone, because it still travels as a moment (Microsoft:
"Behavior and format of the date and time column"). How values are compared: [configuration.md](configuration.md#types-that-meet).

## Why the others do not

Each reason, and an example of what set-up says, with what to do instead.

${REASONS.map((reason, index) => `${String(index + 1)}. ${reason.charAt(0).toUpperCase()}${reason.slice(1)}\n\n    > ${example(reason)}\n`).join('\n')}
`;

it('docs/types.md says what the rules do', async () => {
  const formatted = await format(page(), { ...(await resolveConfig(PAGE)), parser: 'markdown' });
  await expect(formatted).toMatchFileSnapshot(PAGE);
});
