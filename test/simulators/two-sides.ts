import Fastify from 'fastify';
import { onTestFinished } from 'vitest';

type Fields = Record<string, string | number | boolean | null>;

/** The administrative doors of both simulators over records in memory, for tests of what walks through them. */
export interface TwoSides {
  /** Both doors are served by one server. */
  readonly origin: string;
  readonly persons: Map<number, Fields>;
  readonly leads: Map<string, Fields>;
  readonly contacts: Map<string, Fields>;
  /** Every call that changed something, `PATCH /admin/persons/7` and its body. */
  readonly calls: { readonly call: string; readonly body: unknown }[];
  /** Answers 500 to the next so many calls. */
  failing: number;
}

interface Call {
  Params: { table: 'leads' | 'contacts'; id: string };
  Querystring: { after?: string; afterId?: string; limit: string };
  Body: Fields & { input: Fields[] };
}

export async function twoSides(
  given: { persons?: Fields[]; leads?: Fields[]; contacts?: Fields[] } = {},
): Promise<TwoSides> {
  const server = Fastify();
  const sides: TwoSides = {
    origin: '',
    persons: new Map(given.persons?.map((person) => [Number(person['id']), person])),
    leads: new Map(given.leads?.map((row) => [String(row['leadid']), row])),
    contacts: new Map(given.contacts?.map((row) => [String(row['contactid']), row])),
    calls: [],
    failing: 0,
  };
  server.addHook('preHandler', async (request, reply) => {
    if (request.method !== 'GET')
      sides.calls.push({ call: `${request.method} ${request.url}`, body: request.body });
    if (sides.failing > 0) {
      sides.failing -= 1;
      await reply.status(500).send({ error: 'out of order' });
    }
  });

  server.get<Call>('/admin/persons', ({ query }) => {
    const limit = Number(query.limit);
    const page = [...sides.persons].filter(([id]) => id > Number(query.afterId)).slice(0, limit);
    return { persons: page.map(([, one]) => one), next: page.length < limit ? null : page.at(-1)?.[0] };
  });
  server.patch<Call>('/admin/persons/:id', ({ params, body }, reply) => {
    const person = sides.persons.get(Number(params.id));
    return person === undefined ? reply.status(404).send({}) : Object.assign(person, body);
  });
  server.delete<Call>('/admin/persons/:id', ({ params }, reply) =>
    reply.status(sides.persons.delete(Number(params.id)) ? 204 : 404).send(),
  );
  server.post<{ Body: { values: Fields } }>('/admin/forms/fill', ({ body: { values } }) => {
    const known = [...sides.persons].find(([, { email }]) => email === values['email']);
    const id = known?.[0] ?? Math.max(0, ...sides.persons.keys()) + 1;
    sides.persons.set(id, { ...known?.[1], ...values, id });
    return { id, created: known === undefined };
  });
  server.get<Call>('/admin/rows/:table', ({ params, query }) => {
    const all = [...sides[params.table]].sort(([a], [b]) => (a < b ? -1 : 1));
    const limit = Number(query.limit);
    const page = all.filter(([id]) => id > (query.after ?? '')).slice(0, limit);
    return { rows: page.map(([, one]) => one), next: page.length < limit ? null : page.at(-1)?.[0] };
  });
  server.post<Call>('/admin/rows/:table', ({ params, body }) => {
    const ids = body.input.map((row) => {
      const id = `00000000-0000-4000-8000-${String(sides[params.table].size).padStart(12, '0')}`;
      sides[params.table].set(id, { ...row, [`${params.table.slice(0, -1)}id`]: id });
      return id;
    });
    return { ids };
  });
  server.patch<Call>('/admin/rows/:table/:id', ({ params, body }, reply) => {
    const row = sides[params.table].get(params.id);
    return row === undefined ? reply.status(404).send({}) : Object.assign(row, body);
  });
  server.delete<Call>('/admin/rows/:table/:id', ({ params }, reply) =>
    reply.status(sides[params.table].delete(params.id) ? 204 : 404).send(),
  );
  const origin = await server.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.close());
  return Object.assign(sides, { origin });
}
