import { filledIn, pickHome, type City, type Home, type Spelling } from './homes.js';
import { OPTION_LABELS } from './options.js';
import type { Random } from './random.js';
import type { SeedPerson, Value } from './records.js';

/** What stays the same about a human while their records differ. */
export interface Human {
  readonly home: Home;
  readonly given: Spelling;
  readonly family: Spelling;
  readonly city: City;
}

type Some<Item> = readonly [Item, ...Item[]];

const TITLES: Some<string> = [
  'Head of Purchasing', 'CTO', 'Vice President, Sales', 'Data Engineer', 'Geschäftsführerin', 'Directeur général',
  'Operations Manager', 'Консультант', '部長', 'Owner', 'Marketing Lead (EMEA)', 'Chief People Officer', 'Buyer',
]; // prettier-ignore

const COMPANY_STEMS: Some<string> = [
  'Northwind', 'Fabrikam', 'Contoso', 'Škoda & synové', 'Grünfeld', 'Αιγαίο', 'Ромашка', 'النور', 'ספיר', 'भारती',
  'ดอกบัว', '長江', '한빛', 'サクラ', 'L’Atelier', 'Maison Éclair', 'Blue Heron', 'Peak 9', 'Río Verde', 'Tailspin',
]; // prettier-ignore

const COMPANY_ENDINGS: Some<string> = [' Ltd', ' GmbH', ' S.A.', ', Inc.', ' Group', ' AB', ' e Filhos', ''];

const DEPARTMENTS: Some<string> = [
  'Procurement',
  'R&D',
  'Finance',
  'Vertrieb',
  'Ventes',
  '総務部',
  'IT',
  'Legal',
];

const SALUTATIONS: Some<string> = ['Ms.', 'Mr.', 'Dr.', 'Prof. Dr.', 'Mx.', 'Frau', 'Sra.', 'さん'];

const NOTES: Some<string> = [
  'Met at the spring fair, wants a call next quarter.',
  'Prefers e-mail.\nAsked for the security whitepaper.',
  'Renewal in May; budget holder is the CFO.',
  'Spricht Deutsch und Français.',
  'Called twice, no answer.',
  'Long-time customer of our partner.',
  'Interested in the automation suite only.',
];

const DOMAINS: Some<string> = [
  'example.com', 'example.org', 'example.net', 'northwind.example', 'fabrikam.example', 'contoso.example',
  'mail.example.com', 'uni.example.edu', 'post.example.de', 'grupo.example',
]; // prettier-ignore

const labelsOf = (column: string): Some<string> => {
  const [first = 'Other', ...rest] = Object.values(OPTION_LABELS.lead[column] ?? {});
  return [first, ...rest];
};
const LEAD_SOURCES = labelsOf('leadsourcecode');
const RATINGS = labelsOf('leadqualitycode');
const INDUSTRIES = labelsOf('industrycode');

const DAY_MS = 86_400_000;
const isoDay = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);
const isoSecond = (second: number): string => `${new Date(second * 1000).toISOString().slice(0, 19)}Z`;
/** 2023-01-01 to 2026-06-30, in seconds: fixed, so that no clock decides what a seed makes. */
const DEMO_SECONDS = [1_672_531_200, 1_782_777_600] as const;

type Maker = (random: Random, human: Human) => Value;

