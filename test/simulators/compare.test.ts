import { describe, expect, test } from 'vitest';
import { saysTheSame } from '../../simulators/compare/equality.js';
import { compareSides, type ClaimedLink, type CompareInput } from '../../simulators/compare/index.js';
import { twoSides } from './two-sides.js';

const fields = [
  { marketo: 'firstName', lead: 'firstname', contact: 'firstname' },
  { marketo: 'email', lead: 'emailaddress1', contact: 'emailaddress1' },
  { marketo: 'leadSource', lead: 'leadsourcecode' },
  { marketo: 'unsubscribed', lead: 'donotbulkemail', contact: 'donotbulkemail' },
];

const jana = {
  id: 1,
  firstName: 'Jana',
  email: 'jana@example.com',
  leadSource: 'trade show',
  unsubscribed: false,
};
const janasLead = {
  leadid: 'aaaaaaaa-0000-4000-8000-000000000001',
  firstname: 'Jana',
  emailaddress1: 'JANA@example.com',
  leadsourcecode: 7,
  donotbulkemail: null,
};
const karel = { id: 2, firstName: 'Karel', email: 'karel@example.com', unsubscribed: true };
const karelsContact = {
  contactid: 'bbbbbbbb-0000-4000-8000-000000000002',
  firstname: 'Karel',
  emailaddress1: 'karel@example.com',
  donotbulkemail: true,
};
const janasLink: ClaimedLink = { marketoId: 1, dynamicsId: janasLead.leadid, kind: 'lead', state: 'linked' };
const karelsLink: ClaimedLink = {
  marketoId: 2,
  dynamicsId: karelsContact.contactid,
  kind: 'contact',
  state: 'linked',
};

type Given = Parameters<typeof twoSides>[0];

/** Jana's lead and Karel's contact, in step, but for what is given. */
async function compared(given: Given = {}, input: Partial<CompareInput> = {}) {
  const people = {
    persons: [{ ...jana }, { ...karel }],
    leads: [{ ...janasLead }],
    contacts: [{ ...karelsContact }],
  };
  const { origin } = await twoSides({ ...people, ...given });
  const links = [janasLink, karelsLink];
  return compareSides({ marketo: origin, dataverse: origin, fields, links, explained: [], ...input });
}

