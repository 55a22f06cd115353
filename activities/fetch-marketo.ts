import {
  ACTIVITY_TYPES,
  type DeletedPerson,
  type PersonChange,
  type StreamPosition,
} from '../marketo/index.js';
import { judgeLog, type LogEntry } from '../rules/change-log.js';
import { fromLog } from '../rules/codecs/index.js';
import { RemoteFailure } from '../rules/failures.js';
import type { Link } from '../rules/link.js';
import { coveredSince } from '../rules/lost-edits.js';
import type { MappedField, Mapping } from '../rules/mapping.js';
import { emailKey } from '../rules/email.js';
import type { IsoInstant } from '../rules/terms.js';
import { wakeAmbiguous } from '../store/ambiguous.js';
import { cursor, forgetHandled, markHandled, moveCursor, unhandled } from '../store/cursors.js';
import { markActive } from '../store/cycles.js';
import { endedPairsOf } from '../store/guard-counts.js';
import { linksByPerson, markOverdue, saveLinks } from '../store/links.js';
import { askForPass } from '../store/reconciliations.js';
import { currentMapping } from './catalog.js';
import type { CycleRef, FetchMarketoResult } from './contract.js';
import { bury } from './endings.js';
import { handleMerged } from './merged-persons.js';
import { personFields } from './person-fields.js';
import { startPersonScope, takeEndedFlags } from './person-scope.js';
import { rereadPersons } from './reread.js';
import type { Attempt, Ports } from './settings.js';
import { underSchemaOfNow } from './stale-schema.js';

/**
 * Takes what changed in Marketo into the store: entries of the change log, deletions, merges, and a read of every person that
 * they leave open.
 */
export const fetchMarketo = async (
  ports: Ports,
  input: CycleRef,
  attempt: Attempt,
): Promise<FetchMarketoResult> => {
  await markActive(ports.db, input.cycle, input.at);
  await noteOutage(ports, input.at);
  const mapping = await currentMapping(ports);
  try {
    return await fetchUnder(ports, mapping, input, attempt);
  } catch (error) {
    const { signal } = attempt;
    throw await underSchemaOfNow(ports, error, { before: mapping, selected: personFields, signal });
  }
};

const fetchUnder = async (
  ports: Ports,
  mapping: Mapping,
  input: CycleRef,
  attempt: Attempt,
): Promise<FetchMarketoResult> => {
  await startPersonScope(ports.db, mapping.scope.person);
  const names = [...new Set([...personFields(mapping), 'email', 'dynamicsId'])].sort();
  const entries = await readStream(ports, attempt, 'marketo/changes', {
    page: async (token) => {
      const { changes, ...position } = await ports.marketo.personChanges(token, names, attempt.signal);
      return { items: changes, ...position };
    },
    handle: (changes) => handleChanges(ports, mapping, changes),
  });
  const deleted = await readStream(ports, attempt, 'marketo/deleted', {
    page: async (token) => {
      const { deleted: items, ...position } = await ports.marketo.deletedPersons(token, attempt.signal);
      return { items, ...position };
    },
    handle: (items) => handleDeleted(ports, items),
  });
  // After the deletions: a person that was merged away may be told as deleted too.
  await readStream(ports, attempt, 'marketo/merged', {
    page: async (token) => {
      const query = { token, typeIds: [ACTIVITY_TYPES.mergePersons] };
      const { activities: items, ...position } = await ports.marketo.activities(query, attempt.signal);
      return { items, ...position };
    },
    handle: (items) => handleMerged(ports, items),
  });
  await markOverdue(ports.db);
  const read = await rereadPersons(ports, mapping, input.cycle, attempt);
  return { entries, deleted, read };
};

/** Marketo keeps deletions for 14 days (Adobe REST docs, "Activities"); a day is left for the pass to begin. */
const DELETIONS_KEPT_MS = 13 * 24 * 60 * 60 * 1000;

/** After a longer outage the stream has a gap: only asking for every person tells who was deleted in it. */
const noteOutage = async ({ db }: Ports, at: IsoInstant): Promise<void> => {
  const read = await cursor(db, 'marketo/deleted');
  if (read === undefined || Date.parse(at) - Date.parse(read.mark) < DELETIONS_KEPT_MS) return;
  await askForPass(db, 'outage', at);
};

