import { seenElsewhere, type Human } from './facts.js';
import type { Random } from './random.js';
import { FIELD_PAIRS, inColumn, rowOf, type Table, type Value } from './records.js';

/** On which sides a human is known, and in which table of Dynamics. */
export type Placement = 'onlyLead' | 'onlyContact' | 'bothLead' | 'bothContact' | 'onlyMarketo';

/** The records of one human while they are made: what is messy about them is done to them here. */
export interface Draft {
  readonly placement: Placement;
  readonly human: Human;
  readonly facts: Readonly<Record<string, Value>>;
  readonly persons: Record<string, Value>[];
  readonly leads: Record<string, Value>[];
  readonly contacts: Record<string, Value>[];
}

interface MessRule {
  /** Part of all people. */
  readonly share: number;
  readonly among: readonly Placement[];
  readonly apply: (draft: Draft, random: Random) => void;
}

const BOTH = ['bothLead', 'bothContact'] as const;
const IN_DYNAMICS_ONLY = ['onlyLead', 'onlyContact'] as const;

const rowsOf = (draft: Draft): [Table, Record<string, Value>][] => [
  ...draft.leads.map((row): [Table, Record<string, Value>] => ['lead', row]),
  ...draft.contacts.map((row): [Table, Record<string, Value>] => ['contact', row]),
];

/** Sets a fact on every record of the human. */
function everywhere(draft: Draft, field: string, value: Value): void {
  for (const person of draft.persons) person[field] = value;
  inDynamics(draft, field, value);
}

function inDynamics(draft: Draft, field: string, value: Value): void {
  for (const [table, row] of rowsOf(draft)) {
    const column = FIELD_PAIRS.find(({ marketo }) => marketo === field)?.[table];
    if (column !== undefined) row[column] = inColumn(table, column, value);
  }
}

/** A value that Dynamics cannot take: in Marketo only, with a blank across, so that it has to travel. */
function onlyInMarketo(draft: Draft, field: string, value: Value): void {
  for (const person of draft.persons) person[field] = value;
  inDynamics(draft, field, null);
}

const addLead = (draft: Draft, random: Random): void => {
  const facts = seenElsewhere(draft.facts, random, draft.human);
  draft.leads.push({ leadid: random.guid(), ...rowOf('lead', facts) });
};

const addContact = (draft: Draft, random: Random): void => {
  const facts = seenElsewhere(draft.facts, random, draft.human);
  draft.contacts.push({ contactid: random.guid(), ...rowOf('contact', facts) });
};

/** Text of exactly `length` UTF-16 units. */
const filler = (text: string, length: number): string =>
  text.repeat(Math.ceil(length / text.length)).slice(0, length);

const MALFORMED = [
  'name(at)example.com',
  'no-at-sign.example',
  'two@@example.com',
  'white space@example.com',
] as const;

const NON_ASCII_LOCALS = ['josé.núñez', '山田太郎', 'Δημήτρης', 'müller', 'оксана'] as const;

