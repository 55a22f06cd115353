import { expect, test } from 'vitest';
import { FIELD_PAIRS, generatePopulation, MESS_KINDS } from '../../simulators/population/index.js';
import type { SeedPerson, SeedRow } from '../../simulators/population/index.js';

const crowd = generatePopulation({ people: 2000, seed: 'test' });
const rows = [...crowd.leads, ...crowd.contacts];

const emailOf = (record: SeedPerson | SeedRow): string | null => {
  const email = record['email'] ?? record['emailaddress1'];
  return typeof email === 'string' ? email.toLowerCase() : null;
};
const byEmail = (records: readonly (SeedPerson | SeedRow)[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const record of records) {
    const email = emailOf(record);
    if (email !== null) counts.set(email, (counts.get(email) ?? 0) + 1);
  }
  return counts;
};
const [personEmails, leadEmails, contactEmails, rowEmails] = [
  byEmail(crowd.persons),
  byEmail(crowd.leads),
  byEmail(crowd.contacts),
  byEmail(rows),
];
const length = (value: unknown): number => (typeof value === 'string' ? value.length : 0);
const asciiEmail = /^[\x21-\x7e]+@[\x21-\x7e]+$/;

test('the same seed makes the same people, another seed makes others', () => {
  expect(generatePopulation({ people: 2000, seed: 'test' })).toEqual(crowd);
  expect(generatePopulation({ people: 2000, seed: 'other' }).leads[0]).not.toEqual(crowd.leads[0]);
});

test('a number is as good a seed as a text', () => {
  expect(generatePopulation({ people: 10, seed: 7 })).toEqual(generatePopulation({ people: 10, seed: '7' }));
});

test('45 % are only in Dynamics, three of five as leads; 35 % on both sides; 20 % only in Marketo', () => {
  expect(crowd.spread).toEqual({
    onlyLead: 540,
    onlyContact: 360,
    bothLead: 420,
    bothContact: 280,
    onlyMarketo: 400,
  });
});

test('records are the humans on each side, plus the twins', () => {
  const { twinLeads, twinLeadAndContact, twinPersons, twinRowsWithoutPerson } = crowd.notes;
  expect(crowd.persons).toHaveLength(420 + 280 + 400 + twinPersons);
  expect(rows).toHaveLength(540 + 360 + 420 + 280 + twinLeads + twinLeadAndContact + twinRowsWithoutPerson);
});

test.each([200, 201, 1000])('of %i people at least one has each kind of mess', (people) => {
  const { notes } = generatePopulation({ people, seed: 'few' });
  expect(MESS_KINDS.filter((kind) => notes[kind] < 1)).toEqual([]);
});

test.each([0, 1, 7, 199])('%i people are possible, too', (people) => {
  const { spread } = generatePopulation({ people, seed: 'few' });
  expect(Object.values(spread).reduce((sum, part) => sum + part, 0)).toBe(people);
});

test('each kind of mess stays a small share', () => {
  for (const kind of MESS_KINDS) {
    expect(crowd.notes[kind] / 2000, kind).toBeGreaterThanOrEqual(0.002);
    expect(crowd.notes[kind] / 2000, kind).toBeLessThanOrEqual(0.02);
  }
});