interface Stream<T> {
  readonly page: (token: string) => Promise<StreamPosition & { readonly items: readonly T[] }>;
  readonly handle: (items: readonly T[]) => Promise<void>;
}

/** A token with the server's time at which it was given. */
interface Place {
  readonly token: string;
  readonly at: IsoInstant;
}

/**
 * Reads a stream to its end, beginning one overlap before the end of the last time: entries may be committed late. Kept
 * are the tokens of the last cycles, so that beginning there costs no call.
 */
const readStream = async <T>(
  ports: Ports,
  attempt: Attempt,
  name: string,
  stream: Stream<T>,
): Promise<number> => {
  const { db, timing } = ports;
  const from = await cursor(db, name);
  const places = from === undefined ? [] : (JSON.parse(from.position) as Place[]);
  const mark = from?.mark ?? new Date().toISOString();
  const first = await firstPlace(ports, attempt, places, Date.parse(mark) - timing.overlapMs);
  let { token } = first;
  let count = 0;
  for (let more = true; more;) {
    const page = await pageOf(ports, name, stream, token);
    await stream.handle(page.items);
    count += page.items.length;
    ({ nextToken: token, more } = page);
    attempt.progress();
    if (more) continue;
    const ended = { token, at: page.serverTime };
    const remaining = kept(
      [first, ...places.filter(({ at }) => at > first.at), ended],
      Date.parse(page.serverTime) - timing.overlapMs,
    );
    const position = JSON.stringify(remaining);
    await moveCursor(db, from, { stream: name, position, selection: '', mark: page.serverTime });
    const oldest = Date.parse(remaining[0]?.at ?? page.serverTime) - timing.overlapMs;
    await forgetHandled(db, new Date(oldest).toISOString());
  }
  return count;
};

/** The newest place that is old enough; without one, a token for that time, which is kept like any other. */
const firstPlace = async (
  ports: Ports,
  attempt: Attempt,
  places: readonly Place[],
  sinceMs: number,
): Promise<Place> => {
  const place = places.findLast(({ at }) => Date.parse(at) <= sinceMs);
  if (place !== undefined) return place;
  const since = new Date(sinceMs).toISOString();
  return { token: await ports.marketo.pagingToken(since, attempt.signal), at: since };
};

/** Everything younger than the overlap, and the newest that is older. */
const kept = (places: readonly Place[], sinceMs: number): Place[] => {
  const newestOld = places.findLastIndex(({ at }) => Date.parse(at) <= sinceMs);
  return places.slice(Math.max(0, newestOld));
};

/** A token that Marketo no longer knows is forgotten, so that the retry asks for a new one by time. */
const pageOf = async <T>(ports: Ports, name: string, stream: Stream<T>, token: string) => {
  try {
    return await stream.page(token);
  } catch (error) {
    if (!(error instanceof RemoteFailure) || error.type !== 'CursorInvalid') throw error;
    await forgetPlaces(ports, name);
    throw new RemoteFailure({ ...error.details, type: 'Unavailable' });
  }
};

const forgetPlaces = async ({ db }: Ports, name: string): Promise<void> => {
  const from = await cursor(db, name);
  if (from !== undefined) await moveCursor(db, from, { ...from, position: '[]' });
};

const handleChanges = async (
  ports: Ports,
  mapping: Mapping,
  changes: readonly PersonChange[],
): Promise<void> => {
  const fresh = await unhandled(
    ports.db,
    changes.map(({ guid }) => guid),
  );
  let waiting = changes.filter(({ guid }) => fresh.has(guid));
  await wakeAmbiguous(ports.db, {
    emailKeys: waiting.flatMap(emailsIn),
    persons: waiting.filter((change) => tells(change, 'dynamicsId')).map(({ marketoId }) => marketoId),
    rows: waiting.flatMap(rowsNamedIn),
  });
  await takeEndedFlags(ports.db, mapping.scope.person, waiting);
  // A link that somebody else changed between our read and our save is judged again.
  while (waiting.length > 0) {
    const done = await judgeAndSave(ports, mapping, waiting);
    waiting = waiting.filter(({ marketoId }) => !done.has(marketoId));
  }
};