/** Each kind of mess: how much of it, among whom, and what it does. A human has at most one kind. */
const RULES = {
  twinLeads: { share: 0.006, among: ['bothLead'], apply: addLead },
  twinLeadAndContact: { share: 0.005, among: ['bothLead'], apply: addContact },
  twinPersons: {
    share: 0.006,
    among: BOTH,
    apply: (draft, random) => {
      draft.persons.push(seenElsewhere(draft.facts, random, draft.human));
    },
  },
  twinRowsWithoutPerson: {
    share: 0.006,
    among: IN_DYNAMICS_ONLY,
    apply: (draft, random) => {
      (random.chance(0.5) ? addLead : addContact)(draft, random);
    },
  },
  rowWithoutEmail: {
    share: 0.02,
    among: IN_DYNAMICS_ONLY,
    apply: (draft) => inDynamics(draft, 'email', null),
  },
  blankName: {
    share: 0.008,
    among: [...BOTH, ...IN_DYNAMICS_ONLY],
    apply: (draft) => {
      everywhere(draft, 'firstName', null);
      everywhere(draft, 'lastName', null);
    },
  },
  mobileTooLong: {
    share: 0.006,
    among: ['bothLead'],
    apply: (draft) => onlyInMarketo(draft, 'mobilePhone', '+49 (0) 170 / 123 45 67 ext. 890'),
  },
  postalCodeTooLong: {
    share: 0.004,
    among: BOTH,
    apply: (draft) => onlyInMarketo(draft, 'postalCode', 'PO Box 4711, 12345-6789, rear'),
  },
  titleTooLong: {
    share: 0.005,
    among: BOTH,
    apply: (draft) => onlyInMarketo(draft, 'title', filler('Senior Vice President of Everything and ', 140)),
  },
  notesTooLong: {
    share: 0.005,
    among: BOTH,
    apply: (draft, random) =>
      onlyInMarketo(
        draft,
        'mktoPersonNotes',
        filler('Spoke again about the offer. ', random.integer(2001, 6000)),
      ),
  },
  longestNotes: {
    share: 0.005,
    among: [...BOTH, ...IN_DYNAMICS_ONLY],
    apply: (draft, random) => {
      const text = random.pick([
        'Every detail of the long call. ',
        'ข้อความยาวมาก ',
        'Очень длинная заметка. ',
      ]);
      everywhere(draft, 'mktoPersonNotes', `${filler(text, 1999)}.`);
    },
  },
  unknownLeadSource: {
    share: 0.006,
    among: ['bothLead'],
    apply: (draft) => onlyInMarketo(draft, 'leadSource', 'Carrier Pigeon'),
  },
  unknownRating: {
    share: 0.004,
    among: ['bothLead'],
    apply: (draft) => onlyInMarketo(draft, 'rating', 'Lukewarm'),
  },
  unknownIndustry: {
    share: 0.006,
    among: ['bothLead'],
    apply: (draft, random) =>
      onlyInMarketo(
        draft,
        'industry',
        random.pick(['Artisanal Cheese Logistics', 'Retail', 'Software & IT']),
      ),
  },
  nonAsciiEmail: {
    share: 0.005,
    among: IN_DYNAMICS_ONLY,
    apply: (draft, random) =>
      inDynamics(
        draft,
        'email',
        `${random.pick(NON_ASCII_LOCALS)}${random.integer(1, 999_999_999)}@example.com`,
      ),
  },
  malformedEmail: {
    share: 0.005,
    among: IN_DYNAMICS_ONLY,
    apply: (draft, random) =>
      inDynamics(draft, 'email', `${random.integer(1, 999_999_999)}.${random.pick(MALFORMED)}`),
  },
  earliestDate: {
    share: 0.003,
    among: ['bothContact', 'onlyContact'],
    apply: (draft) => everywhere(draft, 'dateOfBirth', '1753-01-01'),
  },
  leapDay: {
    share: 0.004,
    among: ['bothContact', 'onlyContact'],
    apply: (draft, random) => {
      everywhere(draft, 'dateOfBirth', random.pick(['1996-02-29', '2000-02-29', '1904-02-29']));
    },
  },
  farFuture: {
    share: 0.003,
    among: [...BOTH, ...IN_DYNAMICS_ONLY],
    apply: (draft) => everywhere(draft, 'lastDemoAt', '2999-12-31T23:59:59Z'),
  },
  emojiNotes: {
    share: 0.01,
    among: [...BOTH, ...IN_DYNAMICS_ONLY],
    apply: (draft, random) =>
      everywhere(
        draft,
        'mktoPersonNotes',
        random.pick(['Loves 🍕 and 👩‍💻 demos 🇨🇿', '👍🏽 call back', '🎉🎉🎉']),
      ),
  },
  outerSpaces: {
    share: 0.008,
    among: BOTH,
    apply: (draft) => {
      for (const person of draft.persons) {
        person['firstName'] = ` ${String(person['firstName'] ?? 'Kim')}`;
        person['city'] = `${String(person['city'] ?? 'Utrecht')}  `;
      }
    },
  },
  refusedByPlugin: {
    share: 0.005,
    among: BOTH,
    apply: (draft, random) => {
      onlyInMarketo(draft, 'title', random.pick(['Test Robot', 'Senior Test Robot', 'Test Robot III']));
    },
  },
  zeroNumbers: {
    share: 0.006,
    among: ['bothLead', 'onlyLead'],
    apply: (draft) => {
      for (const field of ['annualRevenue', 'numberOfEmployees', 'leadScore']) everywhere(draft, field, 0);
    },
  },
  negativeLooking: {
    share: 0.004,
    among: BOTH,
    apply: (draft) => {
      everywhere(draft, 'title', '-1');
      everywhere(draft, 'postalCode', '-00012');
      for (const person of draft.persons) person['leadScore'] = -5;
    },
  },
  numberTooLarge: {
    share: 0.003,
    among: ['bothLead'],
    apply: (draft) => onlyInMarketo(draft, 'numberOfEmployees', 2_300_000),
  },
  markup: {
    share: 0.005,
    among: [...BOTH, ...IN_DYNAMICS_ONLY],
    apply: (draft) => {
      everywhere(draft, 'mktoPersonNotes', '<b>VIP</b> &amp; <script>alert("hi")</script> 5 < 6 > 4');
      everywhere(draft, 'company', 'Tom & Jerry <Holding>');
    },
  },
  punctuation: {
    share: 0.008,
    among: [...BOTH, ...IN_DYNAMICS_ONLY],
    apply: (draft) => {
      everywhere(draft, 'company', 'O"Brien, Sons & "Co."; C:\\Partners');
      everywhere(draft, 'address', `Unit "B", 5 O'Hara's Yard;\nrear\tdoor`);
    },
  },
} as const satisfies Record<string, MessRule>;

export type MessKind = keyof typeof RULES;

export const MESS_KINDS = Object.keys(RULES) as readonly MessKind[];

export const MESS: Readonly<Record<MessKind, MessRule>> = RULES;
