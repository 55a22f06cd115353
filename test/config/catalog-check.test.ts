import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { checkAgainstCatalog } from '../../config/catalog-check.js';
import { loadSyncConfig } from '../../config/sync-config.js';
import type { Catalog } from '../../rules/catalog.js';
import { codecFor, meets } from '../../rules/codecs/index.js';
import { column, person } from '../rules/schema.js';
import { PAIRS } from '../rules/type-pairs.js';

const folder = mkdtempSync(join(tmpdir(), 'selection-'));
const file = join(folder, 's.yaml');
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const jobtitle = column('string', { name: 'jobtitle' });
const catalog: Catalog = {
  marketo: { title: person('string', { name: 'title' }), birthday: person('datetime', { name: 'birthday' }) },
  dynamics: {
    lead: { jobtitle },
    contact: { jobtitle, birthdate: column('dateOnly', { name: 'birthdate' }) },
  },
};

const check = (...lines: readonly string[]): readonly string[] => checkIn(catalog, ...lines);

function checkIn(schemas: Catalog, ...lines: readonly string[]): readonly string[] {
  writeFileSync(file, `fields:\n${lines.map((line) => `  - ${line}\n`).join('')}`);
  const { config, positions } = loadSyncConfig(file);
  return checkAgainstCatalog(config, schemas, positions);
}

it('a selection that both schemas know has no problem', () => {
  expect(check('{ marketo: title, lead: jobtitle, contact: jobtitle }')).toEqual([]);
});

it('a flag of the record filter that is not there, or says more than Yes and No, is told with file, line and key', () => {
  const flag = column('boolean', { name: 'new_synctomkto' });
  const schemas: Catalog = {
    marketo: { ...catalog.marketo, syncExcluded: person('boolean', { name: 'syncExcluded' }) },
    dynamics: { lead: { jobtitle, new_synctomkto: flag }, contact: catalog.dynamics.contact },
  };
  const selection = (scope: string): readonly string[] => {
    writeFileSync(file, `fields:\n  - { marketo: title, lead: jobtitle }\nscope: ${scope}\n`);
    const { config, positions } = loadSyncConfig(file);
    return checkAgainstCatalog(config, schemas, positions);
  };
  expect(selection('{ lead: new_synctomkto, person: syncExcluded }')).toEqual([]);
  expect(selection('{ lead: new_syncmkto, contact: jobtitle, person: syncExclude }')).toEqual([
    `${file}:3:10: scope.lead: the Dynamics table lead has no column "new_syncmkto". Did you mean "new_synctomkto"?`,
    `${file}:3:30: scope.contact: jobtitle is of type string; a flag has to be of type boolean.`,
    `${file}:3:49: scope.person: Marketo shows our API user no person field "syncExclude". Did you mean "syncExcluded"?`,
  ]);
});

it('a stamp column that is missing on a table, or does not take a stamp, is told with file, line and key', () => {
  const stamps: Catalog = {
    ...catalog,
    dynamics: {
      lead: { jobtitle, new_stamp: column('string', { name: 'new_stamp', maxLength: 20 }) },
      contact: { new_marketostamp: column('memo', { name: 'new_marketostamp' }) },
    },
  };
  const selected = (name: string): readonly string[] => {
    writeFileSync(file, `fields:\n  - { marketo: title, lead: jobtitle }\nstampColumn: ${name}\n`);
    const { config, positions } = loadSyncConfig(file);
    return checkAgainstCatalog(config, stamps, positions);
  };
  expect(selected('new_stamp')).toEqual([
    `${file}:3:1: stampColumn: lead.new_stamp takes 20 characters; a stamp needs 36.`,
    `${file}:3:1: stampColumn: the Dynamics table contact has no column "new_stamp".`,
  ]);
  expect(selected('new_marketostamp')).toEqual([
    `${file}:3:1: stampColumn: the Dynamics table lead has no column "new_marketostamp".`,
    `${file}:3:1: stampColumn: contact.new_marketostamp is of type memo; a stamp needs a line of text.`,
  ]);
});

it('each field and column that does not exist, and each pair that cannot meet, is told with file, line and key', () => {
  expect(
    check(
      '{ marketo: titel, lead: jobtitle }',
      '{ marketo: title, lead: job_title }',
      '{ marketo: birthday, contact: birthdate }',
    ),
  ).toEqual([
    `${file}:2:7: fields[0].marketo: Marketo shows our API user no person field "titel". Did you mean "title"?`,
    `${file}:3:23: fields[1].lead: the Dynamics table lead has no column "job_title". Did you mean "jobtitle"?`,
    `${file}:4:26: fields[2].contact: the types cannot meet: birthday (datetime) and birthdate (dateOnly): a day and a moment differ by time zone, so the day would shift for some people. Map birthdate to a field of type date, or birthday to a column of type datetime.`,
  ]);
});

it('every pair of types that cannot meet is told at its own line, with its reason and what to do', () => {
  const refused = PAIRS.flatMap(({ marketo, dynamics, reason }) => {
    const name = `${marketo}_${dynamics.toLowerCase()}`;
    return reason === undefined
      ? []
      : [{ field: person(marketo, { name: `f_${name}` }), column: column(dynamics, { name: `c_${name}` }) }];
  });
  const lines = refused.map((each) => `{ marketo: ${each.field.name}, lead: ${each.column.name} }`);
  const found = checkIn(
    {
      marketo: Object.fromEntries(refused.map(({ field }) => [field.name, field])),
      dynamics: {
        lead: Object.fromEntries(refused.map((pair) => [pair.column.name, pair.column])),
        contact: {},
      },
    },
    ...lines,
  );
  expect(found).toHaveLength(refused.length);
  refused.forEach((pair, at) => {
    const codec = codecFor(pair.field, pair.column);
    const reason = meets(codec) ? '' : codec.cannotMeet;
    const place = `${file}:${at + 2}:${(lines[at]?.indexOf('lead:') ?? 0) + 5}`;
    expect(found[at]).toBe(`${place}: fields[${at}].lead: the types cannot meet: ${reason}`);
  });
});

it('names that every object has are not taken for fields', () => {
  expect(check('{ marketo: constructor, lead: valueof }')).toHaveLength(2);
});
