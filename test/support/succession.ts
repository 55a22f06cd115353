import { expect } from 'vitest';
import type { World as Whole } from './world.js';

type World = Omit<Whole, 'close' | 'empty'>;

type Table = 'leads' | 'contacts';
type Values = Readonly<Record<string, string | number | boolean | null>>;

const post = async (url: string, body: unknown): Promise<unknown> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url} answered ${String(response.status)}: ${await response.text()}`);
  return response.json();
};

/** Somebody qualifies a lead in Dynamics, into a new contact or into the one that is given; returns the contact's id. */
export const qualify = async (
  world: World,
  lead: string,
  contact?: string,
  asked: Readonly<Record<string, boolean>> = {},
): Promise<string> => {
  const { created } = (await post(`${world.dataverse}/admin/rows/leads/${lead}/qualify`, {
    createAccount: false,
    ...(contact === undefined ? {} : { contact }),
    ...asked,
  })) as { created: { table: string; id: string }[] };
  return contact ?? created.find(({ table }) => table === 'contact')?.id ?? '';
};

/** Somebody opens a closed row again. */
export const activate = async (world: World, table: Table, id: string): Promise<void> => {
  await post(`${world.dataverse}/admin/rows/${table}/${id}/activate`, {});
};

/** Somebody merges two rows in Dynamics. */
export const mergeRows = async (
  world: World,
  table: Table,
  rows: { readonly winner: string; readonly loser: string },
  content: Values = {},
): Promise<void> => {
  await post(`${world.dataverse}/admin/rows/${table}/${rows.winner}/merge`, {
    subordinate: rows.loser,
    content,
  });
};

/** Somebody merges two persons in Marketo. */
export const mergePersons = async (
  world: World,
  winner: number,
  losers: readonly number[],
): Promise<void> => {
  await post(`${world.marketo}/admin/persons/${String(winner)}/merge`, { losers });
};

/** Every person's id, in their order. */
export const personIds = async (world: World): Promise<number[]> => {
  const ids: number[] = [];
  for await (const page of world.doors.persons()) ids.push(...page.map(({ id }) => Number(id)));
  return ids;
};

/** Persons that are there now and were not before: tests of one world share nothing else. */
export const personsSince = async (world: World): Promise<() => Promise<number[]>> => {
  const known = new Set(await personIds(world));
  return async () => (await personIds(world)).filter((id) => !known.has(id));
};

/** The person that the lead had is linked to this contact, knows it, and nobody else has its e-mail. */
export const expectPairMoved = async (
  world: World,
  lead: string,
  marketoId: number,
  contact: string,
): Promise<void> => {
  expect(await world.linkOfPerson(marketoId)).toMatchObject({
    ...{ status: 'linked', kind: 'contact', dynamicsId: contact, successor: null },
  });
  const person = await world.person(marketoId);
  expect(person).toMatchObject({ dynamicsId: contact, dynamicsType: 'contact', dynamicsDeleted: false });
  const links = await world.links();
  expect(links.find(({ dynamicsId }) => dynamicsId === lead)).toMatchObject({
    ...{ status: 'excluded', kind: 'lead', marketoId: null },
  });
  const doubled = (await world.duplicates()).filter((key) => key.startsWith('person'));
  expect(doubled).toEqual([]);
};
