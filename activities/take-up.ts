import type { PersonRecord } from '../marketo/index.js';
import type { Link } from '../rules/link.js';
import { observe } from '../rules/observe.js';
import { waitsForRight } from '../rules/parked.js';
import { isInScope } from '../rules/scope.js';
import type { Side } from '../rules/terms.js';
import { endedPairs } from '../store/guard-counts.js';
import { holdDecision, type GuardStop } from '../store/guard-stops.js';
import { saveLinks } from '../store/links.js';
import { bury, settleEnd } from './endings.js';
import { personFields } from './person-fields.js';
import type { Guarding } from './guarding.js';
import { keyOf } from './keys.js';
import { busy } from './request.js';
import { contextOf, observeRow, rowsById } from './reread.js';
import { takesNoPart, textOf } from './rows.js';
import { takeRow } from './take-row.js';

/** Pairs at once: their persons fit into one call. */
const AT_ONCE = 300;

/**
 * Looks by id for the records whose loss a stop is about, and lets pairs whose record is there after all (a right that was
 * withdrawn and given back, a read that failed) go on with what they had agreed, as if it had never been missed. After a
 * decision to discard, persons of the others are not flagged; those out of scope, which the stop did not count, wait.
 */
export const takeUpAgain = async (guarding: Guarding, stop: GuardStop): Promise<void> => {
  for (const reason of stop.reasons.filter(({ measure }) => measure === 'deletes')) {
    for (let after = 0; ;) {
      guarding.attempt.signal.throwIfAborted();
      const found = { from: reason.from, kind: reason.kind, after, limit: AT_ONCE };
      const links = await endedPairs(guarding.ports.db, found);
      const last = links.at(-1);
      if (last === undefined) break;
      const missed = await takeSome(guarding, stop, reason.from, links);
      // What somebody else changed meanwhile is looked at once more.
      if (!missed) after = last.id;
      guarding.attempt.progress();
    }
  }
};

const takeSome = async (
  guarding: Guarding,
  stop: GuardStop,
  from: Side,
  links: readonly Link[],
): Promise<boolean> => {
  const { db, timing } = guarding.ports;
  const back = await (from === 'dynamics' ? withRows(guarding, links) : withPersons(guarding, links));
  const gone = links.filter(({ id }) => !back.has(id));
  const forgotten =
    stop.decision === 'discard'
      ? gone.filter(isInScope).map((link) => ({ ...settleEnd(link), stamp: null, dirty: false }))
      : [];
  const taken = [...back.values(), ...forgotten];
  return db.transaction().execute(async (tx) => {
    if (!(await holdDecision(tx, stop))) throw busy('the stop of the guard');
    const saved = await saveLinks(tx, taken, timing.overlapMs);
    return saved.size < taken.length;
  });
};

/** Pairs whose row is there, by id of the link. */
const withRows = async (guarding: Guarding, links: readonly Link[]): Promise<Map<number, Link>> => {
  const { ports, attempt } = guarding;
  const [kind] = links.map((link) => link.kind);
  if (kind === undefined) return new Map();
  const ids = links.flatMap(({ dynamicsId }) => dynamicsId ?? []);
  const rows = await rowsById(ports, kind, ids, attempt.signal);
  const there = links.filter(({ dynamicsId }) => rows.has(dynamicsId ?? ''));
  const persons = await personsOf(guarding, there);
  return new Map(
    there.flatMap((link) => {
      const read = rows.get(link.dynamicsId ?? '');
      if (read === undefined) return [];
      const person = persons.get(link.marketoId ?? 0);
      if (takesNoPart(read.row, kind))
        return takeRow(ports, link, read.row, read.mapping).map((taken) => [link.id, taken] as const);
      const taken =
        person === undefined ? bury(link) : observeRow(ports, resumed(guarding, link, person), read);
      return [[link.id, taken] as const];
    }),
  );
};

/** Pairs whose person is there, by id of the link; their rows may have been edited since, and are read again. */
const withPersons = async (guarding: Guarding, links: readonly Link[]): Promise<Map<number, Link>> => {
  const persons = await personsOf(guarding, links);
  return new Map(
    links.flatMap((link) => {
      const person = persons.get(link.marketoId ?? 0);
      if (person === undefined) return [];
      return [[link.id, { ...resumed(guarding, link, person), rereadDynamics: true }] as const];
    }),
  );
};

const personsOf = async (
  { ports, mapping, attempt }: Guarding,
  links: readonly Link[],
): Promise<Map<number, PersonRecord>> => {
  const values = links.flatMap(({ marketoId }) => marketoId ?? []);
  if (values.length === 0) return new Map();
  const fields = ['dynamicsId', 'dynamicsDeleted', ...personFields(mapping)];
  const { persons } = await ports.marketo.readPersons({ by: 'id', values, fields }, attempt.signal);
  return new Map(persons.map((person) => [person.id, person]));
};

/** The pair as it stood, with all that was under way and set aside, and what its person holds by now. */
const resumed = ({ ports, mapping }: Guarding, link: Link, { values }: PersonRecord): Link => {
  const keyed = textOf(values['dynamicsId'])?.toLowerCase() === link.dynamicsId;
  const stamp = keyed && values['dynamicsDeleted'] !== true ? null : keyOf(link);
  const parked = Object.entries(link.parked).filter(([, each]) => !waitsForRight(each));
  const pair: Link = { ...link, status: 'linked', stamp, dirty: true, parked: Object.fromEntries(parked) };
  return observe(pair, { side: 'marketo', values }, contextOf(ports, mapping.fields[link.kind])).link;
};
