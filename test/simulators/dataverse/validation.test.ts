import { describe, expect, it } from 'vitest';
import { id, startSim } from './client.js';

const path = `leads(${id(1)})`;
const leads = [{ leadid: id(1), lastname: 'Lee' }];
const onlyOld = { 'If-Match': '*' };

describe('Validating values', () => {
  it.each([
    ['a text over its length', { jobtitle: 'x'.repeat(101) }, '0x80044331'],
    ['a phone over the length that leads have', { mobilephone: '+49 170 1234567 ext 99' }, '0x80044331'],
    ['an integer out of range', { new_score: 1001 }, '0x8004432f'],
    ['a number out of range', { revenue: -1 }, '0x80044330'],
    ['an unknown option', { leadsourcecode: 99 }, '0x8004431a'],
    ['an unknown option among several', { new_interests: '1,77' }, '0x8004431a'],
    ['several options that are none', { new_interests: 'a;b' }, '0x80044354'],
    ['a number for a text', { jobtitle: 5 }, '0x80048d19'],
    ['a text for an option', { leadsourcecode: 'Web' }, '0x80048d19'],
    ['a fraction for an integer', { new_score: 1.5 }, '0x80048d19'],
    ['a text for a boolean', { donotbulkemail: 'true' }, '0x80048d19'],
    ['a time in a day', { estimatedclosedate: '2026-01-05T00:00:00Z' }, '0x80048d19'],
    ['a day that does not exist', { estimatedclosedate: '2026-02-30' }, '0x80048d19'],
    ['a date-time that is none', { new_lastdemoon: 'soon' }, '0x80048d19'],
    ['an empty text for a number', { new_score: '' }, '0x80048d19'],
    ['a day before the calendar of the product', { estimatedclosedate: '1752-12-31' }, '0x80040239'],
    ['a column that the system requires, cleared', { 'ownerid@odata.bind': null }, '0x80040200'],
  ])('refuses %s', async (_what, body, code) => {
    const sim = await startSim({ leads });
    expect(await sim.api('PATCH', path, body, onlyOld)).toMatchObject({ status: 400, code });
  });

  it('names column, table and length in the words of the product', async () => {
    const sim = await startSim({ leads });
    const answer = await sim.api('PATCH', path, { jobtitle: 'x'.repeat(101) }, onlyOld);
    expect(answer.message).toBe(
      "A validation error occurred.  The length of the 'jobtitle' attribute of the 'lead' entity exceeded the maximum allowed length of '100'.",
    );
  });

  it('writes nothing of a payload with one bad value', async () => {
    const sim = await startSim({ leads });
    await sim.api('PATCH', path, { firstname: 'Kim', new_score: 5000 }, onlyOld);
    expect((await sim.api('GET', path)).json).toMatchObject({ firstname: null, new_score: null });
  });

  it('requires what the system requires, not what screens require', async () => {
    const sim = await startSim();
    expect((await sim.api('POST', 'leads', { firstname: 'only' })).status).toBe(204);
  });

  it('keeps date-times in UTC, whole seconds', async () => {
    const sim = await startSim({ leads });
    await sim.api('PATCH', path, { new_lastdemoon: '2026-01-05T10:12:44.567+01:00' }, onlyOld);
    expect((await sim.api('GET', path)).json['new_lastdemoon']).toBe('2026-01-05T09:12:44Z');
  });

  it('follows lengths and options as an administrator changes them', async () => {
    const sim = await startSim({ leads });
    await sim.admin('PATCH', '/columns/lead/jobtitle', { maxLength: 5 });
    await sim.admin('PATCH', '/columns/lead/leadsourcecode', { options: [{ value: 77, label: 'Fair' }] });
    expect((await sim.api('PATCH', path, { jobtitle: 'Boss 1' }, onlyOld)).code).toBe('0x80044331');
    expect((await sim.api('PATCH', path, { leadsourcecode: 8 }, onlyOld)).code).toBe('0x8004431a');
    expect((await sim.api('PATCH', path, { leadsourcecode: 77 }, onlyOld)).status).toBe(204);
  });
});

describe("A customer's plug-in", () => {
  it.each([
    [{ jobtitle: 'Senior test robot' }, /^Job titles with 'Test Robot' are not allowed/],
    [{ lastname: 'Blocked' }, /stop list/],
  ])('refuses %o in its own words', async (body, message) => {
    const sim = await startSim({ leads });
    const answer = await sim.api('PATCH', path, body, onlyOld);
    expect(answer).toMatchObject({ status: 400, code: '0x80040265' });
    expect(answer.message).toMatch(message);
    expect((await sim.api('POST', 'contacts', body)).code).toBe('0x80040265');
  });

  it('lets through what does not touch its column, on a row that breaks the rule already', async () => {
    const sim = await startSim({ leads: [{ leadid: id(1), jobtitle: 'Test Robot' }] });
    expect((await sim.api('PATCH', path, { firstname: 'R2' }, onlyOld)).status).toBe(204);
  });

  it('can be given other rules, also ones about what must be there on creation', async () => {
    const sim = await startSim({ leads });
    const rules = [
      { table: 'lead', column: 'companyname', requiredOnCreate: true, message: 'Company, please.' },
    ];
    await sim.admin('PUT', '/rules', { rules });
    expect(await sim.api('POST', 'leads', { lastname: 'X' })).toMatchObject({
      code: '0x80040265',
      message: 'Company, please.',
    });
    expect((await sim.api('POST', 'contacts', { lastname: 'Blocked' })).status).toBe(204);
    expect((await sim.api('PATCH', path, { companyname: null }, onlyOld)).status).toBe(204);
  });
});

describe('The details of a refusal', () => {
  const every = { Prefer: 'odata.include-annotations="*"' };
  const prefix = '@Microsoft.PowerApps.CDS.ErrorDetails';

  it('come with all annotations, as texts that name the kind of refusal', async () => {
    const sim = await startSim();
    const plain = await sim.api('POST', 'leads', { lastname: 'x'.repeat(60) });
    expect(Object.keys(plain.json['error'] as object)).toEqual(['code', 'message']);
    const { json } = await sim.api('POST', 'leads', { lastname: 'x'.repeat(60) }, every);
    const error = json['error'] as Record<string, unknown>;
    expect(error).toMatchObject({
      [`${prefix}.ApiExceptionCategory`]: 'ClientError',
      [`${prefix}.ApiExceptionMessageName`]: 'StringLengthTooLong',
      [`${prefix}.ApiExceptionHttpStatusCode`]: '400',
      '@Microsoft.PowerApps.CDS.InnerError.Message': error['message'],
    });
    expect(Object.values(error).every((value) => typeof value === 'string')).toBe(true);
  });

  it("name the plug-in and its own status for a customer's refusal", async () => {
    const sim = await startSim();
    const { json } = await sim.api('POST', 'leads', { lastname: 'Blocked' }, every);
    expect(json['error']).toMatchObject({
      [`${prefix}.ApiExceptionMessageName`]: 'IsvAborted',
      [`${prefix}.ApiExceptionSourceKey`]: expect.stringMatching(/^Plugin\/Contoso/) as unknown,
      [`${prefix}.OperationStatus`]: '0',
    });
  });
});
