import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import {
  AdminRefusal,
  editPerson,
  enteredValues,
  enterPersons,
  personById,
  rawActivities,
} from '../admin.js';
import { settleInstance } from '../settle.js';
import { changeSettings } from '../administration.js';
import { faultSchema } from '../faults.js';
import type { Instance } from '../instance.js';
import { FORM_SOURCE, USER_EDIT, WEB_SERVICE } from '../activities/origins.js';
import { settingsSchema, type Settings } from '../settings.js';
import { adminAssets } from './admin-assets.js';
import { adminBulk } from './admin-bulk.js';
import { adminCampaigns } from './admin-campaigns.js';
import { adminFlowSteps } from './admin-flow-steps.js';

const MOST_BODY_BYTES = 64 * 1_048_576;
const PAGE = 1000;

const record = z.record(z.string(), z.unknown());
const personsSchema = z.strictObject({ input: z.array(record), source: z.string().optional() });
const withId = z.object({ id: z.string() });
const whole = z.coerce.number().int().nonnegative();
const pageSchema = z.object({ afterId: whole.default(0), limit: whole.default(PAGE) });
const activitySchema = z.object({ typeId: whole.optional(), leadId: whole.optional() });
const editSchema = z.object({ source: z.enum(['user', 'api']).default('user') });
const journalSchema = z.object({ after: whole.default(0) });

/** The administrative door under `/admin`: no authentication, no limits, no journal. */
export function adminDoor(app: FastifyInstance, instance: Instance): void {
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof AdminRefusal) return reply.code(error.status).send({ error: error.message });
    if (error instanceof z.ZodError) return reply.code(400).send({ error: z.prettifyError(error) });
    const { statusCode, message } = error as { statusCode?: number; message: string };
    return reply.code(statusCode ?? 500).send({ error: message });
  });
  app.setNotFoundHandler(({ method, url }, reply) =>
    reply.code(404).send({ error: `There is no ${method} ${url.split('?', 1)[0] ?? ''}` }),
  );
  parseJson(app);
  app.addHook('onRequest', (_request, _reply, done) => {
    settleInstance(instance);
    done();
  });
  persons(app, instance);
  journal(app, instance);
  faults(app, instance);
  knobs(app, instance);
  adminAssets(app, instance);
  adminCampaigns(app, instance);
  adminFlowSteps(app, instance);
  adminBulk(app, instance);
}

/** JSON whatever the content type says: `curl --data` names a form, and the door takes nothing else. */
function parseJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('*', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, text === '' ? undefined : JSON.parse(text));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      done(new AdminRefusal(400, `The body is no JSON: ${why}`));
    }
  });
}

function persons(app: FastifyInstance, instance: Instance): void {
  const { people } = instance;
  app.post('/persons', { bodyLimit: MOST_BODY_BYTES }, (request) => {
    const { input, source } = personsSchema.parse(request.body);
    return { ids: enterPersons(instance, input, source ?? FORM_SOURCE) };
  });
  app.patch('/persons/:id', (request) => {
    const origin = editSchema.parse(request.query).source === 'api' ? WEB_SERVICE : USER_EDIT;
    return {
      person: editPerson(instance, withId.parse(request.params).id, record.parse(request.body), origin),
    };
  });
  app.delete('/persons/:id', (request) => {
    people.remove(personById(instance, withId.parse(request.params).id));
    return {};
  });
  app.patch('/beneath/persons/:id', (request) => {
    const person = personById(instance, withId.parse(request.params).id);
    people.overwrite(person, enteredValues(instance, record.parse(request.body)));
    return { person: people.record(person) };
  });
  app.delete('/beneath/persons/:id', (request) => {
    people.forget(personById(instance, withId.parse(request.params).id));
    return {};
  });
  app.get('/persons/:id', (request) => ({
    person: people.record(personById(instance, withId.parse(request.params).id)),
  }));
  app.get('/persons', (request) => {
    const { afterId, limit } = pageSchema.parse(request.query);
    const found = people.table.after(afterId, limit);
    const last = found.at(-1)?.id;
    const next = last !== undefined && people.table.after(last, 1).length > 0 ? last : null;
    return { persons: found.map((person) => people.record(person)), next };
  });
  app.get('/activities', (request) => {
    const { typeId, leadId } = activitySchema.parse(request.query);
    return { activities: rawActivities(instance, typeId, leadId) };
  });
}

function journal(app: FastifyInstance, instance: Instance): void {
  app.get('/journal', (request) => instance.journal.after(journalSchema.parse(request.query).after));
  app.get('/journal/summary', () => instance.journal.summary());
  app.delete('/journal', () => {
    instance.journal.clear();
    return {};
  });
  app.get('/stats', () => ({
    persons: instance.people.table.size,
    activities: instance.log.length,
    calls: instance.journal.calls,
    writes: instance.journal.writes,
  }));
}

function faults(app: FastifyInstance, instance: Instance): void {
  app.post('/faults', (request) => ({ id: instance.faults.add(faultSchema.parse(request.body)) }));
  app.get('/faults', () => ({ faults: instance.faults.list() }));
  app.delete('/faults', () => {
    instance.faults.clear();
    return {};
  });
}

function knobs(app: FastifyInstance, instance: Instance): void {
  const { settings } = instance;
  app.get('/settings', () => settings.current);
  app.patch('/settings', (request) =>
    changeSettings(
      instance,
      // JSON has no undefined: what is not named stays.
      settingsSchema.partial().parse(request.body) as Partial<Settings>,
    ),
  );
  app.post('/tokens/expire', () => {
    instance.identity.expireAll();
    return {};
  });
}
