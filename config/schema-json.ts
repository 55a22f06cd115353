import { z } from 'zod';
import { environmentSchema } from './environment-schema.js';
import { syncConfigSchema } from './sync-config-schema.js';

/** JSON Schema of `sync.config.yaml` as it is written, for editors: `config/sync.config.schema.json`. */
export const syncConfigJsonSchema = (): object => jsonSchema(syncConfigSchema, 'sync.config.yaml');

/** JSON Schema of the environment, all of it text: `config/environment.schema.json`. */
export const environmentJsonSchema = (): object =>
  jsonSchema(environmentSchema, 'Environment of Contact Sync');

const jsonSchema = (schema: z.ZodType, title: string): object => ({
  title,
  ...z.toJSONSchema(schema, { io: 'input' }),
});