describe('compareSides', () => {
  test('finds nothing where both sides are in step', async () => {
    const result = await compared();
    expect(result).toMatchObject({ compared: 7, equal: 7, explained: [], different: [], unlinkedRows: [] });
    expect(result.summaryText).toContain('Compared 7 field values on 2 links: 7 equal');
  });

  test('finds a value that differs and says where and how', async () => {
    const result = await compared({ leads: [{ ...janasLead, firstname: 'Hana' }] });
    expect(result).toMatchObject({ compared: 7, equal: 6 });
    expect(result.different).toEqual([
      {
        what: 'value differs',
        kind: 'lead',
        marketoId: 1,
        dynamicsId: janasLead.leadid,
        field: 'firstName',
        marketo: 'Jana',
        dynamics: 'Hana',
      },
    ]);
    expect(result.summaryText).toContain('firstName: Marketo "Jana", Dynamics "Hana"');
  });

  test.each([
    ['the person and the field', { marketoId: 1, field: 'firstName' }],
    ['the row, its id in capitals', { dynamicsId: janasLead.leadid.toUpperCase() }],
    ['the field everywhere', { field: 'firstName' }],
  ])('takes an explanation that names %s', async (_, names) => {
    const explained = [{ ...names, reason: 'refused by a plug-in' }];
    const result = await compared({ leads: [{ ...janasLead, firstname: 'Hana' }] }, { explained });
    expect(result.different).toEqual([]);
    expect(result.explained).toMatchObject([{ field: 'firstName', reason: 'refused by a plug-in' }]);
    expect(result.unusedExplanations).toEqual([]);
    expect(result.summaryText).toContain('refused by a plug-in');
  });

  test.each([
    ['another person', { marketoId: 2, field: 'firstName' }],
    ['another field', { marketoId: 1, field: 'leadSource' }],
    ['this person, but another row', { marketoId: 1, dynamicsId: karelsContact.contactid }],
  ])('takes no explanation of %s, and calls it unused', async (_, names) => {
    const explained = [{ ...names, reason: 'beside the point' }];
    const result = await compared({ leads: [{ ...janasLead, firstname: 'Hana' }] }, { explained });
    expect(result.different).toHaveLength(1);
    expect(result.unusedExplanations).toEqual(explained);
  });

  test('refuses an explanation that would explain anything', async () => {
    await expect(compared({}, { explained: [{ reason: 'because' }] })).rejects.toThrow(
      'neither a record nor a field',
    );
  });

  test('finds a row without a person', async () => {
    const result = await compared({}, { links: [janasLink] });
    expect(result.different).toMatchObject([
      { what: 'row without a person', kind: 'contact', dynamicsId: karelsContact.contactid, field: null },
    ]);
    expect(result.unlinkedRows).toEqual([
      { kind: 'contact', dynamicsId: karelsContact.contactid, reason: null },
    ]);
  });

  test('a row set aside as ambiguous needs an explanation of its own', async () => {
    const links: ClaimedLink[] = [janasLink, { ...karelsLink, state: 'ambiguous' }];
    const explained = [{ dynamicsId: karelsContact.contactid, reason: 'ambiguous' }];
    expect((await compared({}, { links })).different).toHaveLength(1);
    expect(await compared({}, { links, explained })).toMatchObject({
      compared: 4,
      different: [],
      unlinkedRows: [{ reason: 'ambiguous' }],
    });
  });

  test('a person who is only in Marketo needs no row', async () => {
    const result = await compared({ persons: [jana, karel, { id: 3, firstName: 'Only here' }] });
    expect(result.different).toEqual([]);
  });

  test('a row stays alone when its person was deleted, but not when the person is still there', async () => {
    const links: ClaimedLink[] = [janasLink, { ...karelsLink, state: 'tombstone' }];
    expect((await compared({ persons: [jana] }, { links })).unlinkedRows).toMatchObject([
      { reason: 'its person was deleted in Marketo' },
    ]);
    expect((await compared({}, { links })).different).toMatchObject([{ what: 'row without a person' }]);
  });

  test('qualified leads and merged rows need no person', async () => {
    const result = await compared(
      {
        leads: [{ ...janasLead, statecode: 1 }],
        contacts: [{ ...karelsContact, merged: true }],
      },
      { links: [] },
    );
    expect(result.different).toEqual([]);
    expect(result.unlinkedRows).toHaveLength(2);
  });

  test('a link must lead to two records that exist', async () => {
    const result = await compared({ persons: [karel], contacts: [] });
    expect(result.different.map(({ what, marketoId }) => [what, marketoId])).toEqual([
      ['person is missing', 1],
      ['row is missing', 2],
    ]);
  });

  test('a link on the wrong table does not count', async () => {
    const result = await compared({}, { links: [janasLink, { ...karelsLink, kind: 'lead' }] });
    expect(result.different).toMatchObject([{ what: 'row is missing', marketoId: 2 }]);
  });

  test('two links to one person are a difference', async () => {
    const result = await compared({}, { links: [janasLink, { ...karelsLink, marketoId: 1 }] });
    expect(result.different.map(({ what }) => what)).toContain('linked twice');
  });

  test('a second person with the CRM id of a row is found, unless its row was deleted', async () => {
    const twin = { ...jana, id: 9, dynamicsId: janasLead.leadid };
    expect((await compared({ persons: [jana, karel, twin] })).different).toMatchObject([
      { what: 'person carries a CRM id without a link', marketoId: 9 },
    ]);
    expect(
      (await compared({ persons: [jana, karel, { ...twin, dynamicsDeleted: true }] })).different,
    ).toEqual([]);
  });

  test('reads all pages of both sides', async () => {
    const numbers = Array.from({ length: 2500 }, (_, n) => n + 1);
    const idOf = (n: number): string => `cccccccc-0000-4000-8000-${String(n).padStart(12, '0')}`;
    const result = await compared(
      {
        persons: numbers.map((id) => ({ id, firstName: `P${id}` })),
        leads: numbers.map((n) => ({ leadid: idOf(n), firstname: n === 2400 ? 'someone else' : `P${n}` })),
        contacts: [],
      },
      { links: numbers.map((n) => ({ marketoId: n, dynamicsId: idOf(n), kind: 'lead', state: 'linked' })) },
    );
    expect(result).toMatchObject({ compared: 10_000, equal: 9999, different: [{ marketoId: 2400 }] });
  });

  test('takes other labels than the shipped ones', async () => {
    const labels = { lead: { leadsourcecode: { 7: 'Fair' } }, contact: {} };
    expect((await compared({}, { labels })).different).toMatchObject([{ field: 'leadSource' }]);
  });
});

describe('both sides say the same', () => {
  const plain = { labels: undefined, email: false };
  const labelled = { labels: { 1: 'Hot', 3: 'Cold' }, email: false };
  const email = { labels: undefined, email: true };

  test.each([
    ['nothing and empty text', null, '', plain],
    ['a missing value and null', undefined, null, plain],
    ['a yes/no that is no and a blank', false, null, plain],
    ['equal numbers in two forms', '250.50', 250.5, plain],
    [
      'one moment with and without parts of a second',
      '2026-01-05T09:12:44Z',
      '2026-01-05T09:12:44.987Z',
      plain,
    ],
    ['one moment in two zones', '2026-01-05T10:12:44+01:00', '2026-01-05T09:12:44Z', plain],
    ['one moment in the old form of an offset', '2026-01-05T09:12:44+0000', '2026-01-05T09:12:44Z', plain],
    ['a day and a moment of that day', '2026-01-05', '2026-01-05T00:00:00Z', plain],
    ['an option and its label in another case', 'hot', 1, labelled],
    ['addresses in two cases', 'A@Example.com', 'a@example.COM', email],
  ] as const)('for %s', (_, marketo, dynamics, reading) => {
    expect(saysTheSame(marketo, dynamics, reading)).toBe(true);
  });

  test.each([
    ['zero and a blank', 0, null, plain],
    ['yes and a blank', true, null, plain],
    ['text in two cases', 'Jana', 'jana', plain],
    ['text with a space more', 'Jana', 'Jana ', plain],
    ['moments a second apart', '2026-01-05T09:12:44Z', '2026-01-05T09:12:45Z', plain],
    ['neighbouring days', '2026-01-05', '2026-01-06', plain],
    ['an option and another label', 'Cold', 1, labelled],
    ['an option without a label and text', 'Hot', 2, labelled],
    ['a label and no option', 'Lukewarm', null, labelled],
    ['text and a number', 'ten', 10, plain],
    ['two addresses', 'a@example.com', 'b@example.com', email],
  ] as const)('not for %s', (_, marketo, dynamics, reading) => {
    expect(saysTheSame(marketo, dynamics, reading)).toBe(false);
  });
});
