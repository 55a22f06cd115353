import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { listGroups, type ListedGroup } from '../../client/resolve/groups.js';
import type { Link } from '../../rules/link.js';
import type { World } from './world.js';

export const newEmail = (): string => `${randomUUID()}@example.com`;

export const decider = () => ({ by: 'ana', at: new Date().toISOString() });

/** Makes records of one e-mail in a world that is there by the time they are called. */
export const recordsIn = (world: () => World) => {
  const persons = (email: string, count: number, values = {}): Promise<number[]> =>
    world().doors.createPersons(
      Array.from({ length: count }, () => ({ email, lastName: 'Ruiz', ...values })),
    );
  const leads = (email: string, count: number, values = {}): Promise<string[]> =>
    world().doors.createRows(
      'leads',
      Array.from({ length: count }, () => ({ emailaddress1: email, lastname: 'Ruiz', ...values })),
    );
  const linkOfRow = async (id: string): Promise<Link> => {
    const link = (await world().links()).find(({ dynamicsId }) => dynamicsId === id);
    if (link === undefined) throw new Error(`no link of row ${id}`);
    return link;
  };
  /** An ambiguous group, at rest. */
  const group = async (rows: number, people: number) => {
    const email = newEmail();
    const marketoIds = await persons(email, people);
    const ids = await leads(email, rows);
    await world().settled();
    for (const id of ids) expect((await linkOfRow(id)).status).toBe('ambiguous');
    return { email, marketoIds, ids };
  };
  /** The one ambiguous group of a row, as an operator sees it. */
  const groupOf = async (dynamicsId: string): Promise<ListedGroup> => {
    const [found, ...others] = await listGroups(world().db, { dynamicsId });
    if (found === undefined || others.length > 0) throw new Error('not one group');
    return found;
  };
  return { persons, leads, linkOfRow, group, groupOf };
};
