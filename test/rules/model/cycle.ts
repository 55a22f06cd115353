import { judgeLog } from '../../../rules/change-log.js';
import { actual, type Link } from '../../../rules/link.js';
import { observe, type ObserveContext } from '../../../rules/observe.js';
import {
  explain,
  giveUp,
  markAnswered,
  markSent,
  markUnsent,
  park,
  plannedWrites,
  pruneWrites,
  settleSent,
} from '../../../rules/outcome.js';
import { plan, type Planned } from '../../../rules/plan.js';
import type { FieldValues, Side } from '../../../rules/terms.js';
import {
  CALL,
  Crash,
  KEEP,
  LANDING,
  OVERLAP,
  REST,
  STEP,
  tick,
  updatePerson,
  type Fate,
  type World,
} from './world.js';

/** A task of the driver: each `yield` is a moment at which anything may happen, also a crash. */
type Task = Generator<undefined, void>;

const instant = (ms: number): string => new Date(ms).toISOString();

/** The store keeps links as JSON. */
const stored = (link: Link): Link => JSON.parse(JSON.stringify(link)) as Link;

/** Saves on top of whatever the link is by now. */
function* save(w: World, change: (link: Link) => Link): Task {
  yield;
  w.link = stored(change(w.link));
  yield;
}

/** One cycle, or what of it happens before a crash. False if it crashed. */
export const cycle = (w: World): boolean => {
  w.cycle += 1;
  try {
    sideBySide(w, fetchMarketo(w), fetchDynamics(w));
    run(w, resolve(w));
    sideBySide(w, pushToMarketo(w), pushToDynamics(w));
    return true;
  } catch (error) {
    if (error instanceof Crash) return false;
    throw error;
  } finally {
    rest(w, REST);
  }
};

