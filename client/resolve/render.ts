import pc from 'picocolors';
import type { Ambiguity } from '../../rules/ambiguity.js';
import { AMBIGUITY_TEXTS } from '../why/words.js';
import type { Decided } from './decide.js';
import type { GroupPerson, GroupRow, ListedGroup } from './groups.js';

type Colors = ReturnType<typeof pc.createColors>;

/** As many records of one group as people read. */
const SHOWN = 20;

/** Groups for people, each with what may be decided about it. */
export const renderGroups = (groups: readonly ListedGroup[], color: boolean): string => {
  const colors = pc.createColors(color);
  return groups.map((group) => groupLines(group, colors).join('\n')).join('\n\n');
};

const groupLines = (group: ListedGroup, colors: Colors): string[] => {
  const { why, email, rows, persons } = group;
  return [
    colors.bold(`${email ?? 'one row'}: ${AMBIGUITY_TEXTS[why]}`),
    ...some(rows.map(rowText)),
    ...some(persons.map(personText)),
    colors.dim('  to decide:'),
    ...choices(group).map((choice) => colors.dim(`    ${choice}`)),
  ];
};

const some = (lines: readonly string[]): string[] => [
  ...lines.slice(0, SHOWN).map((line) => `  ${line}`),
  ...(lines.length > SHOWN ? [`  … and ${lines.length - SHOWN} more`] : []),
];

const rowText = ({ kind, dynamicsId, email, status, marketoId }: GroupRow): string =>
  `${kind} ${dynamicsId}  ${email ?? '(no e-mail)'}  ${status}${marketoId === null ? '' : ` with person ${marketoId}`}`;

const personText = ({ marketoId, email, status, row }: GroupPerson): string =>
  `person ${marketoId}  ${email ?? '(e-mail not known here)'}  ${status}${row === null ? '' : ` with ${row.kind} ${row.dynamicsId ?? ''}`}`;

const choices = ({ why, rows, persons, decisions }: ListedGroup): string[] => {
  const row = rows[0]?.dynamicsId ?? '';
  const person = persons.find(({ status }) => status === 'free')?.marketoId ?? '<marketoId>';
  return [
    ...(decisions.link === 'nobody' ? [] : [`contact-sync resolve ${row} --link ${person} ${row}`]),
    ...(decisions.separate ? [`contact-sync resolve ${row} --separate   (${SEPARATED[why]})`] : []),
    ...(ELSEWHERE[why] === undefined ? [] : [ELSEWHERE[why]]),
  ];
};

const OWN_PERSONS = 'these rows are none of these persons: each gets a person of its own';

const SEPARATED: Readonly<Record<Ambiguity, string>> = {
  'same-email': OWN_PERSONS,
  'same-key': OWN_PERSONS,
  'key-held': 'the row gets a person of its own, and that person the id of its own row again',
  'too-many': 'the row gets a person of its own',
  comma: 'the row gets a person of its own',
  qualified: 'they are two people: the contact keeps its person, the other one has no record any more',
};

const ELSEWHERE: Readonly<Partial<Record<Ambiguity, string>>> = {
  'same-key': 'or clear dynamicsId in Marketo on the persons that it does not belong to',
  comma: 'or mend the address in Dynamics',
  qualified: 'or merge the two persons in Marketo',
};

export const decidedText = ({ what, rows, persons }: Decided): string =>
  what === 'linked'
    ? `Linked person ${persons.join(', ')} with row ${rows.join(', ')}. The next cycle reads and merges both; the rest of the group is matched anew.`
    : `Separated ${rows.length === 1 ? 'row' : 'rows'} ${rows.join(', ')} from ${persons.length === 0 ? 'all persons of the e-mail' : `person ${persons.join(', ')}`}.`;
