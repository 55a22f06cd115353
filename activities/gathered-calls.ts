import type { Dynamics, Row, RowCreate, RowOutcome } from '../dynamics/index.js';
import {
  MOST_FILTER_VALUES,
  MOST_RECORDS,
  type Marketo,
  type PersonQuery,
  type PersonRecord,
  type SyncPersonsCall,
  type SyncResult,
} from '../marketo/index.js';
import { emailKey } from '../rules/email.js';
import { gather } from '../rules/gather.js';
import type { Kind } from '../rules/terms.js';
import { sendEntries, type SendEntries } from './log-rejections.js';
import { EMAIL_COLUMN, rowEmailKey } from './rows.js';
import type { Attempt, Ports } from './settings.js';

/** Calls of one form under way at once: more would only wait for Marketo's rate, each with one person. */
const OF_MARKETO = 2;
/** Two of Dynamics' searches in each table; its rate is far wider than Marketo's. */
const SEARCHES = { most: 100, atOnce: 2 } as const;
/** Rows of one batch run one after the other: few, so that nobody waits long for the others. */
const CREATIONS = { most: 10, atOnce: 4 } as const;

/**
 * Ports on which requests that are at work in one process at the same time share calls: what each of them asks about a
 * single person goes out with what others ask (rules/gather.ts). A lone request notices nothing of it; thousands at once
 * do not use up the limits of the remotes, or the day's quota, one person at a time. Many records at once go as they did.
 */
export const gatherCalls = (ports: Ports): Ports => ({
  ...ports,
  marketo: gatherMarketo(ports.marketo),
  dynamics: gatherDynamics(ports.dynamics),
});

/**
 * Sending log entries takes all that are due, whoever left them: one at a time is enough, and those who come meanwhile
 * have theirs sent by the next one. None of them waits for entries that are left later than its own.
 */
export const gatherEntries = (ports: Ports): SendEntries => {
  const ask = gather<Attempt, number>({
    ...{ most: Number.POSITIVE_INFINITY, atOnce: 1 },
    call: async (attempts, signal) => {
      const [first] = attempts;
      if (first === undefined) return [];
      const logged = await sendEntries(ports, { ...first, signal });
      return attempts.map(() => logged);
    },
  });
  return (_, attempt) => ask(attempt, attempt.signal);
};

/** One of each key, made when it is first needed. */
const byKey = <T>(make: (key: string) => T): ((key: string) => T) => {
  const made = new Map<string, T>();
  return (key) => {
    const known = made.get(key) ?? make(key);
    made.set(key, known);
    return known;
  };
};

const gatherMarketo = (marketo: Marketo): Marketo => {
  const readById = byKey((fields) =>
    gather<number | string, PersonRecord | undefined>({
      ...{ most: MOST_FILTER_VALUES, atOnce: OF_MARKETO },
      call: async (values, signal) => {
        const query: PersonQuery = { by: 'id', values, fields: JSON.parse(fields) as string[] };
        const { persons } = await marketo.readPersons(query, signal);
        const found = new Map(persons.map((person) => [String(person.id), person]));
        return values.map((id) => found.get(String(id)));
      },
      nameOf: String,
    }),
  );
  const updateById = gather<SyncPersonsCall['records'][number], SyncResult>({
    ...{ most: MOST_RECORDS, atOnce: OF_MARKETO },
    call: (records, signal) =>
      marketo.syncPersons({ action: 'updateOnly', lookupField: 'id', records }, signal),
    keyOf: ({ id }) => String(id),
    nameOf: ({ id }) => String(id),
  });
  return {
    ...marketo,
    readPersons: async (query, signal) => {
      const [value] = query.values;
      if (query.by !== 'id' || value === undefined || query.values.length > 1 || signal === undefined)
        return marketo.readPersons(query, signal);
      const person = await readById(JSON.stringify(query.fields))(value, signal);
      return { persons: person === undefined ? [] : [person], unaskable: [] };
    },
    syncPersons: async (call, signal) => {
      const [record] = call.records;
      const isSingle = call.action === 'updateOnly' && call.lookupField === 'id' && call.records.length === 1;
      if (!isSingle || record === undefined || signal === undefined) return marketo.syncPersons(call, signal);
      return [await updateById(record, signal)];
    },
  };
};

const gatherDynamics = (dynamics: Dynamics): Dynamics => {
  const search = byKey((table) => {
    const { kind, select } = JSON.parse(table) as { readonly kind: Kind; readonly select: string[] };
    return gather<string, Row[]>({
      ...SEARCHES,
      call: async (emails, signal) => {
        // By its address each finds its own among the rows, also who asks for nothing but their ids.
        const rows = await dynamics.findByEmail(
          kind,
          emails,
          [...new Set([...select, EMAIL_COLUMN])],
          signal,
        );
        return emails.map((email) => rows.filter((row) => rowEmailKey(row) === emailKey(email)));
      },
      nameOf: String,
    });
  });
  const create = gather<RowCreate, RowOutcome>({
    ...CREATIONS,
    call: async (operations, signal) => {
      const [only] = operations;
      if (operations.length > 1 || only === undefined) return dynamics.write(operations, { signal });
      return [await dynamics.writeOne(only, signal)];
    },
    keyOf: ({ id }) => id,
  });
  return {
    ...dynamics,
    findByEmail: async (kind, emails, select, signal) => {
      const [email] = emails;
      if (email === undefined || emails.length > 1 || signal === undefined)
        return dynamics.findByEmail(kind, emails, select, signal);
      return search(JSON.stringify({ kind, select }))(email, signal);
    },
    writeOne: async (operation, signal) => {
      if (operation.type !== 'create' || operation.duplicatesAllowed === true || signal === undefined)
        return dynamics.writeOne(operation, signal);
      return create(operation, signal);
    },
  };
};
