import { adminDoors, DoorError, keyOf, type AdminDoors, type AdminRecord } from './admin-doors.js';
import { crowdOf, planner, type Crowd, type Deed, type KnownRecord } from './life-plan.js';
import { seededRandom } from './population/random.js';

/** One edit that simulated people have made. */
export type LifeEdit = Deed & Readonly<{ collision: boolean }>;

export interface LifeOptions {
  /** Origins of the simulators, whose administrative doors are used. */
  readonly marketo: string;
  readonly dataverse: string;
  readonly seed: string | number;
  /** How many edits a minute, over both sides; a collision is two. */
  readonly editsPerMinute: number;
  /** Which share of the edits is a form that somebody fills in, 0 to 1. Default 0. */
  readonly forms?: number;
  readonly onEdit?: (edit: LifeEdit) => void;
  /** Told of edits that a door refused or that could not be sent; life goes on. */
  readonly onError?: (error: unknown) => void;
}

export interface Life {
  /** No edit begins after this; resolves when the one under way has ended. */
  stop(): Promise<{ readonly edits: number }>;
}

/** After so many edits people look again who is there: the sync makes persons, and others make leads. */
const LOOK_AGAIN_AFTER = 200;

/** People know at most so many pages of 1,000 records of each list; enough to pick from at any size. */
const KNOWN_PAGES = 10;

/**
 * Simulated marketers and sales people who keep editing on both sides, as in the products' own screens: mostly one
 * field of one record, sometimes the same field of one human on both sides at nearly the same moment, new leads,
 * opt-outs, and rarely a delete; when asked for, also forms on web pages. The seed decides what they choose.
 *
 * @throws RangeError when `editsPerMinute` is not greater than 0
 */
export function startLife(options: LifeOptions): Life {
  if (!(options.editsPerMinute > 0)) throw new RangeError('editsPerMinute must be greater than 0.');
  const stopping = new AbortController();
  const state = { edits: 0 };
  const ended = live(options, stopping.signal, state);
  return {
    stop: async () => {
      stopping.abort();
      await ended;
      return { edits: state.edits };
    },
  };
}

async function live(options: LifeOptions, stopped: AbortSignal, state: { edits: number }): Promise<void> {
  const doors = adminDoors(options);
  const plan = planner(seededRandom(`life ${options.seed}`), options.forms);
  const pause = 60_000 / options.editsPerMinute;
  let crowd: Crowd = { records: [], pairs: [] };
  let lookAt = 0;
  for (let due = Date.now() + pause; await reached(due, stopped);) {
    const before = state.edits;
    try {
      if (state.edits >= lookAt) {
        crowd = await lookAround(doors);
        lookAt = state.edits + LOOK_AGAIN_AFTER;
      }
      const deeds = plan(crowd);
      for (const deed of deeds) {
        const done = await acted(doors, deed);
        if (done) {
          state.edits += 1;
          options.onEdit?.({ ...deed, collision: deeds.length > 1 });
        }
        if ('record' in deed && (deed.what === 'delete' || !done)) forget(crowd.records, deed.record);
      }
    } catch (error) {
      options.onError?.(error);
    }
    due += pause * Math.max(1, state.edits - before);
  }
}

function forget(records: KnownRecord[], record: KnownRecord): void {
  const index = records.indexOf(record);
  if (index >= 0) records.splice(index, 1);
}

/** setTimeout fires at once for anything longer. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Waits until the moment, in epoch milliseconds; false when life is stopped first. */
function reached(moment: number, stopped: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (stopped.aborted) {
      resolve(false);
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      stopped.removeEventListener('abort', done);
      resolve(!stopped.aborted);
    };
    const timer = setTimeout(done, Math.min(Math.max(0, moment - Date.now()), LONGEST_TIMER));
    stopped.addEventListener('abort', done);
  });
}

const emailOf = (value: AdminRecord[string] | undefined): string =>
  typeof value === 'string' ? value.toLowerCase() : '';

async function lookAround(doors: AdminDoors): Promise<Crowd> {
  const records: KnownRecord[] = [];
  await eachKnown(doors.persons(), (person) => {
    records.push({ side: 'marketo', id: Number(person['id']), email: emailOf(person['email']) });
  });
  for (const table of ['leads', 'contacts'] as const) {
    await eachKnown(doors.rows(table), (row) => {
      records.push({ side: 'dynamics', table, id: keyOf(table, row), email: emailOf(row['emailaddress1']) });
    });
  }
  return crowdOf(records);
}

async function eachKnown(
  list: AsyncGenerator<readonly AdminRecord[]>,
  meet: (record: AdminRecord) => void,
): Promise<void> {
  let pages = 0;
  for await (const page of list) {
    page.forEach(meet);
    pages += 1;
    if (pages === KNOWN_PAGES) return;
  }
}

/** False when somebody else has deleted the record meanwhile, which happens to people, too. */
async function acted(doors: AdminDoors, deed: Deed): Promise<boolean> {
  try {
    await act(doors, deed);
    return true;
  } catch (error) {
    if (error instanceof DoorError && error.status === 404) return false;
    throw error;
  }
}

async function act(doors: AdminDoors, deed: Deed): Promise<void> {
  if (deed.what === 'form') {
    await doors.fillInForm({ form: deed.form, values: deed.values });
  } else if (deed.what === 'create') {
    await doors.createRows(deed.table, [deed.values]);
  } else if (deed.record.side === 'marketo') {
    const { id } = deed.record;
    await (deed.what === 'delete' ? doors.deletePerson(id) : doors.editPerson(id, deed.values));
  } else {
    const { table, id } = deed.record;
    await (deed.what === 'delete' ? doors.deleteRow(table, id) : doors.editRow(table, id, deed.values));
  }
}
