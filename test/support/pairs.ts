import { randomUUID } from 'node:crypto';
import type { World } from './world.js';

/** A lead and its person. */
export interface Pair {
  readonly leadid: string;
  readonly marketoId: number;
}

/** Makes leads with their persons, everything at rest, in a world that is there by the time it is called. */
export const leadPairsIn =
  (world: () => World) =>
  async (count: number): Promise<Pair[]> => {
    const leads = Array.from({ length: count }, () => {
      const leadid = randomUUID();
      return { leadid, lastname: 'Ruiz', jobtitle: 'CTO', emailaddress1: `${leadid}@example.com` };
    });
    await world().doors.createRows('leads', leads);
    await world().settled();
    const links = new Map(
      (await world().links()).map(({ dynamicsId, marketoId }) => [dynamicsId, marketoId]),
    );
    return leads.map(({ leadid }) => ({ leadid, marketoId: links.get(leadid) ?? 0 }));
  };
