import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { personById } from '../admin.js';
import {
  addField,
  addPartition,
  addService,
  enterRecords,
  mergePersons,
  movePerson,
  shownRecords,
} from '../administration.js';
import { COMPANY, SALES_PERSON } from '../companies/external-kinds.js';
import { DATA_TYPES } from '../fields/field.js';
import type { Instance } from '../instance.js';
import { PERMISSIONS } from '../access/permissions.js';

const text = z.string().min(1);
const whole = z.int().positive();
const withId = z.object({ id: z.string() });
const mergeSchema = z.strictObject({ losers: z.array(whole).min(1) });
const moveSchema = z.strictObject({ partition: text });
const partitionSchema = z.strictObject({ name: text, description: z.string().default('') });
const fieldSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z]\w*$/, 'starts with a letter; letters, digits and underscores'),
  displayName: text,
  dataType: z.enum(DATA_TYPES),
  description: z.string().optional(),
  formula: text.optional(),
});
const serviceSchema = z.strictObject({
  clientId: text,
  clientSecret: text,
  user: text.optional(),
  permissions: z.array(z.enum(PERMISSIONS)).optional(),
});
const useSchema = z.strictObject({
  calls: whole,
  user: text.default('other-integration@example.com'),
  justNow: z.boolean().default(false),
});
const recordsSchema = z.strictObject({ input: z.array(z.record(z.string(), z.unknown())) });

/** What the administrative door has besides persons, journal, faults and settings. */
export function adminSurroundings(app: FastifyInstance, instance: Instance): void {
  personsTogether(app, instance);
  app.get('/partitions', () => ({ partitions: instance.partitions.all() }));
  app.post('/partitions', (request) => {
    const { name, description } = partitionSchema.parse(request.body);
    return { partition: addPartition(instance, name, description) };
  });
  app.post('/fields', (request) => ({ field: addField(instance, fieldSchema.parse(request.body)) }));
  externalRecords(app, instance);
  otherClients(app, instance);
}

function personsTogether(app: FastifyInstance, instance: Instance): void {
  const shown = (id: string) => ({ person: instance.people.record(personById(instance, id)) });
  app.post('/persons/:id/merge', (request) => {
    const { id } = withId.parse(request.params);
    mergePersons(instance, id, mergeSchema.parse(request.body).losers);
    return shown(id);
  });
  app.post('/persons/:id/partition', (request) => {
    const { id } = withId.parse(request.params);
    movePerson(instance, id, moveSchema.parse(request.body).partition);
    return shown(id);
  });
}

function externalRecords(app: FastifyInstance, instance: Instance): void {
  for (const [kind, records] of [
    [COMPANY, instance.companies],
    [SALES_PERSON, instance.salesPersons],
  ] as const) {
    app.get(`/${kind.path}`, () => ({ [kind.path]: shownRecords(records.all()) }));
    app.post(`/${kind.path}`, (request) => ({
      ids: enterRecords(instance, kind, records, recordsSchema.parse(request.body).input),
    }));
  }
}

function otherClients(app: FastifyInstance, instance: Instance): void {
  app.get('/services', () => ({
    services: instance.identity.services().map(({ id, user, permissions }) => ({
      clientId: id,
      user,
      permissions: permissions ?? instance.settings.current.permissions,
    })),
  }));
  app.post('/services', (request) => {
    const { clientId, clientSecret, user, permissions } = serviceSchema.parse(request.body);
    const role = permissions === undefined ? {} : { permissions };
    const service = { id: clientId, secret: clientSecret, user: user ?? `${clientId}@services.example` };
    addService(instance, { ...service, ...role });
    return { clientId, user: service.user };
  });
  app.post('/usage', (request) => {
    const { calls, user, justNow } = useSchema.parse(request.body);
    instance.meter.useByOthers(user, calls, justNow);
    return {};
  });
}
