import type { Marketo } from '../../marketo/index.js';
import { groups, type Job } from './job.js';
import type { NodeMarketo } from './peers.js';

export interface MarketoScene {
  readonly ours: Marketo;
  readonly theirs: NodeMarketo;
  /** Persons that are there, each with an address of its own. */
  readonly persons: readonly { readonly id: number; readonly email: string }[];
}

const FIELDS = ['email', 'firstName', 'lastName', 'company', 'title', 'phone', 'city', 'unsubscribed'];
/** Records to one call (Adobe REST docs, "Leads"). */
const CALL = 300;
/** As many addresses as fit into an 8 KB address: the client knows no other way of asking. */
const EMAILS = 150;
const PEER = 'node-marketo-rest';
const FEW = 100;

export function marketoJobs(scene: MarketoScene): Job[] {
  const common = { remote: 'marketo', peer: PEER } as const;
  return [
    { ...common, batched: true, ...readById(scene) },
    { ...common, batched: true, ...readByEmail(scene) },
    // Both send 300 records to a call, one call after the other.
    { ...common, batched: false, ...createPersons(scene) },
    { ...common, batched: false, ...updatePersons(scene) },
    { ...common, batched: false, ...readOneByOne(scene) },
    { ...common, batched: false, ...updateOneByOne(scene) },
    { ...common, batched: false, ...readChanges(scene) },
  ];
}

type Work = Pick<Job, 'name' | 'ours' | 'theirs' | 'before'>;

const readById = ({ ours, theirs, persons }: MarketoScene): Work => ({
  name: `read ${persons.length} persons by id`,
  ours: async () =>
    (await ours.readPersons({ by: 'id', values: persons.map(({ id }) => id), fields: FIELDS })).persons
      .length,
  theirs: async () => {
    let found = 0;
    for (const some of groups(persons, CALL)) {
      const options = { fields: ['id', ...FIELDS], batchSize: CALL };
      found += (
        await theirs.lead.find(
          'id',
          some.map(({ id }) => id),
          options,
        )
      ).result.length;
    }
    return found;
  },
});

const readByEmail = ({ ours, theirs, persons }: MarketoScene): Work => ({
  name: `read ${persons.length} persons by e-mail`,
  ours: async () =>
    (await ours.readPersons({ by: 'email', values: persons.map(({ email }) => email), fields: FIELDS }))
      .persons.length,
  theirs: async () => {
    let found = 0;
    for (const some of groups(persons, EMAILS)) {
      const options = { fields: ['id', ...FIELDS], batchSize: CALL };
      found += (
        await theirs.lead.find(
          'email',
          some.map(({ email }) => email),
          options,
        )
      ).result.length;
    }
    return found;
  },
});

const person = (who: string, turn: number, at: number) => ({
  email: `${who}-${turn}-${at}@example.com`,
  firstName: 'Ada',
  lastName: `Byron ${at}`,
  title: 'Analyst',
});

const createPersons = ({ ours, theirs, persons }: MarketoScene): Work => {
  const made = (turn: number) => persons.map((_, at) => person('bench', turn, at));
  return {
    name: `create ${persons.length} persons`,
    ours: async (turn) => {
      let created = 0;
      for (const records of groups(made(turn), CALL)) {
        const results = await ours.syncPersons({ action: 'createOnly', lookupField: 'email', records });
        created += results.filter(({ status }) => status === 'created').length;
      }
      return created;
    },
    theirs: async (turn) => {
      let created = 0;
      for (const input of groups(made(turn), CALL)) {
        const { result } = await theirs.lead.createOrUpdate(input, {
          action: 'createOnly',
          lookupField: 'email',
        });
        created += result.filter(({ status }) => status === 'created').length;
      }
      return created;
    },
  };
};

const updatePersons = ({ ours, theirs, persons }: MarketoScene): Work => {
  const changed = (turn: number) =>
    persons.map(({ id }) => ({ id, title: `Title ${turn}`, city: `City ${turn}` }));
  return {
    name: `update ${persons.length} persons`,
    ours: async (turn) => {
      let updated = 0;
      for (const records of groups(changed(turn), CALL)) {
        updated += (await ours.syncPersons({ action: 'updateOnly', lookupField: 'id', records })).length;
      }
      return updated;
    },
    theirs: async (turn) => {
      let updated = 0;
      for (const input of groups(changed(turn), CALL)) {
        const answer = await theirs.lead.createOrUpdate(input, { action: 'updateOnly', lookupField: 'id' });
        updated += answer.result.length;
      }
      return updated;
    },
  };
};

const readOneByOne = ({ ours, theirs, persons }: MarketoScene): Work => {
  const few = persons.slice(0, FEW);
  return {
    name: `read ${FEW} persons one by one`,
    ours: async () => {
      for (const { email } of few) await ours.readPersons({ by: 'email', values: [email], fields: FIELDS });
      return few.length;
    },
    theirs: async () => {
      const options = { fields: ['id', ...FIELDS], batchSize: CALL };
      for (const { email } of few) await theirs.lead.find('email', [email], options);
      return few.length;
    },
  };
};

const updateOneByOne = ({ ours, theirs, persons }: MarketoScene): Work => {
  const few = persons.slice(0, FEW);
  return {
    name: `update ${FEW} persons one by one`,
    ours: async (turn) => {
      for (const { id } of few) {
        const records = [{ id, title: `Single ${turn}` }];
        await ours.syncPersons({ action: 'updateOnly', lookupField: 'id', records });
      }
      return few.length;
    },
    theirs: async (turn) => {
      for (const { id } of few) {
        await theirs.lead.createOrUpdate([{ id, title: `Single ${turn}` }], {
          action: 'updateOnly',
          lookupField: 'id',
        });
      }
      return few.length;
    },
  };
};

const STREAM = '/v1/activities/leadchanges.json';
const CHANGED = ['title', 'city'];

/** Both read the same stretch of the log: what happened since the token of the last turn of `before`. */
const readChanges = ({ ours, theirs, persons }: MarketoScene): Work => {
  let token = '';
  let written = 0;
  return {
    name: `read ${persons.length * 2} entries of the change log`,
    before: async () => {
      if (token !== '') return;
      token = await endOfLog(ours);
      for (const some of groups(persons, CALL)) {
        const records = some.map(({ id }) => ({ id, title: 'Logged', city: `Logged ${written++}` }));
        await ours.syncPersons({ action: 'updateOnly', lookupField: 'id', records });
      }
    },
    ours: async () => {
      let read = 0;
      for (let next = token, more = true; more;) {
        const page = await ours.personChanges(next, CHANGED);
        read += page.changes.length;
        [next, more] = [page.nextToken, page.more];
      }
      return read;
    },
    theirs: async () => {
      let read = 0;
      for (let next: string | undefined = token; next !== undefined;) {
        const query = { nextPageToken: next, fields: CHANGED.join(','), batchSize: CALL };
        const page = await theirs._connection.get(STREAM, { query });
        read += page.result?.length ?? 0;
        next = page.moreResult === true ? page.nextPageToken : undefined;
      }
      return read;
    },
  };
};

async function endOfLog(marketo: Marketo): Promise<string> {
  let token = await marketo.pagingToken(new Date().toISOString());
  for (let more = true; more;) {
    const page = await marketo.personChanges(token, CHANGED);
    [token, more] = [page.nextToken, page.more];
  }
  return token;
}
