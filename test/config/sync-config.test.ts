import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../config/configuration-error.js';
import { DEFAULT_CONFIG } from '../../config/default-config.js';
import { parseSyncConfig, readSyncConfig } from '../../config/sync-config.js';

const problems = (text: string): readonly string[] => told(() => parseSyncConfig(text, 'sync.config.yaml'));

function told(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

const rows = (...lines: readonly string[]): string =>
  `fields:\n${lines.map((line) => `  - ${line}\n`).join('')}`;
const GOOD = '{ marketo: firstName, lead: firstname }';

describe('sync.config.yaml', () => {
  it('needs no more than fields; the rest has defaults', () => {
    expect(parseSyncConfig(rows('{ marketo: firstName, lead: firstname, contact: firstname }'), 'f')).toEqual(
      {
        fields: [
          {
            marketo: 'firstName',
            lead: 'firstname',
            contact: 'firstname',
            direction: 'both',
            consent: false,
          },
        ],
        scope: {},
        onMarketoDelete: 'keep',
        budget: {
          marketo: { share: 0.5, dailyQuota: 50_000, dailyReserve: 5_000 },
          dynamics: { share: 0.8 },
        },
        guard: { clears: 0.1, deletes: 0.1, writes: 0.5, sameValue: 0.25, atLeast: 100 },
        ledger: { months: 12 },
        timing: { overlap: 300_000, doubt: 120_000, call: 300_000, takeover: 30_000, probe: 3_600_000 },
        reconciliation: { every: 7 * 86_400_000, callsPerMinute: 30 },
      },
    );
  });

  it('may say everything', () => {
    const text = `${rows('{ marketo: leadScore, contact: new_score, direction: toDynamics }')}
scope: { lead: new_synctomkto, person: syncExcluded }
stampColumn: new_marketostamp
onMarketoDelete: recreate
budget: { marketo: { share: 1, dailyQuota: 20000, dailyReserve: 500 } }
reconciliation: { every: off, callsPerMinute: 5 }
timing: { overlap: 10m }
guard: { clears: 5%, deletes: 0.5%, writes: off, sameValue: 100%, atLeast: 20 }
ledger: { months: 3 }
`;
    expect(parseSyncConfig(text, 'f')).toEqual({
      fields: [{ marketo: 'leadScore', contact: 'new_score', direction: 'toDynamics', consent: false }],
      scope: { lead: 'new_synctomkto', person: 'syncExcluded' },
      stampColumn: 'new_marketostamp',
      onMarketoDelete: 'recreate',
      budget: {
        marketo: { share: 1, dailyQuota: 20_000, dailyReserve: 500 },
        dynamics: { share: 0.8 },
      },
      guard: { clears: 0.05, deletes: 0.005, writes: null, sameValue: 1, atLeast: 20 },
      ledger: { months: 3 },
      timing: { overlap: 600_000, doubt: 120_000, call: 300_000, takeover: 30_000, probe: 3_600_000 },
      reconciliation: { every: null, callsPerMinute: 5 },
    });
  });

  it('takes opt-outs for consent by their name, unless it says otherwise', () => {
    const text = rows(
      '{ marketo: unsubscribed, lead: donotbulkemail }',
      '{ marketo: doNotCall, lead: donotphone }',
      '{ marketo: doNotFax, lead: donotfax, consent: false }',
      '{ marketo: unsubscribedReason, lead: description }',
      '{ marketo: newsletterOptOut, lead: donotemail, consent: true }',
    );
    expect(parseSyncConfig(text, 'f').fields.map(({ consent }) => consent)).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
  });
});

describe('the guard on mass change', () => {
  it('is off where the file says so', () => {
    expect(parseSyncConfig(`${rows(GOOD)}guard: off\n`, 'f').guard).toBeNull();
  });
});

describe('each mistake gives one message with file, line and key:', () => {
  it.each([
    [
      'an unknown key',
      `${rows(GOOD)}onMarketoDeleted: keep\n`,
      '3:1: onMarketoDeleted: unknown key. Did you mean "onMarketoDelete"?',
    ],
    [
      'a key far from any',
      `${rows(GOOD)}colour: red\n`,
      '3:1: colour: unknown key. Known are fields, scope, stampColumn, onMarketoDelete, budget, reconciliation, timing, guard, ledger.',
    ],
    [
      'a flag that is synced as a field',
      `${rows('{ marketo: optIn, lead: new_optin }')}scope: { lead: new_optin }\n`,
      '3:10: scope.lead: new_optin is synced as a field at sync.config.yaml:2:23: a flag of the filter cannot be, because nothing is written to a record that it leaves out.',
    ],
    [
      'a stamp column that is synced as a field',
      `${rows('{ marketo: note, contact: new_note }')}stampColumn: new_note\n`,
      "3:1: stampColumn: new_note is synced as a field at sync.config.yaml:2:22: the stamp column is the sync's own.",
    ],
    [
      'a stamp column by its display name',
      `${rows(GOOD)}stampColumn: Marketo Stamp\n`,
      '3:1: stampColumn: must be the logical name of a column: lower-case letters, digits and "_".',
    ],
    [
      'a flag of our own',
      `${rows(GOOD)}scope: { person: dynamicsDeleted }\n`,
      '3:10: scope.person: dynamicsDeleted is kept by the sync itself and cannot be a flag.',
    ],
    [
      'an unknown flag',
      `${rows(GOOD)}scope: { leads: new_optin }\n`,
      '3:10: scope.leads: unknown key. Did you mean "lead"?',
    ],
    [
      'an unknown key in a row',
      rows('{ marketo: title, led: jobtitle, contact: jobtitle }'),
      '2:23: fields[0].led: unknown key. Did you mean "lead"?',
    ],
    [
      'an unknown key further in',
      `${rows(GOOD)}budget: { marketo: { shares: 1 } }\n`,
      '3:22: budget.marketo.shares: unknown key. Did you mean "share"?',
    ],
    [
      'no person field',
      rows('{ lead: jobtitle }'),
      '2:5: fields[0].marketo: is missing: name the person field by its REST name.',
    ],
    [
      'no column',
      rows(GOOD, '{ marketo: title }'),
      '3:5: fields[1]: has neither lead nor contact: name at least one column.',
    ],
    ['a wrong type', rows('{ marketo: title, lead: 3 }'), '2:23: fields[0].lead: must be a text; it is 3.'],
    [
      'a wrong truth',
      rows('{ marketo: title, lead: jobtitle, consent: "yes" }'),
      '2:39: fields[0].consent: must be true or false; it is "yes".',
    ],
    [
      'an empty value',
      rows('{ marketo: title, lead: }'),
      '2:23: fields[0].lead: must be a text; it is empty.',
    ],
    [
      'a wrong direction',
      rows('{ marketo: title, lead: jobtitle, direction: toMarketto }'),
      '2:39: fields[0].direction: must be both, toMarketo, toDynamics; it is "toMarketto". Did you mean "toMarketo"?',
    ],
    [
      'a wrong choice',
      `${rows(GOOD)}onMarketoDelete: forget\n`,
      '3:1: onMarketoDelete: must be keep, recreate; it is "forget".',
    ],
    [
      'a threshold without its percent sign',
      `${rows(GOOD)}guard: { clears: "10" }\n`,
      '3:10: guard.clears: "10" is no percentage. Write a number above 0, at most 100, and a percent sign (10%), or off.',
    ],
    [
      'a threshold that is a number',
      `${rows(GOOD)}guard: { deletes: 0.1 }\n`,
      '3:10: guard.deletes: must be a text; it is 0.1.',
    ],
    [
      'an unknown threshold',
      `${rows(GOOD)}guard: { deleted: 10% }\n`,
      '3:10: guard.deleted: unknown key. Did you mean "deletes"?',
    ],
    [
      'a floor of nothing',
      `${rows(GOOD)}guard: { atLeast: 0 }\n`,
      '3:10: guard.atLeast: must be a whole number of records, at least 1.',
    ],
    [
      'a guard that is neither off nor thresholds',
      `${rows(GOOD)}guard: on\n`,
      '3:1: guard: must be off, or a map of keys; it is "on".',
    ],
    [
      'a display name for a field',
      rows('{ marketo: First Name, lead: firstname }'),
      '2:7: fields[0].marketo: must be the REST name of a person field: letters, digits and "_".',
    ],
    [
      'a schema name for a column',
      rows('{ marketo: title, lead: JobTitle }'),
      '2:23: fields[0].lead: must be the logical name of a column: lower-case letters, digits and "_".',
    ],
    [
      'two rows for one column',
      rows(GOOD, '{ marketo: middleName, lead: firstname }'),
      '3:28: fields[1].lead: the lead column firstname is already mapped at sync.config.yaml:2:27.',
    ],
    [
      'two rows for one field',
      rows(GOOD, '{ marketo: firstName, contact: firstname }'),
      '3:7: fields[1].marketo: the person field firstName is already mapped at sync.config.yaml:2:7.',
    ],
    [
      'a reserved field',
      rows('{ marketo: dynamicsId, lead: subject }'),
      '2:7: fields[0].marketo: dynamicsId is kept by the sync itself and cannot be selected.',
    ],
    [
      'a reserved column',
      rows('{ marketo: title, contact: contactid }'),
      '2:23: fields[0].contact: contactid is the key of the row; the sync keeps it in dynamicsId by itself.',
    ],
    [
      'an opt-out of the opposite sense',
      rows('{ marketo: unsubscribed, lead: followemail }'),
      '2:30: fields[0].lead: followemail means the opposite of an opt-out: map donotbulkemail or donotemail instead.',
    ],
    [
      'a share of nothing',
      `${rows(GOOD)}budget:\n  dynamics:\n    share: 0\n`,
      '5:5: budget.dynamics.share: must be more than 0 and at most 1.',
    ],
    [
      'a share as a text',
      `${rows(GOOD)}budget: { dynamics: { share: half } }\n`,
      '3:23: budget.dynamics.share: must be a number; it is "half".',
    ],
    [
      'a reserve that leaves nothing of the day',
      `${rows(GOOD)}budget: { marketo: { dailyQuota: 400, dailyReserve: 400 } }\n`,
      '3:39: budget.marketo.dailyReserve: must be less than dailyQuota: nothing is left for the cycle.',
    ],
    [
      'a day without a call',
      `${rows(GOOD)}budget: { marketo: { dailyQuota: 0 } }\n`,
      '3:22: budget.marketo.dailyQuota: must be a whole number of calls, at least 1.',
    ],
    [
      'a part of a call',
      `${rows(GOOD)}budget: { marketo: { dailyQuota: 0.5 } }\n`,
      '3:22: budget.marketo.dailyQuota: must be a whole number; it is 0.5.',
    ],
    [
      'a duration without a unit',
      `${rows(GOOD)}timing: { overlap: "5" }\n`,
      '3:11: timing.overlap: "5" is not a duration. Write a number and a unit: 30s, 5m, 1h.',
    ],
    [
      'a number for a duration',
      `${rows(GOOD)}timing: { doubt: 2 }\n`,
      '3:11: timing.doubt: must be a text; it is 2.',
    ],
    ['no fields', 'onMarketoDelete: keep\n', '1:1: fields: is missing: list the fields to sync.'],
    ['an empty list of fields', 'fields: []\n', '1:1: fields: must have at least one field.'],
    [
      'a map for a list',
      'fields: { title: jobtitle }\n',
      '1:1: fields: must be a list; it is a map of keys.',
    ],
    ['a word for a row', rows('title'), '2:5: fields[0]: must be a map of keys; it is "title".'],
    ['an empty file', '# nothing\n', '1:1: must be a map of keys; it is empty.'],
    ['a key given twice', `${rows(GOOD)}timing: {}\ntiming: {}\n`, '4:1: Map keys must be unique'],
  ])('%s', (_mistake, text, message) => {
    expect(problems(text)).toEqual([`sync.config.yaml:${message}`]);
  });

  it.each([
    ['a broken line', 'fields:\n  - { marketo: title\nx: 1\n', /^sync\.config\.yaml:3:\d+: /],
    [
      'an alias without an anchor',
      rows('{ marketo: title, lead: *none }'),
      /^sync\.config\.yaml:1:1: Unresolved alias/,
    ],
  ])('%s', (_mistake, text, message) => {
    expect(problems(text)[0]).toMatch(message);
  });

  it('a file that is not there', () => {
    expect(told(() => readSyncConfig('/no/such/sync.config.yaml'))).toEqual([
      '/no/such/sync.config.yaml: ENOENT. Run "contact-sync setup" to write one, or set SYNC_CONFIG to its path.',
    ]);
  });

  it('and all of them together are listed at once', () => {
    const text = `${rows('{ marketo: id, lead: firstname }', '{ lead: 3 }', '{ marketo: title, lead: firstname }')}x: 1\n`;
    expect(problems(text).map((problem) => problem.split(': ')[1])).toEqual([
      'fields[1].marketo',
      'fields[1].lead',
      'x',
      'fields[0].marketo',
      'fields[2].lead',
    ]);
  });
});

describe('the field selection of a new installation', () => {
  it('is the file in the root', () => {
    expect(readFileSync('sync.config.yaml', 'utf8')).toBe(DEFAULT_CONFIG);
  });

  it('can be read, with the defaults written out', () => {
    const { fields, ...rest } = readSyncConfig('sync.config.yaml');
    const plain = parseSyncConfig(rows(GOOD), 'f');
    expect({ ...rest, fields: plain.fields }).toEqual(plain);
    expect(fields.map(({ marketo }) => marketo)).toContain('email');
    expect(fields.filter(({ consent }) => consent).map(({ marketo }) => marketo)).toEqual([
      'unsubscribed',
      'doNotCall',
    ]);
  });
});