export const rest = (w: World, ms: number): void => {
  for (let left = ms; left > 0; left -= STEP) {
    try {
      tick(w);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
  }
};

const run = (w: World, task: Task): void => {
  while (task.next().done !== true) tick(w);
};

const sideBySide = (w: World, a: Task, b: Task): void => {
  let open = [a, b];
  while (open.length > 0) {
    const first = w.scenario.turns[w.steps % Math.max(1, w.scenario.turns.length)] ?? true;
    const task = (first ? open[0] : open.at(-1)) ?? a;
    if (task.next().done === true) open = open.filter((each) => each !== task);
    else tick(w);
  }
};

const contextOf = (w: World): ObserveContext => ({ fields: w.fields, now: w.now, overlapMs: OVERLAP });

function* fetchMarketo(w: World): Task {
  const entries = w.person.log.filter(
    ({ guid, visibleFrom }) => visibleFrom <= w.now && !w.handled.has(guid),
  );
  yield* save(w, (link) => {
    const judged = judgeLog(link, entries, w.fields);
    for (const { guid } of entries) w.handled.add(guid);
    if (judged.readNeeded) return { ...judged.link, rereadMarketo: true };
    return judged.changed ? judged.link : link;
  });
  markOverdue(w);
  while (w.link.rereadMarketo) {
    const before = w.link;
    const values = { ...w.person.values };
    yield;
    // Like the store's compare-and-set: a link that moved meanwhile is read again.
    if (before !== w.link) continue;
    const { link, refusals } = observe(before, { side: 'marketo', values }, contextOf(w));
    const taken = refusals.reduce((each, { write }) => refuse(w, each, write.side, [write.field]), link);
    w.link = stored({ ...taken, rereadMarketo: false });
    yield;
  }
}

/** Open writes whose time is over ask for a read of the side that was written. */
const markOverdue = (w: World): void => {
  const overdue = w.link.writes.filter((write) => {
    if (write.state === 'answered') return w.now >= Date.parse(write.at) + OVERLAP;
    return write.state === 'sent' && w.now >= Date.parse(write.deadline ?? write.at);
  });
  w.link = {
    ...w.link,
    rereadMarketo: w.link.rereadMarketo || overdue.some(({ side }) => side === 'marketo'),
    rereadDynamics: w.link.rereadDynamics || overdue.some(({ side }) => side === 'dynamics'),
  };
};

function* fetchDynamics(w: World): Task {
  markOverdue(w);
  if (w.delta === w.row.etag && !w.link.rereadDynamics) return;
  const etag = w.row.etag;
  yield* readRow(w);
  w.delta = etag;
}

function* readRow(w: World): Task {
  const observation = { side: 'dynamics', values: { ...w.row.values }, etag: w.row.etag } as const;
  yield;
  yield* save(w, (link) => ({ ...observe(link, observation, contextOf(w)).link, rereadDynamics: false }));
}

/** Decides, refuses what metadata refuses, and keeps the plan. */
function* resolve(w: World): Task {
  if (!w.link.dirty) return;
  yield* save(w, (link) => planned(w, link));
}

const planned = (w: World, link: Link): Link => {
  const at = instant(w.now);
  const result = plan(link, { fields: w.fields, cycle: w.cycle, at });
  record(w, result);
  const refused = result.refusals.reduce(
    (each, { side, field }) => refuse(w, each, side, [field]),
    result.link,
  );
  const explained = result.decisions.reduce(
    (each, { field, rule, winner }) => explain(each, field, { rule, winner, cycle: w.cycle, at }),
    refused,
  );
  return pruneWrites(explained, w.now, KEEP);
};

const record = (w: World, { decisions }: Planned): void => {
  for (const decision of decisions) {
    const typed = (side: Side) => [...(w.typed[side][decision.field] ?? [])];
    w.decisions.push({ ...decision, typed: { marketo: typed('marketo'), dynamics: typed('dynamics') } });
  }
};

/** As the activities do: the refused writes are forgotten, the fields parked for the values that both sides hold. */
const refuse = (w: World, link: Link, side: Side, fields: readonly string[]): Link => {
  w.rejections += 1;
  const pending = link.writes.filter(
    (write) =>
      write.side === side &&
      fields.includes(write.field) &&
      write.state !== 'settled' &&
      write.state !== 'superseded',
  );
  return fields.reduce(
    (each, field) => {
      const values = {
        marketo: actual(link, 'marketo', field) ?? null,
        dynamics: actual(link, 'dynamics', field) ?? null,
      };
      return park(each, field, values, 'refused', `rejection-${w.rejections}`);
    },
    giveUp(link, pending, false),
  );
};

/** A call without an answer that takes effect later. */
const land = (w: World, fate: 'lost-late' | 'stalled', apply: () => void): void => {
  w.late.push({ due: w.now + LANDING[fate], apply });
};

const nextFate = (w: World): Fate => w.scenario.fates[w.calls++] ?? 'done';

interface Sent {
  readonly change: FieldValues;
  readonly fields: readonly string[];
  readonly etag: string | null;
}

/** Marks the planned writes as under way, saved before the call. */
function* send(w: World, side: Side): Generator<undefined, Sent | undefined> {
  if (plannedWrites(w.link, side).length === 0) return undefined;
  let sent: Sent | undefined;
  yield* save(w, (link) => {
    const writes = plannedWrites(link, side);
    w.sent.push(...writes);
    const change = Object.fromEntries(writes.map(({ field, to }) => [field, to]));
    sent = { change, fields: writes.map(({ field }) => field), etag: link.etag };
    return markSent(link, side, { at: instant(w.now), deadline: instant(w.now + CALL) });
  });
  return sent;
}

function* pushToMarketo(w: World): Task {
  const sent = yield* send(w, 'marketo');
  if (sent === undefined) return;
  const { change, fields } = sent;
  const fate = nextFate(w);
  switch (fate) {
    case 'done':
      updatePerson(w, change);
      return yield* save(w, (link) => markAnswered(link, 'marketo', instant(w.now)));
    case 'not-run':
      return yield* save(w, (link) => markUnsent(link, 'marketo'));
    case 'refused':
      return yield* save(w, (link) => refuse(w, link, 'marketo', fields));
    case 'lost':
      updatePerson(w, change);
      return;
    case 'lost-late':
    case 'stalled':
      land(w, fate, () => {
        updatePerson(w, change);
      });
      return;
    case 'lost-unapplied':
      return;
  }
}

const TRIES = 3;

function* pushToDynamics(w: World): Task {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const sent = yield* send(w, 'dynamics');
    if (sent === undefined) return;
    const { change, fields, etag } = sent;
    const fate = nextFate(w);
    if (fate === 'lost') return void w.row.update(change, etag);
    if (fate === 'lost-unapplied') return;
    if (fate === 'lost-late' || fate === 'stalled') {
      land(w, fate, () => void w.row.update(change, etag));
      return;
    }
    if (fate === 'not-run') return yield* save(w, (link) => markUnsent(link, 'dynamics'));
    if (fate === 'refused') return yield* save(w, (link) => refuse(w, link, 'dynamics', fields));
    if (w.row.update(change, etag)) {
      const after = w.row.etag;
      return yield* save(w, (link) => settleSent(link, 'dynamics', w.fields, after));
    }
    yield* readRow(w);
    yield* save(w, (link) => planned(w, link));
  }
}
