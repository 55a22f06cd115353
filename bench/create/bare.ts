import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { FIELD_PAIRS } from '../../simulators/population/index.js';
import { dynamicsToken } from '../dynamics-token.js';
import type { Stack } from './stack.js';

const token = z.object({ access_token: z.string() });
const page = z.object({ result: z.array(z.record(z.string(), z.unknown())).length(1) });

/** Every field that the default selection syncs with leads: what a request reads, too. */
const FIELDS = FIELD_PAIRS.flatMap(({ marketo, lead }) => (lead === undefined ? [] : [{ marketo, lead }]));

/** The least that anybody can do: read the person in Marketo, make the row in Dynamics. Answers the row's id. */
export type BareCreate = (marketoId: number) => Promise<string>;

/** Signs in to both once, as whoever makes many calls does. */
export const signIn = async ({ env }: Stack): Promise<BareCreate> => {
  const [marketo, dynamics] = await Promise.all([marketoToken(env), dynamicsToken(env)]);
  return async (marketoId) => {
    const person = await readPerson(env, marketo, marketoId);
    const id = randomUUID();
    const answer = await fetch(`${variable(env, 'DATAVERSE_URL')}/api/data/v9.2/leads(${id})`, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${dynamics}`,
        'content-type': 'application/json',
        'odata-version': '4.0',
        'if-none-match': '*',
      },
      body: JSON.stringify(rowOf(person)),
    });
    if (!answer.ok)
      throw new Error(`the bare creation was answered ${answer.status}: ${await answer.text()}`);
    await answer.arrayBuffer();
    return id;
  };
};

type Variables = Stack['env'];

const variable = (env: Variables, name: string): string => env[name] ?? '';

const readPerson = async (env: Variables, bearer: string, id: number): Promise<Record<string, unknown>> => {
  const query = new URLSearchParams({
    ...{ filterType: 'id', filterValues: String(id) },
    fields: ['id', ...FIELDS.map(({ marketo }) => marketo)].join(','),
  });
  const answer = await fetch(`${variable(env, 'MARKETO_ENDPOINT')}/v1/leads.json?${query.toString()}`, {
    headers: { authorization: `Bearer ${bearer}` },
  });
  const { result } = page.parse(await answer.json());
  return result[0] ?? {};
};

const rowOf = (person: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    FIELDS.flatMap(({ marketo, lead }) => {
      const value = person[marketo];
      return typeof value === 'string' && value !== '' ? [[lead, value] as const] : [];
    }),
  );

const marketoToken = async (env: Variables): Promise<string> => {
  const query = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: variable(env, 'MARKETO_CLIENT_ID'),
    client_secret: variable(env, 'MARKETO_CLIENT_SECRET'),
  });
  const answer = await fetch(`${variable(env, 'MARKETO_IDENTITY')}/oauth/token?${query.toString()}`);
  return token.parse(await answer.json()).access_token;
};