/** How likely each optional fact is known, and how it is made. The e-mail address is made apart, to be unique. */
const MAKERS: Readonly<Record<string, { readonly known: number; readonly make: Maker }>> = {
  firstName: { known: 0.98, make: (_, { given }) => given.written },
  lastName: { known: 1, make: (_, { family }) => family.written },
  middleName: { known: 0.15, make: (random, { home }) => random.pick(home.given).written },
  salutation: { known: 0.4, make: (random) => random.pick(SALUTATIONS) },
  title: { known: 0.8, make: (random) => random.pick(TITLES) },
  phone: { known: 0.75, make: (random, { home }) => filledIn(home.phone, random) },
  mobilePhone: { known: 0.4, make: (random, { home }) => filledIn(home.phone, random) },
  fax: { known: 0.08, make: (random, { home }) => filledIn(home.phone, random) },
  address: {
    known: 0.6,
    make: (random, { home }) => `${random.pick(home.street)} ${random.integer(1, 320)}`,
  },
  city: { known: 0.7, make: (_, { city }) => city.city },
  state: { known: 0.5, make: (_, { city }) => city.state },
  country: { known: 0.85, make: (_, { city }) => city.country },
  postalCode: { known: 0.6, make: (random, { city }) => filledIn(city.postalCode, random) },
  leadSource: { known: 0.8, make: (random) => random.pick(LEAD_SOURCES) },
  rating: { known: 0.6, make: (random) => random.pick(RATINGS) },
  mktoPersonNotes: { known: 0.3, make: (random) => random.pick(NOTES) },
  doNotCall: { known: 1, make: (random) => random.chance(0.06) },
  unsubscribed: { known: 1, make: (random) => random.chance(0.12) },
  company: { known: 0.9, make: (random) => random.pick(COMPANY_STEMS) + random.pick(COMPANY_ENDINGS) },
  annualRevenue: { known: 0.35, make: (random) => random.integer(1, 4_000_000) / 4 },
  numberOfEmployees: { known: 0.4, make: (random) => random.integer(1, 9000) },
  industry: { known: 0.5, make: (random) => random.pick(INDUSTRIES) },
  leadScore: { known: 0.7, make: (random) => random.integer(1, 250) },
  dateOfBirth: { known: 0.25, make: (random) => isoDay(random.integer(-10_957, 13_000)) },
  department: { known: 0.4, make: (random) => random.pick(DEPARTMENTS) },
  lastDemoAt: { known: 0.2, make: (random) => isoSecond(random.integer(...DEMO_SECONDS)) },
};

export function someHuman(random: Random): Human {
  const home = pickHome(random);
  return {
    home,
    given: random.pick(home.given),
    family: random.pick(home.family),
    city: random.pick(home.cities),
  };
}

/** A value that this fact may have for this human; valid on both sides. Null for a fact nobody makes up. */
export function valueOf(field: string, random: Random, human: Human): Value {
  return MAKERS[field]?.make(random, human) ?? null;
}

/** All facts about a human but the e-mail address, some unknown. */
export function factsOf(human: Human, random: Random): Record<string, Value> {
  const facts: Record<string, Value> = {};
  for (const [field, { known, make }] of Object.entries(MAKERS)) {
    facts[field] = random.chance(known) ? make(random, human) : null;
  }
  return facts;
}

/** Makes addresses of which no two are equal. */
export function addressBook(): (human: Human, random: Random) => string {
  const used = new Map<string, number>();
  return ({ given, family }, random) => {
    const local = random.chance(0.25)
      ? `${given.ascii.charAt(0)}${family.ascii}`
      : `${given.ascii}.${family.ascii}`;
    const domain = random.pick(DOMAINS);
    const key = `${local}@${domain}`;
    const times = (used.get(key) ?? 0) + 1;
    used.set(key, times);
    return times === 1 ? key : `${local}${times}@${domain}`;
  };
}

/** The same address as another system may have it: capitals here and there. */
export function inOtherCase(email: string, random: Random): string {
  return random.pick<(text: string) => string>([
    (text) => text.toUpperCase(),
    (text) => text.charAt(0).toUpperCase() + text.slice(1),
    (text) => text.replace(/(^|\.)[a-z]/g, (letter) => letter.toUpperCase()),
  ])(email);
}

/** The facts as a second system has them: some blank, some different, consent given to one only. */
export function seenElsewhere(facts: SeedPerson, random: Random, human: Human): Record<string, Value> {
  const other: Record<string, Value> = { ...facts };
  for (const [field, value] of Object.entries(facts)) {
    if (field === 'email') continue;
    if (typeof value === 'boolean') other[field] = random.chance(0.08) ? !value : value;
    else if (value !== null && random.chance(0.07)) other[field] = null;
    else if (random.chance(0.06)) other[field] = valueOf(field, random, human);
  }
  other['lastName'] ??= facts['lastName'] ?? null;
  if (typeof facts['email'] === 'string' && random.chance(0.3))
    other['email'] = inOtherCase(facts['email'], random);
  return other;
}