const emailsIn = (change: PersonChange): string[] =>
  change.kind === 'created'
    ? []
    : change.fields
        .filter(({ name }) => name === 'email')
        .flatMap(({ oldValue, newValue }) => [emailKey(oldValue), emailKey(newValue)])
        .filter((key) => key !== null);

/** Rows whose key somebody typed on a person, or took from it. */
const rowsNamedIn = (change: PersonChange): string[] =>
  change.kind === 'created'
    ? []
    : change.fields
        .filter(({ name }) => name === 'dynamicsId')
        .flatMap(({ oldValue, newValue }) => [oldValue, newValue])
        .flatMap((key) => key?.trim().toLowerCase() ?? []);

const tells = (change: PersonChange, field: string): boolean =>
  change.kind !== 'created' && change.fields.some(({ name }) => name === field);

/** Judges the entries of each person; returns the persons that are done with. */
const judgeAndSave = async (
  ports: Ports,
  mapping: Mapping,
  changes: readonly PersonChange[],
): Promise<Set<number>> => {
  const persons = new Set(changes.map(({ marketoId }) => marketoId));
  const living = (await linksByPerson(ports.db, [...persons])).filter(({ status }) => status === 'linked');
  const links = [...living, ...(await endedPairsOf(ports.db, [...persons]))];
  const judged = links.map((link) => {
    const own = changes.filter(({ marketoId }) => marketoId === link.marketoId);
    const flag = mapping.scope.person?.name;
    const flagged = flag !== undefined && own.some((change) => tells(change, flag));
    const judged = judge(link, own, mapping.fields[link.kind]);
    if (link.status === 'ended') return coveredSince(link, judged);
    // The read says how the flag stands by now, whatever the order of its entries.
    return flagged ? { ...judged, rereadMarketo: true } : judged;
  });
  const changed = judged.filter((link, index) => link !== links[index]);
  return ports.db.transaction().execute(async (tx) => {
    const saved = await saveLinks(tx, changed, ports.timing.overlapMs);
    const missed = new Set(changed.filter(({ id }) => !saved.has(id)).map(({ marketoId }) => marketoId));
    const done = new Set([...persons].filter((id) => !missed.has(id)));
    const handled = changes.filter(({ marketoId }) => done.has(marketoId));
    if (!(await markHandled(tx, handled))) throw handledElsewhere();
    return done;
  });
};

/** Another worker judged these entries meanwhile; an entry that is judged twice would be taken for a second one. */
const handledElsewhere = (): RemoteFailure =>
  new RemoteFailure({
    type: 'Busy',
    side: 'marketo',
    code: 'entries-handled',
    effect: 'none',
    message: 'entries of the change log were handled by another worker',
  });

const judge = (link: Link, changes: readonly PersonChange[], fields: readonly MappedField[]): Link => {
  const entries = changes.flatMap((change) => entriesOf(change, fields));
  const judgement = judgeLog(link, entries, fields);
  if (judgement.readNeeded) return { ...judgement.link, rereadMarketo: true };
  return judgement.changed ? judgement.link : link;
};

const entriesOf = (change: PersonChange, fields: readonly MappedField[]): LogEntry[] =>
  change.kind === 'created'
    ? []
    : change.fields.flatMap(({ name, oldValue, newValue }) => {
        const field = fields.find((mapped) => mapped.name === name);
        if (field === undefined) return [];
        return {
          field: name,
          oldValue: fromLog(field.marketoField, oldValue),
          newValue: fromLog(field.marketoField, newValue),
          at: change.at,
          viaApi: change.viaApi,
        };
      });

/** A person deleted in Marketo leaves a tombstone: the row in Dynamics stays, and does not bring the person back. */
const handleDeleted = async ({ db, timing }: Ports, deleted: readonly DeletedPerson[]): Promise<void> => {
  const persons = deleted.map(({ marketoId }) => marketoId);
  await wakeAmbiguous(db, { emailKeys: [], persons });
  for (let waiting = await linksByPerson(db, persons); ; waiting = await linksByPerson(db, persons)) {
    const buried = waiting.filter(({ status }) => status !== 'tombstone').map(bury);
    const saved = await saveLinks(db, buried, timing.overlapMs);
    if (saved.size === buried.length) return;
  }
};
