import { holdRecord } from '../../client/hold/hold.js';
import type { Link } from '../../rules/link.js';
import { newEmail } from './groups.js';
import type { World } from './world.js';

export interface ScopedPair {
  readonly leadid: string;
  /** 0 for a row that got none. */
  readonly marketoId: number;
  readonly email: string;
}

/** Makes and looks at pairs of a world with a record filter, which is there by the time they are called. */
export const pairsIn = (world: () => World) => {
  const linkOfRow = async (id: string): Promise<Link> => {
    const link = (await world().links()).find(({ dynamicsId }) => dynamicsId === id);
    if (link === undefined) throw new Error(`no link of row ${id}`);
    return link;
  };
  /** A lead, with its person if its flag lets it have one, at rest. */
  const pair = async (flag: boolean | null = null): Promise<ScopedPair> => {
    const email = newEmail();
    const [leadid = ''] = await world().doors.createRows('leads', [
      { lastname: 'Ruiz', jobtitle: 'CTO', emailaddress1: email, new_synctomkto: flag },
    ]);
    await world().settled();
    return { leadid, marketoId: (await linkOfRow(leadid)).marketoId ?? 0, email };
  };
  /** What both sides hold, Dynamics first. */
  const titles = async ({ leadid, marketoId }: ScopedPair): Promise<string[]> => [
    String((await world().row('leads', leadid))['jobtitle']),
    String((await world().person(marketoId))['title']),
  ];
  const hold = (record: Parameters<typeof holdRecord>[1], note: string | null = null) =>
    holdRecord(world().db, record, { since: new Date().toISOString(), by: 'ana', note });
  return { linkOfRow, pair, titles, hold };
};