test('ids are GUIDs, each once, in lower case', () => {
  const ids = rows.map((row) => String(row['leadid'] ?? row['contactid']));
  expect(
    ids.filter((id) => !/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
  ).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
});

test('only twins share an e-mail address, whatever its case', () => {
  const repeated = (emails: Map<string, number>): number =>
    [...emails.values()].filter((count) => count > 1).length;
  expect(repeated(personEmails)).toBe(crowd.notes.twinPersons);
  expect(repeated(rowEmails)).toBe(
    crowd.notes.twinLeads + crowd.notes.twinLeadAndContact + crowd.notes.twinRowsWithoutPerson,
  );
});

test('people on both sides meet by e-mail, some of them only when case is ignored', () => {
  const shared = [...personEmails.keys()].filter((email) => rowEmails.has(email));
  expect(shared).toHaveLength(420 + 280);
  const written = new Set(crowd.persons.map((person) => person['email']));
  const recased = rows.filter((row) => {
    const email = emailOf(row);
    return email !== null && personEmails.has(email) && !written.has(row['emailaddress1'] ?? null);
  });
  expect(recased.length / shared.length).toBeGreaterThan(0.15);
});

test('people on both sides differ in some values, blanks and consents', () => {
  const persons = new Map(crowd.persons.map((person) => [emailOf(person), person]));
  const seen = { different: 0, blankInMarketo: 0, blankInDynamics: 0, consent: 0 };
  for (const lead of crowd.leads) {
    const person = emailOf(lead) === null ? undefined : persons.get(emailOf(lead));
    if (person === undefined) continue;
    const [here, there] = [person['phone'] ?? null, lead['telephone1'] ?? null];
    if (here !== null && there !== null && here !== there) seen.different += 1;
    if (here === null && there !== null) seen.blankInMarketo += 1;
    if (here !== null && there === null) seen.blankInDynamics += 1;
    if (person['unsubscribed'] !== lead['donotbulkemail']) seen.consent += 1;
  }
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(5);
});

test('names stand in many scripts, addresses of persons in ASCII', () => {
  const names = crowd.persons.map((person) => String(person['lastName'])).join(' ');
  for (const script of [
    'Latin',
    'Greek',
    'Cyrillic',
    'Arabic',
    'Hebrew',
    'Devanagari',
    'Thai',
    'Han',
    'Hangul',
    'Katakana',
  ]) {
    expect(names, script).toMatch(new RegExp(`\\p{Script=${script}}`, 'u'));
  }
  expect(names).toMatch(/[ßøłđž]/);
  expect(crowd.persons.filter(({ email }) => !asciiEmail.test(String(email)))).toEqual([]);
});

test('records carry the fields and columns of their side, and no other', () => {
  const fields = FIELD_PAIRS.map(({ marketo }) => marketo).sort();
  for (const person of crowd.persons) expect(Object.keys(person).sort()).toEqual(fields);
  const columns = (kind: 'lead' | 'contact'): string[] => FIELD_PAIRS.flatMap((pair) => pair[kind] ?? []);
  for (const lead of crowd.leads) {
    expect(Object.keys(lead).sort()).toEqual([...columns('lead'), 'leadid', 'subject'].sort());
  }
  for (const contact of crowd.contacts) {
    expect(Object.keys(contact).sort()).toEqual(
      [...columns('contact'), 'contactid', 'leadsourcecode'].sort(),
    );
    expect(contact['leadsourcecode']).toBe(1);
  }
});

test('rows obey the lengths, options and ranges of Dynamics', () => {
  for (const row of rows) {
    for (const [column, most] of Object.entries({
      firstname: 50,
      lastname: 50,
      middlename: 50,
      jobtitle: 100,
      telephone1: 50,
      companyname: 100,
      subject: 300,
      description: 2000,
      address1_postalcode: 20,
      address1_line1: 250,
      emailaddress1: 100,
      mobilephone: 'leadid' in row ? 20 : 50,
    })) {
      expect(length(row[column]), `${column} ${String(row[column])}`).toBeLessThanOrEqual(most);
    }
    expect(Number(row['new_score'] ?? 0)).toBeGreaterThanOrEqual(0);
    expect(Number(row['industrycode'] ?? 1)).toBeLessThanOrEqual(33);
  }
});

const present: readonly [string, () => boolean][] = [
  [
    'two leads and a person with one address',
    () => [...leadEmails].some(([e, n]) => n > 1 && personEmails.has(e)),
  ],
  [
    'a lead, a contact and a person with one address',
    () => [...leadEmails.keys()].some((e) => contactEmails.has(e) && personEmails.has(e)),
  ],
  [
    'two persons and a row with one address',
    () => [...personEmails].some(([e, n]) => n > 1 && rowEmails.has(e)),
  ],
  [
    'two rows with one address and no person',
    () => [...rowEmails].some(([e, n]) => n > 1 && !personEmails.has(e)),
  ],
  ['rows without an address', () => rows.some((row) => row['emailaddress1'] === null)],
  [
    'records without any name',
    () => rows.some((row) => row['firstname'] === null && row['lastname'] === null),
  ],
  ['mobile numbers too long for a lead', () => crowd.persons.some((p) => length(p['mobilePhone']) > 20)],
  ['postal codes too long for Dynamics', () => crowd.persons.some((p) => length(p['postalCode']) > 20)],
  [
    'titles too long for Dynamics, not for Marketo',
    () => crowd.persons.some((p) => length(p['title']) > 100 && length(p['title']) <= 255),
  ],
  ['notes too long for Dynamics', () => crowd.persons.some((p) => length(p['mktoPersonNotes']) > 2000)],
  ['notes exactly as long as Dynamics takes', () => rows.some((row) => length(row['description']) === 2000)],
  ['a lead source that is no option', () => crowd.persons.some((p) => p['leadSource'] === 'Carrier Pigeon')],
  ['a rating that is no option', () => crowd.persons.some((p) => p['rating'] === 'Lukewarm')],
  [
    'an industry that is no option',
    () => crowd.persons.some((p) => p['industry'] === 'Artisanal Cheese Logistics'),
  ],
  [
    'addresses that Marketo refuses for their letters',
    () => rows.some((row) => /[^\p{ASCII}]/u.test(String(row['emailaddress1']))),
  ],
  [
    'addresses that are none',
    () => rows.some((row) => /\(at\)|@@| |no-at/.test(String(row['emailaddress1']))),
  ],
  ['the earliest date of Dynamics', () => crowd.contacts.some((row) => row['birthdate'] === '1753-01-01')],
  ['a 29 February', () => crowd.contacts.some((row) => String(row['birthdate']).endsWith('-02-29'))],
  ['a moment in the far future', () => rows.some((row) => row['new_lastdemoon'] === '2999-12-31T23:59:59Z')],
  ['emoji', () => rows.some((row) => /\p{Extended_Pictographic}/u.test(String(row['description'])))],
  ['spaces around a name', () => crowd.persons.some((p) => String(p['firstName']).startsWith(' '))],
  [
    'titles that a plug-in refuses',
    () =>
      crowd.persons.some(
        (p) => String(p['title']).includes('Test Robot') && rowEmails.has(String(p['email'])),
      ),
  ],
  ['zeros', () => crowd.leads.some((row) => row['revenue'] === 0 && row['numberofemployees'] === 0)],
  ['text that looks like a negative number', () => rows.some((row) => row['jobtitle'] === '-1')],
  ['a score below zero', () => crowd.persons.some((p) => p['leadScore'] === -5)],
  [
    'a number too large for Dynamics',
    () => crowd.persons.some((p) => Number(p['numberOfEmployees']) > 1_000_000),
  ],
  ['markup', () => rows.some((row) => String(row['description']).includes('<script>'))],
  [
    'quotes, commas, backslashes and line breaks',
    () => rows.some((row) => /"[^]*,[^]*;\n/.test(String(row['address1_line1']))),
  ],
];

test.each(present)('there are %s', (_, isThere) => {
  expect(isThere()).toBe(true);
});
