import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { environmentJsonSchema, syncConfigJsonSchema } from '../../config/schema-json.js';

/** As `npm run format` leaves it. */
const written = (schema: object): Promise<string> =>
  format(JSON.stringify(schema, null, 2), { parser: 'json', printWidth: 110 });

describe('the JSON Schemas that editors read (`npx vitest run test/config -u` writes them)', () => {
  it('of sync.config.yaml is what the code reads', async () => {
    await expect(await written(syncConfigJsonSchema())).toMatchFileSnapshot(
      '../../config/sync.config.schema.json',
    );
  });

  it('of the environment is what the code reads', async () => {
    await expect(await written(environmentJsonSchema())).toMatchFileSnapshot(
      '../../config/environment.schema.json',
    );
  });

  it('accepts the field selection of a new installation, and no unknown key', () => {
    const validate = new Ajv2020().compile(syncConfigJsonSchema());
    const config = parse(readFileSync('sync.config.yaml', 'utf8')) as object;
    expect(validate(config)).toBe(true);
    expect(validate({ ...config, onMarketoDeleted: 'keep' })).toBe(false);
  });

  it('names no default or example that is a secret', () => {
    const { properties } = environmentJsonSchema() as { properties: Record<string, object> };
    for (const name of ['MARKETO_CLIENT_SECRET', 'DATAVERSE_CLIENT_SECRET', 'DATABASE_URL']) {
      expect(properties[name]).not.toHaveProperty('default');
    }
  });
});
