import { randomUUID } from 'node:crypto';
import type { DynamicsWebApi } from 'dynamics-web-api';
import type { Dynamics, RowWrite } from '../../dynamics/index.js';
import { groups, type Job } from './job.js';

export interface DataverseScene {
  readonly ours: Dynamics;
  readonly theirs: DynamicsWebApi;
  /** Ids of leads that are there. */
  readonly leads: readonly string[];
}

interface Page {
  readonly value?: readonly unknown[];
  readonly oDataNextLink?: string;
  readonly oDataDeltaLink?: string;
}

const SELECT = [
  'firstname',
  'lastname',
  'emailaddress1',
  'companyname',
  'jobtitle',
  'telephone1',
  'donotbulkemail',
];
const PAGE = 500;
/** As many ids as fit into the address that the connector allows itself, so that both ask alike. */
const IDS = 150;
/** Parts of one batch, as many as the connector sends. */
const PARTS = 40;
const FEW = 40;
const PEER = 'dynamics-web-api';

export function dataverseJobs(scene: DataverseScene): Job[] {
  const common = { remote: 'dataverse', peer: PEER } as const;
  return [
    { ...common, batched: false, ...firstRead(scene) },
    { ...common, batched: false, ...deltaRead(scene) },
    { ...common, batched: true, ...readById(scene) },
    { ...common, batched: true, ...createRows(scene) },
    { ...common, batched: true, ...updateRows(scene) },
    { ...common, batched: false, ...readOneByOne(scene) },
    { ...common, batched: false, ...updateOneByOne(scene) },
  ];
}

type Work = Pick<Job, 'name' | 'ours' | 'theirs' | 'before'>;

async function ourChanges(dynamics: Dynamics, from: Parameters<Dynamics['changes']>[1]) {
  let [rows, link] = [0, ''];
  for await (const page of dynamics.changes('lead', from)) {
    rows += page.rows.length;
    link = page.deltaLink ?? link;
  }
  return { rows, link };
}

async function theirChanges(client: DynamicsWebApi, link?: string) {
  const request = { collection: 'leads', select: SELECT, maxPageSize: PAGE, trackChanges: true };
  let page: Page = await client.retrieveMultiple(request, link);
  let rows = page.value?.length ?? 0;
  while (page.oDataNextLink !== undefined) {
    page = await client.retrieveMultiple(request, page.oDataNextLink);
    rows += page.value?.length ?? 0;
  }
  return { rows, link: page.oDataDeltaLink ?? '' };
}

const firstRead = ({ ours, theirs }: DataverseScene): Work => ({
  name: 'first read of all leads with change tracking',
  ours: async () => (await ourChanges(ours, { select: SELECT })).rows,
  theirs: async () => (await theirChanges(theirs)).rows,
});

/** A thousand rows change before each turn; each client goes on from its own link. */
const deltaRead = ({ ours, theirs, leads }: DataverseScene): Work => {
  const changed = leads.slice(0, 1000);
  const links = { ours: '', theirs: '' };
  let wave = 0;
  return {
    name: `read ${changed.length} changed leads by delta link`,
    before: async () => {
      links.ours = (await ourChanges(ours, { select: SELECT })).link;
      links.theirs = (await theirChanges(theirs)).link;
      wave += 1;
      await ours.write(changed.map((id) => anyway(id, { jobtitle: `Wave ${wave}` })));
    },
    ours: async () => (await ourChanges(ours, { link: links.ours })).rows,
    theirs: async () => (await theirChanges(theirs, links.theirs)).rows,
  };
};

/** An update whatever the row's version is: `If-Match: *`, so that both clients do the same. */
const anyway = (id: string, values: RowWrite['values']): RowWrite => ({
  type: 'update',
  kind: 'lead',
  id,
  etag: '*',
  values,
});

const readById = ({ ours, theirs, leads }: DataverseScene): Work => {
  const wanted = leads.slice(0, 1500);
  return {
    name: `read ${wanted.length} leads by id`,
    ours: async () => (await ours.readRows('lead', wanted, SELECT)).length,
    theirs: async () => {
      let found = 0;
      for (const ids of groups(wanted, IDS)) {
        const filter = `Microsoft.Dynamics.CRM.In(PropertyName='leadid',PropertyValues=${JSON.stringify(ids)})`;
        const page: Page = await theirs.retrieveMultiple({ collection: 'leads', select: SELECT, filter });
        found += page.value?.length ?? 0;
      }
      return found;
    },
  };
};

const newLead = (at: number) => ({ firstname: 'Ada', lastname: `Byron ${at}`, subject: 'Bench' });

const createRows = ({ ours, theirs }: DataverseScene): Work => {
  const count = 320;
  return {
    name: `create ${count} leads under ids of our own`,
    ours: async () => {
      const operations = Array.from({ length: count }, (_, at): RowWrite => ({
        type: 'create',
        kind: 'lead',
        id: randomUUID(),
        values: newLead(at),
      }));
      return (await ours.write(operations)).filter(({ status }) => status === 'done').length;
    },
    theirs: async () => {
      const rows = Array.from({ length: count }, (_, at) => ({ key: randomUUID(), data: newLead(at) }));
      await inBatches(theirs, rows, ({ key, data }) =>
        theirs.upsert({ collection: 'leads', key, data, ifnonematch: '*', inChangeSet: false }),
      );
      return count;
    },
  };
};

const updateRows = ({ ours, theirs, leads }: DataverseScene): Work => {
  const written = leads.slice(0, 400);
  return {
    name: `update ${written.length} leads`,
    ours: async (turn) => {
      const outcomes = await ours.write(written.map((id) => anyway(id, { jobtitle: `Turn ${turn}` })));
      return outcomes.filter(({ status }) => status === 'done').length;
    },
    theirs: async (turn) => {
      await inBatches(theirs, written, (key) =>
        theirs.update({ collection: 'leads', key, data: { jobtitle: `Turn ${turn}` }, inChangeSet: false }),
      );
      return written.length;
    },
  };
};

/** Batch after batch: the client's batch belongs to the instance, so that it has one under way at a time. */
async function inBatches<T>(
  client: DynamicsWebApi,
  items: readonly T[],
  add: (item: T) => Promise<unknown>,
): Promise<void> {
  for (const some of groups(items, PARTS)) {
    client.startBatch();
    // Inside a batch the answers come with `executeBatch` alone.
    for (const item of some) void add(item);
    await client.executeBatch({ continueOnError: true });
  }
}

const readOneByOne = ({ ours, theirs, leads }: DataverseScene): Work => {
  const few = leads.slice(0, FEW);
  return {
    name: `read ${FEW} leads one by one`,
    ours: async () => {
      for (const id of few) await ours.readRow('lead', id, SELECT);
      return few.length;
    },
    theirs: async () => {
      for (const key of few) await theirs.retrieve({ collection: 'leads', key, select: SELECT });
      return few.length;
    },
  };
};

const updateOneByOne = ({ ours, theirs, leads }: DataverseScene): Work => {
  const few = leads.slice(0, FEW);
  return {
    name: `update ${FEW} leads one by one`,
    ours: async (turn) => {
      for (const id of few) await ours.writeOne(anyway(id, { jobtitle: `Single ${turn}` }));
      return few.length;
    },
    theirs: async (turn) => {
      for (const key of few) {
        await theirs.update({ collection: 'leads', key, data: { jobtitle: `Single ${turn}` } });
      }
      return few.length;
    },
  };
};
